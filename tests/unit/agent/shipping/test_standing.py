"""How a sink does."""

from __future__ import annotations

from agent.shipping.sink import Again, Delivered
from agent.shipping.standing import Standing


def test_a_time_of_failure_begins_once_and_ends_with_success() -> None:
    standing = Standing()
    assert standing.tried(Again("503"), 0.5, 10.0)
    assert not standing.tried(Again("503"), 0.5, 11.0)
    assert standing.failing_since == 10.0
    assert standing.tried(Again("refused"), 0.5, 12.0), "another reason is told too"
    assert not standing.tried(Delivered(), 0.25, 13.0)
    assert (standing.failing_since, standing.last_success, standing.why) == (None, 13.0, "")
    assert (standing.sends, standing.seconds) == ({"again": 3, "delivered": 1}, 1.75)


def test_what_was_lost_is_counted_by_reason() -> None:
    standing = Standing()
    standing.delivered(5, 100, {("/a", "refused"): 2, ("/b", "refused"): 1, ("/b", "too_large"): 1})
    assert (standing.records, standing.bytes) == (5, 100)
    assert standing.dropped == {"refused": 3, "too_large": 1}
