#!/bin/sh
# Kubernetes: every server's kubelet, and on a control plane the cluster's own configuration. Takes the runtime's
# socket from containerd's configuration. POD_CIDR comes from the operation's env.

pod_cidr=${POD_CIDR:-10.244.0.0/16}
runtime=etc/containerd/config.toml

needs() {
	need os etc/sysctl.d/90-containers.conf
	need resolv etc/resolv.conf
	need containerd "$runtime"
	socket=$(sed -n 's/^ *address = "\(.*\)"$/\1/p' "$runtime" 2>/dev/null || :)
	[ -n "$socket" ] || fault "$runtime names no address; update containerd."
	setting POD_CIDR "$pod_cidr" '[!0-9A-Fa-f.:/]'
}

files() {
	file etc/kubernetes/kubelet.yaml <<-EOT
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		cgroupDriver: systemd
		clusterDNS: [10.96.0.10]
		clusterDomain: cluster.local
		containerRuntimeEndpoint: unix://$socket
		podCIDR: $pod_cidr
		resolvConf: /etc/resolv.conf
	EOT
	if [ "$ORCH_SERVER_ROLE" = control-plane ]; then
		file etc/kubernetes/kubeadm.yaml <<-EOT
			apiVersion: kubeadm.k8s.io/v1beta4
			kind: ClusterConfiguration
			clusterName: local
			controlPlaneEndpoint: $ORCH_SERVER:6443
			networking:
			  podSubnet: $pod_cidr
			  serviceSubnet: 10.96.0.0/12
		EOT
	else
		file etc/kubernetes/join.yaml <<-EOT
			apiVersion: kubeadm.k8s.io/v1beta4
			kind: JoinConfiguration
			nodeRegistration:
			  name: $ORCH_SERVER
			  kubeletExtraArgs:
			    - name: node-labels
			      value: node.local/role=$ORCH_SERVER_ROLE
		EOT
	fi
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
