"""Restart decisions: policies, doubling, spreading, giving up, starting afresh."""

from __future__ import annotations

import pytest

from runtime.supervision.restart import decide
from runtime.supervision.spec import Backoff, Restart

BACKOFF = Backoff(min="1s", max="8s", reset="1m")


def restart(policy: str = "always", maximum: int = 5) -> Restart:
    return Restart(policy=policy, max=maximum, backoff=BACKOFF)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "reason", "again"),
    [
        ("never", "error", False),
        ("never", "lost", False),
        ("on-failure", "completed", False),
        ("on-failure", "error", True),
        ("on-failure", "oom", True),
        ("on-failure", "unknown", True),
        ("always", "completed", True),
        ("unless-stopped", "completed", True),
    ],
)
def test_policies(policy: str, reason: str, again: bool) -> None:
    assert decide(restart(policy), reason=reason, ran=1, quick=0, chance=0.5).again is again


def test_delays_double_up_to_the_maximum() -> None:
    delays = [decide(restart(), reason="error", ran=1, quick=quick, chance=0.5).delay for quick in range(5)]
    assert delays == [1, 2, 4, 8, 8]


def test_delays_are_spread_but_never_over_the_maximum() -> None:
    low = decide(restart(), reason="error", ran=1, quick=0, chance=0.0).delay
    high = decide(restart(), reason="error", ran=1, quick=0, chance=1.0).delay
    assert low == pytest.approx(0.8)
    assert high == pytest.approx(1.2)
    assert decide(restart(), reason="error", ran=1, quick=4, chance=1.0).delay == 8


def test_too_many_quick_ends_are_a_crash_loop_and_a_long_run_forgives() -> None:
    given_up = decide(restart(), reason="error", ran=1, quick=5, chance=0.5)
    assert (given_up.again, given_up.crash_loop) == (False, True)
    forgiven = decide(restart(), reason="error", ran=61, quick=5, chance=0.5)
    assert (forgiven.again, forgiven.quick, forgiven.delay) == (True, 1, 1)


def test_a_reboot_is_no_fault_of_the_workload() -> None:
    decision = decide(restart(), reason="lost", ran=1, quick=3, chance=0.5)
    assert decision == (True, 0.0, 3, False)
