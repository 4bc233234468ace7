"""Pressure stall information: how long threads waited for CPU, memory, disks and interrupts."""

from __future__ import annotations

import os
from collections.abc import Sequence

from collectors.cgroups import v2
from collectors.metrics import catalogue
from collectors.metrics.plan import File, Host, Plan
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported

_PLACES = (
    (catalogue.INDEX[catalogue.PRESSURE_CPU_WAITING], catalogue.INDEX[catalogue.PRESSURE_CPU_STALLED]),
    (catalogue.INDEX[catalogue.PRESSURE_MEMORY_WAITING], catalogue.INDEX[catalogue.PRESSURE_MEMORY_STALLED]),
    (catalogue.INDEX[catalogue.PRESSURE_IO_WAITING], catalogue.INDEX[catalogue.PRESSURE_IO_STALLED]),
)
_IRQ = catalogue.INDEX[catalogue.PRESSURE_IRQ_STALLED]


def probe(host: Host) -> tuple[Plan, ...]:
    """Pressure files exist in the v2 hierarchy alone, beside v1 controllers too."""
    if host.hierarchies.unified is None:
        raise NotSupported("no cgroup v2 hierarchy is mounted, and pressure per cgroup exists only there")
    if not os.path.exists(f"{host.proc}/pressure/cpu"):
        raise NotSupported("the kernel has no pressure stall information; it needs CONFIG_PSI and psi=1")
    names = ["cpu.pressure", "memory.pressure", "io.pressure"]
    if os.path.exists(f"{host.proc}/pressure/irq"):
        names.append("irq.pressure")
    return (Plan(tuple(File("unified", name, keep=80) for name in names), catalogue.PRESSURE, _parse),)


def _parse(contents: Sequence[bytes], values: list[Value]) -> None:
    for content, (waiting_at, stalled_at) in zip(contents[:3], _PLACES, strict=True):
        if content:
            waiting, stalled = v2.pressure(content)
            if waiting is not None:
                values[waiting_at] = waiting / 1e6
            if stalled is not None:
                values[stalled_at] = stalled / 1e6
    for content in contents[3:]:
        # Nobody waits for interrupts alone: this file has no first line.
        _, stalled = v2.pressure(content)
        if stalled is not None:
            values[_IRQ] = stalled / 1e6
