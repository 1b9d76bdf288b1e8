#!/bin/sh
# The container runtime: its own configuration, and where clients find it.

socket=/run/containerd/containerd.sock

needs() {
	:
}

files() {
	file etc/containerd/config.toml <<-EOT
		version = 2

		[grpc]
		  address = "$socket"

		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "registry.k8s.io/pause:3.9"

		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		  runtime_type = "io.containerd.runc.v2"

		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
		  SystemdCgroup = true
	EOT
	file etc/crictl.yaml <<-EOT
		runtime-endpoint: unix://$socket
		image-endpoint: unix://$socket
		timeout: 10
	EOT
}

# shellcheck source=SCRIPTDIR/../service.sh
. "$ORCH_SERVICE_LIBRARY"
