#!/bin/sh
# Volumes on an NFS server outside the cluster: the mount on every server, the storage class on a control plane.
# NFS_SERVER and NFS_PATH come from the operation's env.

server=${NFS_SERVER:-nfs.cluster.internal}
path=${NFS_PATH:-/export}

needs() {
	need kubernetes etc/kubernetes/kubelet.yaml
	setting NFS_SERVER "$server" '[!A-Za-z0-9.:-]'
	setting NFS_PATH "$path" '[!A-Za-z0-9._/-]'
}

files() {
	file etc/auto.master.d/external-nfs.autofs <<-'EOT'
		/mnt/nfs /etc/auto.external-nfs --timeout=60
	EOT
	file etc/auto.external-nfs <<-EOT
		shared -fstype=nfs4,rw,hard $server:$path
	EOT
	if [ "$ORCH_SERVER_ROLE" = control-plane ]; then
		file etc/kubernetes/manifests/external-nfs.yaml <<-EOT
			apiVersion: storage.k8s.io/v1
			kind: StorageClass
			metadata:
			  name: external-nfs
			provisioner: nfs.csi.k8s.io
			parameters:
			  server: $server
			  share: $path
			reclaimPolicy: Retain
		EOT
	fi
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
