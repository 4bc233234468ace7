"""Waits between tries."""

from __future__ import annotations

from agent.shipping.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 4.0, draw=lambda: 1.0)
    assert [backoff.wait() for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.wait() == 0.5


def test_waits_are_drawn_from_the_upper_half() -> None:
    assert Backoff(2.0, 8.0, draw=lambda: 0.0).wait() == 1.0
    assert all(1.0 <= Backoff(2.0, 8.0).wait() <= 2.0 for _ in range(100))


def test_the_peers_wish_counts_within_an_hour() -> None:
    assert Backoff(0.5, 1.0).wait(30.0) == 30.0
    assert Backoff(0.5, 1.0).wait(1e9) == 3600.0


def test_many_failures_do_not_overflow() -> None:
    backoff = Backoff(0.5, 60.0, draw=lambda: 1.0)
    backoff.failures = 10_000
    assert backoff.wait() == 60.0
