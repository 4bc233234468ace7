"""Pressure stall information."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

_PSI = "On v1 from the unified hierarchy, when the container is in it. Absent without PSI, where cAdvisor says 0."


def _pressure(resource: str, word: str, help: str, line: str) -> Family:
    source = f"{resource}.pressure {line}"
    return counter(
        f"container_pressure_{resource}_{word}_seconds_total",
        "pressure",
        help,
        unit="seconds",
        compat=Compat.FIXED,
        difference=_PSI,
        v1=source,
        v2=source,
    )


PRESSURE_CPU_WAITING = _pressure("cpu", "waiting", "Time some thread waited for a CPU.", "some")
PRESSURE_CPU_STALLED = _pressure("cpu", "stalled", "Time no thread could run for want of a CPU.", "full")
PRESSURE_MEMORY_WAITING = _pressure("memory", "waiting", "Time some thread waited for memory.", "some")
PRESSURE_MEMORY_STALLED = _pressure("memory", "stalled", "Time all threads waited for memory.", "full")
PRESSURE_IO_WAITING = _pressure("io", "waiting", "Time some thread waited for a disk.", "some")
PRESSURE_IO_STALLED = _pressure("io", "stalled", "Time all threads waited for a disk.", "full")
PRESSURE_IRQ_STALLED = counter(
    "container_pressure_irq_stalled_seconds_total",
    "pressure",
    "Time all threads waited because their CPUs served interrupts.",
    unit="seconds",
    compat=Compat.OWN,
    difference="Linux 6.1 with CONFIG_IRQ_TIME_ACCOUNTING; on v1 from the unified hierarchy.",
    v1="irq.pressure full",
    v2="irq.pressure full",
)

PRESSURE: tuple[Family, ...] = (
    PRESSURE_CPU_WAITING,
    PRESSURE_CPU_STALLED,
    PRESSURE_MEMORY_WAITING,
    PRESSURE_MEMORY_STALLED,
    PRESSURE_IO_WAITING,
    PRESSURE_IO_STALLED,
    PRESSURE_IRQ_STALLED,
)
