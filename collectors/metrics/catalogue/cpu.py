"""CPU time, and throttling where there is a quota."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

_QUOTA = "Only with a CPU quota."
CPU_USAGE = counter(
    "container_cpu_usage_seconds_total",
    "cpu",
    "CPU time consumed.",
    "cpu",
    unit="seconds",
    compat=Compat.FIXED,
    difference='The label is always there: cpu="total".',
)
CPU_USER = counter(
    "container_cpu_user_seconds_total",
    "cpu",
    "CPU time consumed in user mode.",
    unit="seconds",
    difference="v1 counts in clock ticks (USER_HZ), v2 in microseconds.",
)
CPU_SYSTEM = counter(
    "container_cpu_system_seconds_total",
    "cpu",
    "CPU time consumed in the kernel.",
    unit="seconds",
    difference="v1 counts in clock ticks (USER_HZ), v2 in microseconds.",
)
CFS_PERIODS = counter(
    "container_cpu_cfs_periods_total", "cpu", "Enforcement periods of the CPU quota.", difference=_QUOTA
)
CFS_THROTTLED_PERIODS = counter(
    "container_cpu_cfs_throttled_periods_total",
    "cpu",
    "Enforcement periods in which the container was throttled.",
    difference=_QUOTA,
)
CFS_THROTTLED_SECONDS = counter(
    "container_cpu_cfs_throttled_seconds_total",
    "cpu",
    "Time the container's threads were throttled, added up over CPUs.",
    unit="seconds",
    difference=_QUOTA,
)
CFS_BURST_PERIODS = counter(
    "container_cpu_cfs_burst_periods_total",
    "cpu",
    "Periods in which the container used CPU time it had saved up.",
    difference=_QUOTA + " Absent before Linux 5.14.",
)
CFS_BURST_SECONDS = counter(
    "container_cpu_cfs_burst_seconds_total",
    "cpu",
    "CPU time used above the quota in bursts.",
    unit="seconds",
    difference=_QUOTA + " Absent before Linux 5.14.",
)

CPU: tuple[Family, ...] = (
    CPU_USAGE,
    CPU_USER,
    CPU_SYSTEM,
    CFS_PERIODS,
    CFS_THROTTLED_PERIODS,
    CFS_THROTTLED_SECONDS,
    CFS_BURST_PERIODS,
    CFS_BURST_SECONDS,
)
