# shellcheck shell=sh
# Runs one attempt: says who it is, runs the command, records how that ended. What it guarantees, and why in this order,
# is told in local.py. Builtins only; where the command allows it, it runs in this very shell.
#
# $1 stem of the attempt's logs   $2 path of attempts.log   $3 working directory   $4 command
# $5 "inline", "subshell" or "shell"   $6 umask of the command   $7 boot id
# Standard output and error are the logs. That the first of them could be created is the claim.

umask 077
printf 'claim %s %s %s\n' "$1" "$$" "$7" >>"$2" || exit 75

# Recorded however the shell comes to its end, but for KILL. The command cannot be in the way of `command`.
ORCH_WRAPPER_STEM=$1 ORCH_WRAPPER_RECORDS=$2
trap '
command printf "exit %s %s\n" "$ORCH_WRAPPER_STEM" "$?" >>"$ORCH_WRAPPER_RECORDS"
' EXIT

umask "$6"
if cd -- "$3"
then
unset OLDPWD
case $5 in
inline)
# A signal ends the shell as it would end any, after it has recorded that.
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 131' QUIT
trap 'exit 138' USR1
trap 'exit 140' USR2
trap 'exit 143' TERM
set -- "$4"
eval "shift; $1"
;;
subshell)
# A caught signal is back at its default in the command; an ignored one would stay ignored.
trap : HUP INT QUIT TERM USR1 USR2
( trap - EXIT; eval "set --; $4" )
;;
*)
trap : HUP INT QUIT TERM USR1 USR2
/bin/sh -c -- "$4"
;;
esac
else
printf 'orchestrator: the working directory %s cannot be entered; nothing was run. Create it, or change working_dir.\n' "$3" >&2
exit 126
fi
