"""Whether and when a replica that ended is started again."""

from __future__ import annotations

from typing import NamedTuple

from runtime.supervision.spec import Restart, seconds

SPREAD = 0.2
SUCCESS = "completed"
LOST = "lost"


class Decision(NamedTuple):
    """`again` after `delay` seconds; else the replica stays down, in a `crash_loop` or simply ended.

    `quick` counts restarts since the replica last ran for the time that resets the backoff.
    """

    again: bool
    delay: float = 0.0
    quick: int = 0
    crash_loop: bool = False


def decide(restart: Restart, *, reason: str, ran: float, quick: int, chance: float) -> Decision:
    """Judge an end by the policy. `ran` is the run's length in seconds; `chance` in 0…1 spreads the delay.

    A run that was lost with its host (a reboot) is no fault of the workload: it starts at once and counts
    for nothing.
    """
    if restart.policy == "never" or (restart.policy == "on-failure" and reason == SUCCESS):
        return Decision(False)
    if reason == LOST:
        return Decision(True, quick=quick)
    if ran >= seconds(restart.backoff.reset):
        quick = 0
    if quick >= restart.max:
        return Decision(False, quick=quick, crash_loop=True)
    return Decision(True, _delay(restart, quick, chance), quick + 1)


def _delay(restart: Restart, quick: int, chance: float) -> float:
    """Doubling from min to max, spread so that replicas that died together do not come back together."""
    least, most = seconds(restart.backoff.min), seconds(restart.backoff.max)
    delay = min(most, least * float(2 ** min(quick, 32)))
    return min(most, delay * (1 + SPREAD * (2 * chance - 1)))
