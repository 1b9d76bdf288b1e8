#!/bin/sh
# A server of the local provider: a folder with a record of what it is and of what was done to it.
#
# Usage: ORCH_ITEM=<name> sh server.sh create|update|delete|check|undo-create|undo-update|undo-delete
#
# create   make it; if it is there already, that is fine
# update   write again what belongs to it, and count up its revision
# delete   remove it with everything that was installed in it; if it is not there, that is fine
# check    say whether it is as it should be; changes nothing
# undo-create   delete it if the same workflow created it
# undo-update   make it what it was before, unless it was updated again since
# undo-delete   bring it back with everything that was installed in it

self=server.sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=SCRIPTDIR/common.sh
. "$here/common.sh"

folder=$servers/$item

enter() {
	is_server "$item" || fail "there is no server $item in $servers; create it first (type create, target server)." "$not_there"
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
	if is_server "$item"; then
		say "server $item is there already, since $(field "$folder/server.json" created_at)"
		return
	fi
	[ ! -h "$folder" ] || fail "$folder is a symbolic link; remove it." "$not_there"
	mkdir -p "$folder"
	cd "$folder"
	mkdir -p etc
	say "$item" | replace etc/hostname
	note create "server $item"
	write_record "$(now)" 1 "$workflow" "$key"
	say "created server $item in $folder"
}

update() {
	enter
	if [ -n "$kept" ] && [ ! -f "$kept/server.json" ]; then
		start_keeping "$kept"
		say "$key" | replace "$kept/key"
		[ ! -f etc/hostname ] || keep_copy etc/hostname "$kept"
		keep_copy server.json "$kept" # last: it says that all is kept
	fi
	say "$item" | replace etc/hostname
	if [ "$(field server.json key)" != "$key" ] || [ "$key" = none ]; then
		write_record "$(field server.json created_at)" "$(($(field server.json revision) + 1))" \
			"$(field server.json workflow)" "$key"
	fi
	note update "server $item"
	say "updated server $item, revision $(field server.json revision)"
}

delete() {
	if [ -n "$kept" ] && is_server "$item" && [ ! -d "$kept/server" ]; then
		start_keeping "$kept"
		mv "$folder" "$kept/server"
		say "deleted server $item; undo-delete brings it back"
	else
		remove
	fi
}

remove() {
	if [ -e "$folder" ] || [ -h "$folder" ]; then
		# Renamed first: it is gone at once, and who still writes into it writes into what is being removed.
		mv "$folder" "$servers/.deleted.$item.$$"
		say "deleted server $item"
	else
		say "there is no server $item"
	fi
	for _ in 1 2 3 4 5; do
		rm -rf "$servers/.deleted.$item".* 2>/dev/null && return
	done
	rm -rf "$servers/.deleted.$item".*
}

undo_create() {
	if is_server "$item" && [ "$(field "$folder/server.json" workflow)" != "$workflow" ]; then
		say "server $item was created by $(field "$folder/server.json" workflow): left as it is"
	else
		remove
	fi
}

undo_update() {
	if [ -z "$kept" ] || [ ! -f "$kept/server.json" ]; then
		say "nothing is kept of server $item: it was not updated"
	elif ! is_server "$item"; then
		say "server $item is gone, and stays so"
	elif [ "$(field "$folder/server.json" key)" != "$(cat "$kept/key")" ]; then
		say "server $item was updated again since: left as it is"
	else
		cd "$folder"
		if [ -f "$kept/hostname" ]; then
			replace etc/hostname <"$kept/hostname"
		else
			rm -f etc/hostname
		fi
		note undo-update "server $item"
		replace server.json <"$kept/server.json"
		rm -rf "$kept"
		say "server $item is as before, revision $(field server.json revision)"
	fi
}

undo_delete() {
	if [ -z "$kept" ] || [ ! -d "$kept/server" ]; then
		say "nothing is kept of server $item: it was not deleted, or is back"
	elif [ -e "$folder" ] || [ -h "$folder" ]; then
		say "there is a server $item again: left as it is"
	else
		mkdir -p "$servers"
		mv "$kept/server" "$folder"
		say "brought server $item back"
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

case ${1-} in
create | update | delete | check) "$1" ;;
undo-create) undo_create ;;
undo-update) undo_update ;;
undo-delete) undo_delete ;;
*) fail "usage: ORCH_ITEM=<name> sh server.sh create|update|delete|check|undo-create|undo-update|undo-delete" 64 ;;
esac
