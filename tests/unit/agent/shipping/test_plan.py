"""What the log worker is to ship to crosses unchanged."""

from __future__ import annotations

import msgspec

from agent.shipping.plan import Plan


def test_a_plan_crosses_to_the_worker_unchanged() -> None:
    plan = Plan(sinks=[("loki", {"url": "http://a", "batch_bytes": 5})], node="n", external_labels={"a": "b"})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=Plan) == plan
