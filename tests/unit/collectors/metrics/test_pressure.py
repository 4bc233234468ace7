"""Pressure."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, pressure
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported


def test_some_and_full_are_waiting_and_stalled_and_a_missing_one_is_absent(v2: Any) -> None:
    (plan,) = pressure.probe(v2.host)
    values: list[Value] = [None] * len(catalogue.ROW)
    some = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n"
    full = b"full avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n"
    plan.parse((some % 1500000, some % 0 + full % 0, b"", full % 2000000), values)
    told = {family.name: values[INDEX[family]] for family in plan.families}
    assert told == {
        "container_pressure_cpu_waiting_seconds_total": 1.5,
        "container_pressure_cpu_stalled_seconds_total": None,
        "container_pressure_memory_waiting_seconds_total": 0.0,
        "container_pressure_memory_stalled_seconds_total": 0.0,
        "container_pressure_io_waiting_seconds_total": None,
        "container_pressure_io_stalled_seconds_total": None,
        "container_pressure_irq_stalled_seconds_total": 2.0,
    }


def test_interrupts_are_looked_at_where_the_kernel_accounts_them(v2: Any) -> None:
    (v2.directory / "proc/pressure/irq").unlink()
    (plan,) = pressure.probe(v2.host)
    assert [file.name for file in plan.files] == ["cpu.pressure", "memory.pressure", "io.pressure"]
    values: list[Value] = [None] * len(catalogue.ROW)
    plan.parse((b"", b"", b""), values)
    assert values[INDEX[catalogue.PRESSURE_IRQ_STALLED]] is None


def test_why_there_is_none(v1: Any, v2: Any) -> None:
    with pytest.raises(NotSupported, match="no cgroup v2 hierarchy"):
        pressure.probe(v1.host)
    (v2.directory / "proc/pressure/cpu").unlink()
    with pytest.raises(NotSupported, match="psi=1"):
        pressure.probe(v2.host)
