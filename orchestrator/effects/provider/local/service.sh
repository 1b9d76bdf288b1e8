# shellcheck shell=sh
# The library of the built-in task services. To be sourced by a script that has defined:
#
#   needs    calls `need SERVICE FILE` for each file of another service that must be there before it can be installed
#   files    calls `file PATH <<EOF` for each file the service consists of
#
# That is all a service has to say: install and update write the files that differ, check compares them, remove
# deletes them, restore makes them what they were before an update or a removal. The current folder is the server's, and
# paths are relative to it.

set -eu
umask 077

# shellcheck source=SCRIPTDIR/unfinished.sh
. "${ORCH_SERVICE_LIBRARY%/*}/unfinished.sh"

faults=0

fault() { # message; removing goes on whatever is missing
	[ "$verb" != remove ] || return 0
	printf '%s: %s\n' "$ORCH_SERVER" "$1" >&2
	faults=$((faults + 1))
}

need() { # service, file of it
	[ -f "$2" ] || fault "$1 is needed, and its $2 is not there; install $1 first."
}

file() { # path; content from standard input
	content=$(cat)
	case $verb in
	check) compare "$1" ;;
	remove) discard "$1" ;;
	*) bring "$1" ;;
	esac
}

compare() { # path
	if [ ! -f "$1" ]; then
		fault "$1 is missing; run update."
	elif [ "$(cat "$1")" != "$content" ]; then
		fault "$1 is not as it should be; run update."
	fi
}

bring() { # path: write it if it differs
	drop_unfinished "$1"
	if [ -f "$1" ] && [ "$(cat "$1")" = "$content" ]; then
		return
	fi
	keep "$1"
	# Another service that is being removed may take an empty folder away between the two steps: then again.
	for _ in 1 2 3 4 5; do
		mkdir -p "${1%/*}"
		if printf '%s\n' "$content" 2>/dev/null >"$1.new.$$"; then
			mv -f "$1.new.$$" "$1"
			printf '%s: wrote %s\n' "$ORCH_SERVER" "$1"
			return
		fi
	done
	fault "$1 cannot be written."
}

keep() { # path: what it was before the first attempt of an update or a removal; the folder files, the list new
	[ -n "${ORCH_SERVICE_KEEP-}" ] && [ "$verb" != install ] || return 0
	mkdir -p "$ORCH_SERVICE_KEEP/files"
	if [ -e "$ORCH_SERVICE_KEEP/files/$1" ] || grep -q -x -F -e "$1" "$ORCH_SERVICE_KEEP/new" 2>/dev/null; then
		return
	elif [ -f "$1" ]; then
		mkdir -p "$ORCH_SERVICE_KEEP/files/$(dirname "$1")"
		cp -p "$1" "$ORCH_SERVICE_KEEP/unfinished"
		mv -f "$ORCH_SERVICE_KEEP/unfinished" "$ORCH_SERVICE_KEEP/files/$1"
	else
		printf '%s\n' "$1" >>"$ORCH_SERVICE_KEEP/new"
	fi
}

restore() { # from what was kept
	if [ -f "$ORCH_SERVICE_KEEP/new" ]; then
		while IFS= read -r path; do
			discard "$path"
		done <"$ORCH_SERVICE_KEEP/new"
	fi
	(cd "$ORCH_SERVICE_KEEP/files" && find . -type f) | {
		while IFS= read -r path; do
			put_back "${path#./}"
		done
		[ "$faults" -eq 0 ]
	}
}

put_back() { # path
	drop_unfinished "$1"
	for _ in 1 2 3 4 5; do # as in bring
		mkdir -p "$(dirname "$1")"
		if cp -p "$ORCH_SERVICE_KEEP/files/$1" "$1.new.$$" 2>/dev/null; then
			mv -f "$1.new.$$" "$1"
			printf '%s: restored %s\n' "$ORCH_SERVER" "$1"
			return
		fi
	done
	fault "$1 cannot be written."
}

discard() { # path: delete it, and the folders that are empty then
	if [ -f "$1" ]; then
		keep "$1"
		printf '%s: removed %s\n' "$ORCH_SERVER" "$1"
	fi
	drop_unfinished "$1"
	rm -f "$1"
	folder=${1%/*}
	while rmdir "$folder" 2>/dev/null; do
		case $folder in
		*/*) folder=${folder%/*} ;;
		*) break ;;
		esac
	done
}

setting() { # name, value, pattern of characters that must not be in it
	case $2 in
	'' | *$3*) fault "$1='$2' cannot be used." ;;
	esac
}

verb=${1-}
case $verb in
install | update | check | remove) ;;
restore)
	verb=install # so that nothing is kept
	restore
	[ "$faults" -eq 0 ] || exit 1
	exit 0
	;;
*)
	printf 'usage: sh %s install|update|check|remove|restore, in the folder of a server\n' "$0" >&2
	exit 64
	;;
esac
case $verb in
update | remove) [ -z "${ORCH_SERVICE_KEEP-}" ] || mkdir -p "$ORCH_SERVICE_KEEP/files" ;;
esac
needs
[ "$faults" -eq 0 ] || exit 1
files
[ "$faults" -eq 0 ] || exit 1
[ "$verb" != check ] || printf '%s: as it should be\n' "$ORCH_SERVER"
