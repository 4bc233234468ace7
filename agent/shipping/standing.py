"""How a sink does: counts for its metrics, and whether it fails just now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from agent.shipping.sink import Again, Verdict


class Standing(msgspec.Struct):
    """Counts since the process began; `failing_since` is epoch seconds, None while all is well.

    `pending` are records handed over and not yet acknowledged, `why` the last failure's text.
    """

    records: int = 0
    bytes: int = 0
    dropped: dict[str, int] = {}
    sends: dict[str, int] = {}
    seconds: float = 0.0
    pending: int = 0
    failing_since: float | None = None
    last_success: float | None = None
    why: str = ""

    def tried(self, verdict: Verdict, seconds: float, now: float) -> bool:
        """Count one hand-over; whether a time of failure begins with it."""
        name = type(verdict).__name__.lower()
        self.sends[name] = self.sends.get(name, 0) + 1
        self.seconds += seconds
        if not isinstance(verdict, Again):
            self.failing_since, self.last_success, self.why = None, now, ""
            return False
        first = self.failing_since is None or self.why != verdict.why
        self.failing_since = self.failing_since or now
        self.why = verdict.why
        return first

    def delivered(self, records: int, bytes: int, lost: Mapping[tuple[str, str], int]) -> None:
        """Count a parcel that the peer has."""
        self.records += records
        self.bytes += bytes
        for reason, count in _by_reason(lost).items():
            self.drop(reason, count)

    def drop(self, reason: str, count: int) -> None:
        """Count records that this sink will never get."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


def _by_reason(lost: Mapping[tuple[str, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, reason), count in lost.items():
        found[reason] += count
    return found
