"""The hands: a small container runtime and the supervisor of its workloads."""
