"""The chart on a real Kubernetes control plane, whose nodes are played: `make cluster`."""
