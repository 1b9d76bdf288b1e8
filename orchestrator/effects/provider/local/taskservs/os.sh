#!/bin/sh
# The operating system: kernel modules and parameters that containers and their network need.

needs() {
	:
}

files() {
	file etc/modules-load.d/containers.conf <<-'EOT'
		overlay
		br_netfilter
	EOT
	file etc/sysctl.d/90-containers.conf <<-'EOT'
		net.bridge.bridge-nf-call-ip6tables = 1
		net.bridge.bridge-nf-call-iptables = 1
		net.ipv4.ip_forward = 1
		vm.swappiness = 0
	EOT
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
