# shellcheck shell=sh
# Files are written under another name, `<path>.new.<process id>`, and renamed: who reads one never sees half of it. What
# a writer leaves that was killed is deleted by the next. To be sourced by common.sh and service.sh.

is_alive() { # process id; another user's process is alive, too, though it takes no signal of ours
	case $( (LC_ALL=C && kill -0 "$1") 2>&1) in
	*'No such process'*) return 1 ;;
	esac
	! grep -q '^State:[[:blank:]]*[ZX]' "/proc/$1/status" 2>/dev/null # dead, and nobody has waited for it yet
}

drop_unfinished() { # path: delete what writers of it left that were killed; those that live are let alone
	for unfinished in "$1".new.*; do
		case ${unfinished##*.} in
		*[!0-9]*) continue ;;
		esac
		is_alive "${unfinished##*.}" || rm -f "$unfinished"
	done
}
