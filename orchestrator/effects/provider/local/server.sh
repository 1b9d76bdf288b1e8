#!/bin/sh
# A server of the local provider: a folder with a record of what it is and of what was done to it.
#
# Usage: ORCH_ITEM=<name> sh server.sh create|update|delete|check|undo-create|undo-update|undo-delete
#
# create   make it; if it is there already, that is fine
# update   write again what belongs to it, and count up its revision
# delete   remove it with everything that was installed in it; if it is not there, that is fine
# check    say whether it is as it should be; changes nothing
# undo-create   delete it if the workflow whose work is undone created it
# undo-update   make it what it was before, unless it was updated again since
# undo-delete   bring it back with everything that was installed in it

self=server.sh verb=${1-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=SCRIPTDIR/common.sh
. "$here/common.sh"

# shellcheck source=SCRIPTDIR/folder.sh
. "$here/folder.sh"

# shellcheck disable=SC2034 # for folder.sh
what=server above=$servers folder=$servers/$item

is_there() {
	is_server "$item"
}

enter() {
	is_there || fail "there is no server $item in $servers; create it first (type create, target server)." "$not_there"
	cd "$folder"
}

# What a server of this name is for, by the customary parts of names: cp is the control plane, strg is storage.
role() {
	case -$item- in
	*-cp-*) say control-plane ;;
	*-strg-* | *-storage-*) say storage ;;
	*) say worker ;;
	esac
}

write_record() { # created at, revision, workflow that created it, key of the last update
	replace server.json <<-RECORD
		{
		  "name": "$item",
		  "provider": "local",
		  "role": "$(role)",
		  "revision": $2,
		  "created_at": "$1",
		  "updated_at": "$(now)",
		  "workflow": "$3",
		  "key": "$4"
		}
	RECORD
}

create() {
	if is_there; then
		say "server $item is there already, since $(field "$folder/server.json" created_at)"
	else
		begin_folder
		cd "$folder"
		mkdir -p etc
		say "$item" | replace etc/hostname
		note create "server $item"
		write_record "$(now)" 1 "$workflow" "$key"
		say "created server $item in $folder"
	fi
	complete_folder
}

# Whether the server is as the update left it that something is kept of, or as it was before. If not, somebody else has
# updated it since.
is_own() {
	[ "$(field "$folder/server.json" key)" = "$(cat "$kept/key")" ] || cmp -s "$folder/server.json" "$kept/server.json"
}

keep() { # what it is now; but not between two tries, when it may be half of each
	if [ -z "$kept" ] || { [ -f "$kept/server.json" ] && is_own; }; then
		return
	fi
	forget_kept "$kept" server.json
	start_keeping "$kept"
	say "$key" | replace "$kept/key"
	[ ! -f etc/hostname ] || keep_copy etc/hostname "$kept"
	keep_copy server.json "$kept" # last: it says that all is kept
}

update() {
	enter
	keep
	say "$item" | replace etc/hostname
	drop_unfinished server.json
	if [ "$(field server.json key)" != "$key" ] || [ "$key" = none ]; then
		write_record "$(field server.json created_at)" "$(($(field server.json revision) + 1))" \
			"$(field server.json workflow)" "$key"
	fi
	note update "server $item"
	say "updated server $item, revision $(field server.json revision)"
}

undo_update() {
	if [ -z "$kept" ] || [ ! -f "$kept/server.json" ]; then
		say "nothing is kept of server $item: it was not updated"
	elif ! is_there; then
		say "server $item is gone, and stays so"
	elif ! is_own; then
		say "server $item was updated again since: left as it is"
	else
		cd "$folder"
		if [ -f "$kept/hostname" ]; then
			replace etc/hostname <"$kept/hostname"
		else
			drop_unfinished etc/hostname
			rm -f etc/hostname
		fi
		note undo-update "server $item"
		replace server.json <"$kept/server.json"
		forget_kept "$kept" server.json
		say "server $item is as before, revision $(field server.json revision)"
	fi
}

check() {
	enter
	[ "$(field server.json name)" = "$item" ] || fail "$folder/server.json is not the record of $item; run update."
	[ "$(cat etc/hostname 2>/dev/null)" = "$item" ] || fail "$folder/etc/hostname should say $item; run update."
	say "server $item: $(field server.json role), revision $(field server.json revision)"
	for record in services/*.json; do
		[ ! -f "$record" ] || say "  $(field "$record" name) installed $(field "$record" installed_at)"
	done
}

case $verb in
create | update | check) "$verb" ;;
delete) delete_folder ;;
undo-create) undo_create_folder "$folder/server.json" ;;
undo-update) undo_update ;;
undo-delete) undo_delete_folder ;;
*) fail "usage: ORCH_ITEM=<name> sh server.sh create|update|delete|check|undo-create|undo-update|undo-delete" 64 ;;
esac
