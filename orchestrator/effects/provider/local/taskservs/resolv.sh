#!/bin/sh
# Name resolution. NAMESERVERS (addresses, separated by blanks) and SEARCH_DOMAIN come from the operation's env.

nameservers=${NAMESERVERS:-9.9.9.9 149.112.112.112}
domain=${SEARCH_DOMAIN:-cluster.internal}

needs() {
	setting NAMESERVERS "$nameservers" '[!0-9A-Fa-f.: ]'
	setting SEARCH_DOMAIN "$domain" '[!A-Za-z0-9.-]'
}

nameserver_lines() {
	for address in $nameservers; do
		printf 'nameserver %s\n' "$address"
	done
}

files() {
	file etc/resolv.conf <<-EOT
		search $domain
		$(nameserver_lines)
		options timeout:2 attempts:3
	EOT
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
