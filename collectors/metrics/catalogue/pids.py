"""Threads and processes."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family, gauge

THREADS = gauge(
    "container_threads",
    "pids",
    "Threads, those of descendant cgroups included.",
    difference="Absent on the root cgroup.",
    v1="pids.current",
    v2="pids.current",
)
PROCESSES = gauge(
    "container_processes",
    "pids",
    "Processes in this cgroup itself.",
    v1="cgroup.procs",
    v2="cgroup.procs",
)

PIDS: tuple[Family, ...] = (
    THREADS,
    PROCESSES,
)
