# shellcheck shell=sh
# shellcheck disable=SC2154
# What server.sh, taskserv.sh and cluster.sh share. To be sourced; the caller names itself in $self, its own folder in
# $here and what it is to do in $verb.
#
# Everything lies below one root, ORCH_LOCAL_ROOT or providers/local in the data directory:
#
#   servers/<name>/server.json      the server exists from the moment this file does
#   servers/<name>/applied.log      what was done to it, a line each
#   servers/<name>/services/…       which task services are installed
#   servers/<name>/etc/…            their configuration
#   clusters/<name>/cluster.json    name and members of a cluster
#   kept/<workflow>/<operation>/…   what updates and deletions of a workflow took away, to bring it back
#
# What is done by hand is not kept (kept.sh tells how long the rest stays).
#
# Files are replaced by renaming, and each is written by one kind of action only, so that actions on the same server
# can run side by side. An action that was cut off, at whatever line, is completed by running it again.

set -eu
umask 077

# shellcheck source=SCRIPTDIR/unfinished.sh
. "$here/unfinished.sh"
# shellcheck source=SCRIPTDIR/kept.sh
. "$here/kept.sh"

# Exit codes, as in sysexits.h: a wrong name, something that is not there, something in the way, a setting that is missing.
# shellcheck disable=SC2034 # used by who sources this
bad_name=64 not_there=66 in_the_way=73 no_setting=78

fail() { # message, exit code
	printf '%s: %s\n' "$self" "$1" >&2
	exit "${2:-1}"
}

say() {
	printf '%s\n' "$1"
}

is_name() { # whether it can be a file's name and stands in JSON as it is
	case $1 in
	'' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]* | *.) return 1 ;;
	esac
	[ "${#1}" -le 120 ]
}

# What the task says about itself; by hand, nothing need be set but ORCH_ITEM and the root.
item=${ORCH_ITEM-}
workflow=${ORCH_WORKFLOW_ID:-by-hand}
origin=${ORCH_ORIGIN_WORKFLOW_ID:-$workflow}
task=${ORCH_TASK_ID:-by-hand}
attempt=${ORCH_ATTEMPT:-1}
key=${ORCH_IDEMPOTENCY_KEY:-none}
operation=${ORCH_OPERATION:-none}

is_name "$item" || fail "'$item' cannot be a name here: use letters, digits, dots, hyphens and underscores, \
a letter or digit first, no dot last, 120 at most." "$bad_name"
for value in "$workflow" "$origin" "$operation" "$attempt" "$key"; do
	is_name "$value" || fail "'$value' is none of the orchestrator's ids." "$bad_name"
done
case $task in
*[!A-Za-z0-9._-]*) fail "'$task' is none of the orchestrator's task ids." "$bad_name" ;;
esac

# Workflow and task that do this; or did what is undone now, which another workflow may have taken over since.
# shellcheck disable=SC2034 # used by who sources this
owner=$workflow done_by=$task
# shellcheck disable=SC2034
case $verb in
undo-*)
	owner=$origin
	case $task in
	"$workflow".*) done_by=$owner.${task#"$workflow".} ;;
	esac
	;;
esac

if [ -n "${ORCH_LOCAL_ROOT-}" ]; then
	root=$ORCH_LOCAL_ROOT
elif [ -n "${ORCH_DATA_DIR-}" ]; then
	root=$ORCH_DATA_DIR/providers/local
else
	fail "neither ORCH_LOCAL_ROOT nor ORCH_DATA_DIR says where servers are kept." "$no_setting"
fi
case $root in
/*) ;;
*) root=$PWD/$root ;;
esac
# shellcheck disable=SC2034 # used by who sources this
servers=$root/servers clusters=$root/clusters
kept= # folder for what this task takes away; empty by hand
# shellcheck disable=SC2034
[ "$owner" = by-hand ] || kept=$root/kept/$owner/$operation/$item

now() {
	date -u +%Y-%m-%dT%H:%M:%SZ
}

replace() { # path; content from standard input
	drop_unfinished "$1"
	cat >"$1.new.$$"
	mv -f "$1.new.$$" "$1"
}

field() { # file, name: the value of a line `"name": value` of JSON that was written here
	sed -n 's/^ *"'"$2"'": "\{0,1\}\([^",]*\)"\{0,1\},\{0,1\}$/\1/p' "$1"
}

note() { # verb, thing: add a line to applied.log of the server in the current folder, once however often tried
	last=$(grep -F -e " task=$task attempt=" applied.log 2>/dev/null | tail -n 1)
	case $last in
	*" $1 $2 key=$key "*) [ "$key" = none ] || return 0 ;;
	esac
	printf '%s %s %s key=%s task=%s attempt=%s\n' "$(now)" "$1" "$2" "$key" "$task" "$attempt" >>applied.log
}

is_server() { # name
	is_name "$1" && [ -f "$servers/$1/server.json" ] && [ ! -h "$servers/$1" ]
}

server_names() { # every server, a line each
	for record in "$servers"/*/server.json; do
		record=${record%/server.json}
		! is_server "${record##*/}" || say "${record##*/}"
	done
}
