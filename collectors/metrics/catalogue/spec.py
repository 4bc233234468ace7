"""Limits in force."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

_QUOTA = "Only with a CPU quota."
_ANCESTORS = "Ancestors are looked at once a minute. Absent on the root cgroup."
SPEC_CPU_PERIOD = gauge(
    "container_spec_cpu_period",
    "spec",
    "Enforcement period of the CPU quota, in microseconds.",
    v1="cpu.cfs_period_us",
    v2="cpu.max",
)
SPEC_CPU_QUOTA = gauge(
    "container_spec_cpu_quota",
    "spec",
    "CPU time allowed in each period, in microseconds.",
    difference=_QUOTA,
    v1="cpu.cfs_quota_us",
    v2="cpu.max",
)
SPEC_CPU_BURST = gauge(
    "container_spec_cpu_burst_seconds",
    "spec",
    "CPU time that may be saved up and used above the quota.",
    unit="seconds",
    compat=Compat.OWN,
    difference=_QUOTA + " Absent before Linux 5.14.",
    v1="cpu.cfs_burst_us",
    v2="cpu.max.burst",
)
SPEC_CPU_SHARES = gauge(
    "container_spec_cpu_shares",
    "spec",
    "Relative share of CPU time.",
    difference="v2: converted from cpu.weight as cAdvisor does, 2 + (weight - 1) * 262142 / 9999.",
    v1="cpu.shares",
    v2="cpu.weight",
)
CPU_LIMIT_CORES = gauge(
    "container_cpu_limit_cores",
    "spec",
    "CPU quota in cores: quota by period.",
    compat=Compat.OWN,
    difference=_QUOTA,
    v1="cpu.cfs_quota_us, cpu.cfs_period_us",
    v2="cpu.max",
)
CPU_EFFECTIVE_CORES = gauge(
    "container_cpu_effective_cores",
    "spec",
    "Cores that the container can have at most: the least of its quota, its ancestors' quotas and the CPUs it may run on.",
    compat=Compat.OWN,
    difference=_ANCESTORS,
    v1="cpu.cfs_quota_us, cpu.cfs_period_us, cpuset.effective_cpus",
    v2="cpu.max, cpuset.cpus.effective",
)
SPEC_MEMORY_LIMIT = gauge(
    "container_spec_memory_limit_bytes",
    "spec",
    "Memory limit; 0 for none.",
    unit="bytes",
    v1="memory.limit_in_bytes",
    v2="memory.max",
)
SPEC_MEMORY_EFFECTIVE_LIMIT = gauge(
    "container_spec_memory_effective_limit_bytes",
    "spec",
    "Memory limit in force: the container's own or the least of its ancestors', such as its pod's.",
    unit="bytes",
    compat=Compat.OWN,
    difference="Only with a limit. " + _ANCESTORS,
    v1="memory.limit_in_bytes",
    v2="memory.max",
)
SPEC_MEMORY_HIGH = gauge(
    "container_spec_memory_high_bytes",
    "spec",
    "Memory above which the container is slowed down; 0 for none.",
    unit="bytes",
    compat=Compat.OWN,
    v2="memory.high",
)
SPEC_MEMORY_SWAP_LIMIT = gauge(
    "container_spec_memory_swap_limit_bytes",
    "spec",
    "Swap limit; 0 for none.",
    unit="bytes",
    difference="v1: memory and swap together, v2: swap alone, as in cAdvisor.",
    v1="memory.memsw.limit_in_bytes",
    v2="memory.swap.max",
)
SPEC_MEMORY_RESERVATION = gauge(
    "container_spec_memory_reservation_limit_bytes",
    "spec",
    "Memory reservation; 0 for none.",
    unit="bytes",
    difference="v1's soft limit and v2's hard protection, as in cAdvisor.",
    v1="memory.soft_limit_in_bytes",
    v2="memory.min",
)
THREADS_MAX = gauge(
    "container_threads_max",
    "spec",
    "Most threads allowed; 0 for no limit.",
    v1="pids.max",
    v2="pids.max",
)

SPEC: tuple[Family, ...] = (
    SPEC_CPU_PERIOD,
    SPEC_CPU_QUOTA,
    SPEC_CPU_BURST,
    SPEC_CPU_SHARES,
    CPU_LIMIT_CORES,
    CPU_EFFECTIVE_CORES,
    SPEC_MEMORY_LIMIT,
    SPEC_MEMORY_EFFECTIVE_LIMIT,
    SPEC_MEMORY_HIGH,
    SPEC_MEMORY_SWAP_LIMIT,
    SPEC_MEMORY_RESERVATION,
    THREADS_MAX,
)
