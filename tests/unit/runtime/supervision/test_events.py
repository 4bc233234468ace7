"""Events as they leave the runtime."""

from __future__ import annotations

import msgspec

from runtime.supervision.events import EventType, WorkloadEvent


def test_what_is_unknown_is_absent_from_an_event() -> None:
    event = WorkloadEvent(
        type=EventType.EXIT, replica="web-1", workload="web", run=2, time=1.5, reason="unknown"
    )
    told = msgspec.to_builtins(event)
    assert told["type"] == "exit"
    assert told["reason"] == "unknown"
    assert "exit_code" not in told and "signal" not in told
    assert event.observed == "live"
