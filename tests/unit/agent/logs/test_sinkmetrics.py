"""How the sinks do, as metrics."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agent.logs.sinkmetrics import READ
from agent.shipping.report import SinkReport
from collectors.metrics import catalogue


def values(*sinks: SinkReport) -> dict[str, Any]:
    logs: Any = SimpleNamespace(sinks=list(sinks))
    return {family.name: read(logs) for family, read in READ.items()}


def test_every_family_has_its_value_by_sink() -> None:
    found = values(SinkReport("loki", 1, 2, {"refused": 3}, {"again": 4}, 0.5, 6, 1.0, "503", 7.0, 8))
    assert found["deckwatch_sink_records_total"] == {("loki",): 1}
    assert found["deckwatch_sink_dropped_total"] == {("loki", "refused"): 3}
    assert found["deckwatch_sink_sends_total"] == {("loki", "again"): 4}
    assert found["deckwatch_sink_failing"] == {("loki",): 1}
    assert found["deckwatch_sink_lag_seconds"] == {("loki",): 7.0}
    assert found["deckwatch_spool_bytes"] == {(): 8}
    assert set(READ) == set(catalogue.SHIPPING)


def test_without_sinks_there_are_no_values() -> None:
    assert not any(values().values())
