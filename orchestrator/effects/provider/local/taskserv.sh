#!/bin/sh
# A task service of the local provider: installed into every server by a script of its own.
#
# Usage: ORCH_ITEM=<service> sh taskserv.sh create|update|delete|check|undo-create|undo-update|undo-delete
#
# The script is taskservs/<service>.sh beside the definition (ORCH_DEFINITION_DIR), else in the data directory, else the
# built-in one. It is run once for each server, in the server's folder, with install, update, remove or check as its
# argument and with ORCH_SERVER, ORCH_SERVER_ROLE and ORCH_SERVICE_LIBRARY (service.sh, which it may source) in its
# environment. It must take being run again, and check must change nothing.
#
# With update and remove, ORCH_SERVICE_KEEP names a folder for what is about to be changed, if anything may ask for it
# again. A script that makes `files` in there is later run with restore as its argument, and finds the folder as it left
# it; service.sh does that. Without `files`, a removal is undone by install, and an update cannot be undone.
#
# create   install it everywhere; where it is installed already, install it again
# update   the same, where it is installed
# delete   remove it everywhere
# check    say whether it is installed and as it should be everywhere; changes nothing
# undo-create   remove it where the workflow whose work is undone installed it
# undo-update   make it what it was before, unless it was updated again since
# undo-delete   bring it back where it was removed

self=taskserv.sh verb=${1-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=SCRIPTDIR/common.sh
. "$here/common.sh"

known() { # services that have a script, in one line
	for script in ${ORCH_DEFINITION_DIR:+"$ORCH_DEFINITION_DIR"/taskservs/*.sh} \
		${ORCH_DATA_DIR:+"$ORCH_DATA_DIR"/taskservs/*.sh} "$here"/taskservs/*.sh; do
		[ -f "$script" ] || continue
		script=${script##*/}
		say "${script%.sh}"
	done | sort -u | tr '\n' ' '
}

find_script() {
	for script in ${ORCH_DEFINITION_DIR:+"$ORCH_DEFINITION_DIR/taskservs/$item.sh"} \
		${ORCH_DATA_DIR:+"$ORCH_DATA_DIR/taskservs/$item.sh"} "$here/taskservs/$item.sh"; do
		[ ! -f "$script" ] || return 0
	done
	fail "there is no task service $item. Known are: $(known)(looked for $item.sh in \
${ORCH_DEFINITION_DIR:+$ORCH_DEFINITION_DIR/taskservs, }${ORCH_DATA_DIR:+$ORCH_DATA_DIR/taskservs, }$here/taskservs)." \
		"$not_there"
}

run_script() { # argument; the current folder is the server's
	ORCH_SERVER=$name ORCH_SERVER_ROLE=$(field server.json role) ORCH_SERVICE_LIBRARY=$here/service.sh \
		ORCH_SERVICE_KEEP=${kept:+$kept/$name} sh "$script" "$1"
}

is_kept() {
	[ -n "$kept" ] && [ -f "$kept/$name/$item.json" ]
}

is_before() { # whether the record is the one that was there before what something is kept of
	cmp -s "$record" "$kept/$name/$item.json"
}

is_own() { # whether this task wrote the record, or nobody since; if not, somebody else has changed the service
	[ "$(field "$record" task)" = "$done_by" ] || is_before
}

keep_record() { # but not between two tries; the script keeps its own files beside it
	if [ -z "$kept" ] || { is_kept && is_own; }; then
		return
	fi
	forget_kept "$kept/$name" "$item.json"
	start_keeping "$kept/$name"
	keep_copy "$record" "$kept/$name"
}

bring_back() { # what to run if the script kept nothing
	if [ -d "$kept/$name/files" ]; then
		run_script restore
	else
		run_script "$1"
	fi
	note undo "$item"
	mkdir -p services
	replace "$record" <"$kept/$name/$item.json"
	forget_kept "$kept/$name" "$item.json"
}

is_installed() {
	[ -f "$record" ]
}

must_be_installed() {
	is_installed || fail "$item is not installed on $name; create it first (type create, target taskserv)." "$not_there"
}

write_record() { # installed at, workflow that installed it
	mkdir -p services
	replace "$record" <<-RECORD
		{
		  "name": "$item",
		  "installed_at": "$1",
		  "updated_at": "$(now)",
		  "workflow": "$2",
		  "task": "$task"
		}
	RECORD
}

create() {
	run_script install
	note install "$item"
	if is_installed; then
		write_record "$(field "$record" installed_at)" "$(field "$record" workflow)"
	else
		write_record "$(now)" "$workflow"
	fi
}

update() {
	must_be_installed
	keep_record
	run_script update
	note update "$item"
	write_record "$(field "$record" installed_at)" "$(field "$record" workflow)"
}

delete() {
	if is_installed; then
		keep_record
	fi
	remove
}

remove() {
	if is_installed; then
		note remove "$item"
	fi
	run_script remove
	drop_unfinished "$record"
	rm -f "$record"
	rmdir services 2>/dev/null || :
}

check() {
	must_be_installed
	run_script check
}

undo_create() {
	if is_installed && [ "$(field "$record" workflow)" != "$owner" ]; then
		say "$name: $item was installed by $(field "$record" workflow): left as it is"
	else
		kept=
		remove
	fi
}

undo_update() {
	if ! is_kept; then
		say "$name: $item was not updated here"
	elif ! is_installed || ! is_own; then
		say "$name: $item was changed again since: left as it is"
	elif [ -d "$kept/$name/files" ]; then
		bring_back restore
	else
		fail "the script of $item kept nothing, so $name cannot be made what it was."
	fi
}

undo_delete() {
	if ! is_kept; then
		say "$name: $item was not removed here"
	elif is_installed && ! is_before; then
		say "$name: $item is installed again: left as it is"
	else
		bring_back install
	fi
}

on_every_server() { # action; all of them are tried before it is told which failed
	failed=
	for name in $names; do
		# Not in a condition: there the shell would go on after a command that failed.
		set +e
		(
			set -e
			cd "$servers/$name" || fail "server $name is gone." "$not_there"
			"$1"
		)
		code=$?
		set -e
		[ "$code" -eq 0 ] || failed="$failed $name"
	done
	[ -z "$failed" ] || fail "$verb of $item failed on$failed."
}

record=services/$item.json
case $verb in
create | update | delete | check) action=$verb ;;
undo-create) action=undo_create ;;
undo-update) action=undo_update ;;
undo-delete) action=undo_delete ;;
*) fail "usage: ORCH_ITEM=<service> sh taskserv.sh create|update|delete|check|undo-create|undo-update|undo-delete" 64 ;;
esac
find_script
names=$(server_names)
if [ -z "$names" ]; then
	case $verb in
	delete | undo-*) say "there is no server, so $item is nowhere" ;;
	*) fail "there is no server in $servers; create one first (type create, target server)." "$not_there" ;;
	esac
fi
on_every_server "$action"
