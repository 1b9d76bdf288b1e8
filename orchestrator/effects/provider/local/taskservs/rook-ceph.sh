#!/bin/sh
# Storage in the cluster: the cluster's resource on a control plane, a disk's worth of configuration where data lies.

kubelet=etc/kubernetes/kubelet.yaml

needs() {
	need kubernetes "$kubelet"
	range=$(sed -n 's/^podCIDR: //p' "$kubelet" 2>/dev/null || :)
	[ -n "$range" ] || fault "$kubelet names no podCIDR; update kubernetes."
}

files() {
	file etc/ceph/ceph.conf <<-EOT
		[global]
		public_network = $range
		osd_pool_default_size = 3
	EOT
	case $ORCH_SERVER_ROLE in
	control-plane)
		file etc/kubernetes/manifests/rook-ceph.yaml <<-'EOT'
			apiVersion: ceph.rook.io/v1
			kind: CephCluster
			metadata:
			  name: rook-ceph
			  namespace: rook-ceph
			spec:
			  dataDirHostPath: /var/lib/rook
			  mon:
			    count: 3
			    allowMultiplePerNode: false
			  storage:
			    useAllNodes: true
			    useAllDevices: true
		EOT
		;;
	storage)
		file etc/ceph/osd.conf <<-EOT
			[osd]
			host = $ORCH_SERVER
			osd_data = /var/lib/rook/osd
		EOT
		;;
	esac
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
