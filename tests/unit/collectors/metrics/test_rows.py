"""Rows and readings."""

from __future__ import annotations

from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row


def test_a_reading_starts_without_costs_of_its_own() -> None:
    row = Row("/a", 'id="/a"', [None] * len(catalogue.ROW), 1.0)
    first, second = Reading(1.0, [row]), Reading(2.0, [])
    first.durations["cpu"] = 0.5
    assert second.durations == {} and second.errors == {}
    assert not row.final
