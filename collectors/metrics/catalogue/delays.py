"""Delay accounting of the kernel (taskstats): what tasks waited for."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

DELAY_SECONDS = counter(
    "container_delay_seconds_total",
    "delays",
    "Time that the container's tasks waited for a CPU, block I/O, swap, memory reclaim and so on.",
    "resource",
    unit="seconds",
    compat=Compat.OWN,
    difference="Needs kernel.task_delayacct=1, best from boot (delayacct): of processes that are older than the switch only cpu is told.",
    proc="taskstats (netlink) xxx_delay_total",
    right="CAP_NET_ADMIN",
)

DELAYS: tuple[Family, ...] = (DELAY_SECONDS,)
