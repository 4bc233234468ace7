"""CPU time, and throttling where there is a quota."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

_QUOTA = "Only with a CPU quota."
_RESOLUTION = "v1 counts in clock ticks (USER_HZ), v2 in microseconds."
CPU_USAGE = counter(
    "container_cpu_usage_seconds_total",
    "cpu",
    "CPU time consumed.",
    "cpu",
    unit="seconds",
    compat=Compat.FIXED,
    difference='The label is always there: cpu="total", or cpu="cpu00" and so on instead with the collector percpu, which v2 does not offer.',
    v1="cpuacct.usage, cpuacct.usage_percpu",
    v2="cpu.stat usage_usec",
)
CPU_USER = counter(
    "container_cpu_user_seconds_total",
    "cpu",
    "CPU time consumed in user mode.",
    unit="seconds",
    difference=_RESOLUTION,
    v1="cpuacct.stat user",
    v2="cpu.stat user_usec",
)
CPU_SYSTEM = counter(
    "container_cpu_system_seconds_total",
    "cpu",
    "CPU time consumed in the kernel.",
    unit="seconds",
    difference=_RESOLUTION,
    v1="cpuacct.stat system",
    v2="cpu.stat system_usec",
)
CFS_PERIODS = counter(
    "container_cpu_cfs_periods_total",
    "cpu",
    "Enforcement periods of the CPU quota.",
    difference=_QUOTA,
    v1="cpu.stat nr_periods",
    v2="cpu.stat nr_periods",
)
CFS_THROTTLED_PERIODS = counter(
    "container_cpu_cfs_throttled_periods_total",
    "cpu",
    "Enforcement periods in which the container was throttled.",
    difference=_QUOTA,
    v1="cpu.stat nr_throttled",
    v2="cpu.stat nr_throttled",
)
CFS_THROTTLED_SECONDS = counter(
    "container_cpu_cfs_throttled_seconds_total",
    "cpu",
    "Time the container's threads were throttled, added up over CPUs.",
    unit="seconds",
    difference=_QUOTA,
    v1="cpu.stat throttled_time",
    v2="cpu.stat throttled_usec",
)
CFS_BURST_PERIODS = counter(
    "container_cpu_cfs_burst_periods_total",
    "cpu",
    "Periods in which the container used CPU time it had saved up.",
    difference=_QUOTA + " Absent before Linux 5.14.",
    v1="cpu.stat nr_bursts",
    v2="cpu.stat nr_bursts",
)
CFS_BURST_SECONDS = counter(
    "container_cpu_cfs_burst_seconds_total",
    "cpu",
    "CPU time used above the quota in bursts.",
    unit="seconds",
    difference=_QUOTA + " Absent before Linux 5.14.",
    v1="cpu.stat burst_time",
    v2="cpu.stat burst_usec",
)
CPU_THROTTLED_RATIO = gauge(
    "container_cpu_throttled_ratio",
    "cpu",
    "Share of the enforcement periods of the last one to two minutes in which the container was throttled.",
    unit="ratio",
    compat=Compat.OWN,
    difference=_QUOTA
    + " Absent for the first minute; between scrapes that are more than a minute apart, since the last but one.",
    v1="cpu.stat nr_throttled, nr_periods",
    v2="cpu.stat nr_throttled, nr_periods",
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
    CPU_THROTTLED_RATIO,
)
