#!/bin/sh
# A cluster of the local provider: a record of the servers that belong together.
#
# Usage: ORCH_ITEM=<name> sh cluster.sh create|update|delete|check|undo-create|undo-update|undo-delete
#
# create   write down every server there is as a member
# update   the same again
# delete   remove the record; if it is not there, that is fine
# check    say whether every member is still there; changes nothing
# undo-create   delete it if the same workflow created it
# undo-update   make it what it was before, unless it was updated again since
# undo-delete   bring it back

self=cluster.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=SCRIPTDIR/common.sh
. "$here/common.sh"

folder=$clusters/$item
record=$folder/cluster.json

is_cluster() {
	[ -f "$record" ] && [ ! -h "$folder" ]
}

enter() {
	is_cluster || fail "there is no cluster $item in $clusters; create it first (type create, target cluster)." "$not_there"
}

members() { # of the record, a line each
	sed -n 's/^    "\(.*\)",\{0,1\}$/\1/p' "$record"
}

write_record() { # created at, workflow that created it
	found=$(server_names)
	[ -n "$found" ] || fail "there is no server in $servers to be a member; create one first." "$not_there"
	mkdir -p "$folder"
	replace "$record" <<-RECORD
		{
		  "name": "$item",
		  "provider": "local",
		  "created_at": "$1",
		  "updated_at": "$(now)",
		  "workflow": "$2",
		  "members": [
		$(say "$found" | sed -e 's/.*/    "&"/' -e '$!s/$/,/')
		  ]
		}
	RECORD
	say "cluster $item: $(say "$found" | tr '\n' ' ')"
}

create() {
	if is_cluster; then
		say "cluster $item is there already, since $(field "$record" created_at)"
	else
		[ ! -h "$folder" ] || fail "$folder is a symbolic link; remove it." "$not_there"
		write_record "$(now)" "$workflow"
	fi
}

update() {
	enter
	keep_copy "$record" "$kept"
	write_record "$(field "$record" created_at)" "$(field "$record" workflow)"
	[ -z "$kept" ] || replace "$kept/updated" <"$record"
}

delete() {
	if [ -n "$kept" ] && is_cluster && [ ! -d "$kept/cluster" ]; then
		start_keeping "$kept"
		mv "$folder" "$kept/cluster"
		say "deleted cluster $item; undo-delete brings it back"
	else
		remove
	fi
}

remove() {
	if [ -e "$folder" ] || [ -h "$folder" ]; then
		mv "$folder" "$clusters/.deleted.$item.$$"
		say "deleted cluster $item"
	else
		say "there is no cluster $item"
	fi
	rm -rf "$clusters/.deleted.$item".*
}

undo_create() {
	if is_cluster && [ "$(field "$record" workflow)" != "$workflow" ]; then
		say "cluster $item was created by $(field "$record" workflow): left as it is"
	else
		remove
	fi
}

undo_update() {
	if [ -z "$kept" ] || [ ! -f "$kept/updated" ]; then
		say "nothing is kept of cluster $item: it was not updated"
	elif ! is_cluster; then
		say "cluster $item is gone, and stays so"
	elif ! cmp -s "$record" "$kept/updated"; then
		say "cluster $item was updated again since: left as it is"
	else
		replace "$record" <"$kept/cluster.json"
		rm -rf "$kept"
		say "cluster $item is as before: $(members | tr '\n' ' ')"
	fi
}

undo_delete() {
	if [ -z "$kept" ] || [ ! -d "$kept/cluster" ]; then
		say "nothing is kept of cluster $item: it was not deleted, or is back"
	elif [ -e "$folder" ] || [ -h "$folder" ]; then
		say "there is a cluster $item again: left as it is"
	else
		mkdir -p "$clusters"
		mv "$kept/cluster" "$folder"
		say "brought cluster $item back"
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

case ${1-} in
create | update | delete | check) "$1" ;;
undo-create) undo_create ;;
undo-update) undo_update ;;
undo-delete) undo_delete ;;
*) fail "usage: ORCH_ITEM=<name> sh cluster.sh create|update|delete|check|undo-create|undo-update|undo-delete" 64 ;;
esac
