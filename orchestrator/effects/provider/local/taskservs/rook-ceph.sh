#!/bin/sh
# Storage in the cluster: the cluster's resource on a control plane, a disk's worth of configuration where data lies.

needs() {
	need kubernetes etc/kubernetes/kubelet.yaml
}

files() {
	file etc/ceph/ceph.conf <<-EOT
		[global]
		public_network = $(sed -n 's/^podCIDR: //p' etc/kubernetes/kubelet.yaml 2>/dev/null || :)
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
