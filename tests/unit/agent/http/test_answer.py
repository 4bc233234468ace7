"""Values as JSON answers."""

from __future__ import annotations

import msgspec

from agent.http import answer


class Inner(msgspec.Struct):
    started_at: float | None
    cpu: float = 1.5


class Outer(msgspec.Struct):
    time: float
    parts: list[Inner]


def test_times_become_readable_and_numbers_stay() -> None:
    assert answer.readable(Outer(0, [Inner(1.5), Inner(None)])) == {
        "time": "1970-01-01T00:00:00.000000Z",
        "parts": [
            {"started_at": "1970-01-01T00:00:01.500000Z", "cpu": 1.5},
            {"started_at": None, "cpu": 1.5},
        ],
    }
    assert answer.json([1], 201).status == 201
