"""What the scheduler counts of tasks."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

_DIFFERENCE = "All threads, where cAdvisor counts the first one of each process alone. Processes in cgroups below the container's are in it, unless these are containers of their own."
SCHED_RUN_SECONDS = counter(
    "container_cpu_schedstat_run_seconds_total",
    "sched",
    "Time that tasks ran.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_DIFFERENCE,
    proc="/proc/PID/task/TID/schedstat, first",
)
SCHED_RUNQUEUE_SECONDS = counter(
    "container_cpu_schedstat_runqueue_seconds_total",
    "sched",
    "Time that tasks waited for a CPU.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_DIFFERENCE,
    proc="/proc/PID/task/TID/schedstat, second",
)
SCHED_RUN_PERIODS = counter(
    "container_cpu_schedstat_run_periods_total",
    "sched",
    "How often tasks were given a CPU.",
    compat=Compat.FIXED,
    difference=_DIFFERENCE,
    proc="/proc/PID/task/TID/schedstat, third",
)

SCHED: tuple[Family, ...] = (
    SCHED_RUN_SECONDS,
    SCHED_RUNQUEUE_SECONDS,
    SCHED_RUN_PERIODS,
)
