"""Waits between attempts grow, vary, and end at their limit."""

from __future__ import annotations

from collectors.inventory.base import Backoff, key_of
from collectors.model import Container, Entry


def test_waits_double_within_their_jitter_up_to_the_limit() -> None:
    backoff = Backoff(0.5, 10.0)
    for attempt, step in enumerate((0.5, 1, 2, 4, 8, 16, 32)):
        assert min(step / 2, 10.0) <= backoff.seconds() <= min(step * 1.5, 10.0), attempt
    backoff.reset()
    assert backoff.seconds() <= 0.75


def test_many_attempts_do_not_overflow() -> None:
    backoff = Backoff()
    assert max(backoff.seconds() for _ in range(3000)) == 10.0


def test_an_entry_is_known_by_its_engine_id_or_else_by_its_path() -> None:
    assert key_of(Entry(container=Container(id="/a", name="a", engine="docker", engine_id="12"))) == "12"
    assert key_of(Entry(container=Container(id="/a", name="a", engine="cgroup"))) == "/a"
