# shellcheck shell=sh
# shellcheck disable=SC2154
# The folder of a server or a cluster: how it begins and how it goes. To be sourced by server.sh and cluster.sh, which set
# $what (server or cluster), $folder and $above (what it lies in), and define is_there.
#
# A folder is ours if it has its record, or while it is being made: from before anything else is in it until the record
# is, an empty file .creating.<workflow> says who makes it. Anything else in its place is somebody's own, and is neither
# taken for ours nor deleted.

is_empty() {
	[ -d "$folder" ] && [ -z "$(ls -A "$folder")" ]
}

is_begun() { # whether the creation of $folder was begun and not completed
	for marker in "$folder"/.creating.*; do
		[ ! -f "$marker" ] || return 0
	done
	return 1
}

begin_folder() { # make it, or go on where a creation was cut off
	[ ! -h "$folder" ] || fail "$folder is a symbolic link; remove it." "$in_the_way"
	[ ! -e "$folder" ] || is_begun || is_empty || is_there ||
		fail "$folder is there already and is no $what of this provider; move it away." "$in_the_way"
	sweep
	mkdir -p "$folder"
	: >"$folder/.creating.$workflow"
}

complete_folder() {
	rm -f "$folder"/.creating.*
}

delete_folder() { # and keep it, if anything may ask for it again
	if is_there && [ -n "$kept" ]; then
		start_keeping "$kept"
		set_aside "$kept/$what" # of an earlier deletion by this task, after which somebody made it again
		mv "$folder" "$kept/$what"
		say "deleted $what $item; undo-delete brings it back"
	elif [ -h "$folder" ] || [ ! -e "$folder" ] || is_there || is_begun || is_empty; then
		remove_folder
	else
		fail "$folder is no $what of this provider: left as it is. Remove it if it is not needed." "$in_the_way"
	fi
}

remove_folder() {
	if [ -e "$folder" ] || [ -h "$folder" ]; then
		# Renamed first: it is gone at once, and who still writes into it writes into what is being removed.
		mv "$folder" "$above/.deleted.$item.$$"
		say "deleted $what $item"
	else
		say "there is no $what $item"
	fi
	sweep
}

sweep() { # what was renamed to be removed, by this action or one that was cut off
	for _ in 1 2 3 4 5; do
		rm -rf "$above/.deleted.$item".* 2>/dev/null && return
	done
	rm -rf "$above/.deleted.$item".*
}

undo_create_folder() { # record: delete what $owner made, whole or half
	if is_there; then
		if [ "$(field "$1" workflow)" = "$owner" ]; then
			remove_folder
		else
			say "$what $item was created by $(field "$1" workflow): left as it is"
		fi
	elif [ -h "$folder" ]; then
		say "$folder is a symbolic link: left as it is"
	elif [ ! -e "$folder" ]; then
		remove_folder # what was renamed and is still there
	elif rmdir "$folder" 2>/dev/null; then
		say "deleted $what $item, which had only begun to be"
	elif [ ! -f "$folder/.creating.$owner" ]; then
		say "$folder was not made by $owner: left as it is"
	elif is_begun_by_others; then
		rm -f "$folder/.creating.$owner"
		say "$what $item is being created by another workflow: left as it is"
	else
		remove_folder
	fi
}

is_begun_by_others() {
	for marker in "$folder"/.creating.*; do
		[ "$marker" = "$folder/.creating.$owner" ] || return 0
	done
	return 1
}

undo_delete_folder() {
	if [ -z "$kept" ] || [ ! -d "$kept/$what" ]; then
		say "nothing is kept of $what $item: it was not deleted, or is back"
	elif [ -e "$folder" ] || [ -h "$folder" ]; then
		say "there is a $what $item again: left as it is"
	else
		mkdir -p "$above"
		mv "$kept/$what" "$folder"
		say "brought $what $item back"
	fi
}
