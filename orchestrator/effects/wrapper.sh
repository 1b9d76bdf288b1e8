# shellcheck shell=sh
# Runs one attempt: claims it, runs its command, records how that ended. What it guarantees, and why in this
# order, is told in local.py. Builtins only; the one process it makes is the command.
#
# $1 path of the attempt's logs without ending   $2 their stem            $3 working directory
# $4 command   $5 umask of the command           $6 "subshell" or "shell"  $7 boot id
# Descriptor 9 is attempts.log, opened for appending.

# The claim: a log file that is there belongs to somebody else, whatever kind of file it is.
umask 077
set -C
[ ! -e "$1.out" ] && true >"$1.out" || exit 75
true >"$1.err" || exit 75
set +C
exec >>"$1.out" 2>>"$1.err"

# Who has it. Behind the parenthesis that ends the name, ${27} is the 22nd field: the start time. (## alone would
# do, but costs dash as much as a whole fork; it is for a shell whose name holds a parenthesis.)
IFS= read -r ORCH_WRAPPER_STAT </proc/self/stat || exit 75
ORCH_WRAPPER_STAT=${ORCH_WRAPPER_STAT#*) }
case $ORCH_WRAPPER_STAT in *')'*) ORCH_WRAPPER_STAT=${ORCH_WRAPPER_STAT##*) } ;; esac
# shellcheck disable=SC2086 # to be split
set -- "$@" $ORCH_WRAPPER_STAT
printf 'claim %s %s %s %s\n' "$2" "$$" "${27}" "$7" >&9 || exit 75

# A caught signal is back at its default in the command; an ignored one would stay ignored.
unset ORCH_WRAPPER_STAT
umask "$5"
if cd -- "$3"
then
unset OLDPWD
trap : HUP INT QUIT TERM USR1 USR2
if [ "$6" = subshell ]
then
( eval "set --; $4" ) 9>&-
else
/bin/sh -c -- "$4" 9>&-
fi
set -- "$2" "$?"
else
printf 'orchestrator: the working directory %s cannot be entered; nothing was run. Create it, or change working_dir.\n' "$3" >&2
set -- "$2" 126
fi
printf 'exit %s %s\n' "$@" >&9
exit "$2"
