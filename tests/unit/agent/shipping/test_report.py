"""What the log worker tells of its sinks crosses unchanged."""

from __future__ import annotations

import msgspec

from agent.shipping.report import Report, Shipped, SinkReport


def test_a_report_crosses_to_the_agent_unchanged() -> None:
    sink = SinkReport("loki", 1, 2, {"refused": 3}, {"again": 4}, 0.5, 6, None, "503", 7.0, 8)
    report = Report([sink], [Shipped("/a", "loki", 1, 2, {}, 0.0)])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(report), type=Report) == report
