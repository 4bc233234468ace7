"""Tasks by state."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

TASKS_STATE = gauge(
    "container_tasks_state",
    "cpuLoad",
    "Threads of the container's processes that are sleeping, running, stopped or uninterruptible.",
    "state",
    compat=Compat.FIXED,
    difference="Of the threads' own state as of a moment some seconds ago, on v1 and v2 alike. iowaiting is left out: the kernel counts it only for some kinds of waiting.",
    proc="/proc/PID/task/TID/stat state",
)

TASKS: tuple[Family, ...] = (TASKS_STATE,)
