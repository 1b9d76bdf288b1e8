# shellcheck shell=sh
# shellcheck disable=SC2154
# What updates and deletions of a workflow take away is kept, to bring it back. To be sourced by common.sh.
#
# $kept is the folder of this task: kept/<workflow>/<operation>/<item>; empty for what is done by hand. The workflow is
# the one that did it, which is not the one that undoes it where its results were taken over.
#
# What is kept stays as long as somebody can ask for it: while its workflow, or one that continues it, directly or over
# several, is in the data directory. The next action that keeps something deletes what is older.

start_keeping() { # folder, $kept or below it: make it, and forget what nobody can ask for any more
	mkdir -p "$root/kept/$workflow"
	if [ -n "${ORCH_DATA_DIR-}" ] && [ -d "$ORCH_DATA_DIR/workflows" ]; then
		say "$ORCH_DATA_DIR" | replace "$root/kept/$workflow/data-dir"
		for old in "$root"/kept/*/data-dir; do
			[ "$(cat "$old" 2>/dev/null)" = "$ORCH_DATA_DIR" ] || continue
			old=${old%/data-dir}
			can_be_undone "${old##*/}" || rm -rf "$old"
		done
	fi
	mkdir -p "$1"
}

can_be_undone() { # workflow: whether it or one that continues it is still there
	next=$1
	hops=0
	while is_name "$next" && [ "$hops" -lt 1000 ]; do
		[ ! -d "$ORCH_DATA_DIR/workflows/$next" ] || return 0
		next=$(successor "$next")
		hops=$((hops + 1))
	done
	return 1
}

successor() { # workflow that is not there any more: the one that continues it, as its archive says or that one itself
	if [ -f "$ORCH_DATA_DIR/archive/$1.jsonl" ]; then
		sed -n -e '1s/.*"continued_by": *"\([^"]*\)".*/\1/p' -e 1q "$ORCH_DATA_DIR/archive/$1.jsonl"
		return
	fi
	for state in "$ORCH_DATA_DIR"/workflows/*/state.json; do
		if grep -q -F -e '"continues": "'"$1"'"' -e '"continues":"'"$1"'"' "$state" 2>/dev/null; then
			state=${state%/state.json}
			say "${state##*/}"
			return
		fi
	done
}

keep_copy() { # file, folder
	replace "$2/${1##*/}" <"$1"
}

forget_kept() { # folder, file in it that says that all is kept; it goes first, so that half of a folder is not believed
	rm -f "$1/$2"
	rm -rf "$1"
}

set_aside() { # path: make its place free by numbering it, if there is something; it stays until all that is kept goes
	[ -e "$1" ] || return 0
	number=1
	while [ -e "$1.$number" ]; do
		number=$((number + 1))
	done
	mv "$1" "$1.$number"
}
