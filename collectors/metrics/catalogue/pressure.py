"""Pressure stall information."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

_PSI = "On v1 from the unified hierarchy, when the container is in it. Absent without PSI, where cAdvisor says 0."
PRESSURE_CPU_WAITING = counter(
    "container_pressure_cpu_waiting_seconds_total",
    "pressure",
    "Time some thread waited for a CPU.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_CPU_STALLED = counter(
    "container_pressure_cpu_stalled_seconds_total",
    "pressure",
    "Time no thread could run for want of a CPU.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_MEMORY_WAITING = counter(
    "container_pressure_memory_waiting_seconds_total",
    "pressure",
    "Time some thread waited for memory.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_MEMORY_STALLED = counter(
    "container_pressure_memory_stalled_seconds_total",
    "pressure",
    "Time all threads waited for memory.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_IO_WAITING = counter(
    "container_pressure_io_waiting_seconds_total",
    "pressure",
    "Time some thread waited for a disk.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_IO_STALLED = counter(
    "container_pressure_io_stalled_seconds_total",
    "pressure",
    "Time all threads waited for a disk.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)

PRESSURE: tuple[Family, ...] = (
    PRESSURE_CPU_WAITING,
    PRESSURE_CPU_STALLED,
    PRESSURE_MEMORY_WAITING,
    PRESSURE_MEMORY_STALLED,
    PRESSURE_IO_WAITING,
    PRESSURE_IO_STALLED,
)
