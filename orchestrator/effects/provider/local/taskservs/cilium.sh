#!/bin/sh
# The pod network: the CNI configuration on every server, and the agent's, with the address range of the kubelet.

kubelet=etc/kubernetes/kubelet.yaml

needs() {
	need kubernetes "$kubelet"
	range=$(sed -n 's/^podCIDR: //p' "$kubelet" 2>/dev/null || :)
	[ -n "$range" ] || fault "$kubelet names no podCIDR; update kubernetes."
}

files() {
	file etc/cni/net.d/05-cilium.conflist <<-'EOT'
		{
		  "cniVersion": "0.3.1",
		  "name": "cilium",
		  "plugins": [
		    {
		      "type": "cilium-cni"
		    }
		  ]
		}
	EOT
	file etc/cilium/config.yaml <<-EOT
		cluster-pool-ipv4-cidr: $range
		ipam: cluster-pool
		kube-proxy-replacement: true
		routing-mode: tunnel
		tunnel-protocol: vxlan
	EOT
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
