#!/bin/sh
# Usage: ORCH_ITEM=<name> ACME_ROOT=<folder> sh acme.sh make|drop network|server|service
#
# A server needs the network that all of them share.

set -eu
verb=$1 kind=$2
thing=$ACME_ROOT/$kind-$ORCH_ITEM

case $verb in
make)
	mkdir -p "$ACME_ROOT"
	[ "$kind" != server ] || [ -e "$ACME_ROOT/network-private_network" ] || {
		echo "acme.sh: there is no network for $ORCH_ITEM" >&2
		exit 1
	}
	printf '%s\n' "$ORCH_TASK_ID" >"$thing"
	;;
drop) rm -f "$thing" ;;
esac
