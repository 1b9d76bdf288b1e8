#!/bin/sh
# A cluster of the local provider: a record of the servers that belong together.
#
# Usage: ORCH_ITEM=<name> sh cluster.sh create|update|delete|check|undo-create|undo-update|undo-delete
#
# create   write down every server there is as a member
# update   the same again
# delete   remove the record; if it is not there, that is fine
# check    say whether every member is still there; changes nothing
# undo-create   delete it if the workflow whose work is undone created it
# undo-update   make it what it was before, unless it was updated again since
# undo-delete   bring it back

self=cluster.sh verb=${1-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=SCRIPTDIR/common.sh
. "$here/common.sh"
# shellcheck source=SCRIPTDIR/folder.sh
. "$here/folder.sh"

# shellcheck disable=SC2034 # for folder.sh
what=cluster above=$clusters folder=$clusters/$item
record=$folder/cluster.json

is_there() {
	[ -f "$record" ] && [ ! -h "$folder" ]
}

enter() {
	is_there || fail "there is no cluster $item in $clusters; create it first (type create, target cluster)." "$not_there"
}

find_servers() {
	found=$(server_names)
	[ -n "$found" ] || fail "there is no server in $servers to be a member; create one first." "$not_there"
}

members() { # of the record, a line each
	sed -n 's/^    "\(.*\)",\{0,1\}$/\1/p' "$record"
}

write_record() { # created at, workflow that created it
	replace "$record" <<-RECORD
		{
		  "name": "$item",
		  "provider": "local",
		  "created_at": "$1",
		  "updated_at": "$(now)",
		  "workflow": "$2",
		  "task": "$task",
		  "members": [
		$(say "$found" | sed -e 's/.*/    "&"/' -e '$!s/$/,/')
		  ]
		}
	RECORD
	say "cluster $item: $(say "$found" | tr '\n' ' ')"
}

create() {
	if is_there; then
		say "cluster $item is there already, since $(field "$record" created_at)"
	else
		find_servers
		begin_folder
		write_record "$(now)" "$workflow"
	fi
	complete_folder
}

# Whether the record is the one this task wrote, or the one that was there before. If not, somebody else has updated it.
is_own() {
	[ "$(field "$record" task)" = "$done_by" ] || cmp -s "$record" "$kept/cluster.json"
}

keep() { # what it is now; but not between two tries
	if [ -z "$kept" ] || { [ -f "$kept/cluster.json" ] && is_own; }; then
		return
	fi
	start_keeping "$kept"
	keep_copy "$record" "$kept"
}

update() {
	enter
	find_servers
	keep
	write_record "$(field "$record" created_at)" "$(field "$record" workflow)"
}

undo_update() {
	if [ -z "$kept" ] || [ ! -f "$kept/cluster.json" ]; then
		say "nothing is kept of cluster $item: it was not updated"
	elif ! is_there; then
		say "cluster $item is gone, and stays so"
	elif ! is_own; then
		say "cluster $item was updated again since: left as it is"
	else
		replace "$record" <"$kept/cluster.json"
		forget_kept "$kept" cluster.json
		say "cluster $item is as before: $(members | tr '\n' ' ')"
	fi
}

check() {
	enter
	missing=
	for name in $(members); do
		is_server "$name" || missing="$missing $name"
	done
	[ -z "$missing" ] || fail "cluster $item has members that are gone:$missing; run update."
	say "cluster $item: $(members | tr '\n' ' ')"
}

case $verb in
create | update | check) "$verb" ;;
delete) delete_folder ;;
undo-create) undo_create_folder "$record" ;;
undo-update) undo_update ;;
undo-delete) undo_delete_folder ;;
*) fail "usage: ORCH_ITEM=<name> sh cluster.sh create|update|delete|check|undo-create|undo-update|undo-delete" 64 ;;
esac
