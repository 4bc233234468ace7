"""What became of all containers of a soak of the log path, and what is wrong with it."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.soak.logs.account import Account
from tests.soak.logs.plan import KINDS

# Growth of PSS from the second quarter to the last, in MB, that does not yet tell of a leak.
MORE_MEMORY = 8.0


@dataclass(slots=True)
class Course:
    """`memory` is (seconds since the start, MB of PSS of agent and log worker); `kills` by what was killed."""

    seconds: float
    memory: list[tuple[float, float]] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    accounts: list[Account] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    spooled: int = 0

    def judge(self) -> list[str]:
        """All that is wrong, in words; empty when nothing is."""
        return [
            *self.faults,
            *(fault for account in self.accounts for fault in account.faults()),
            *self._lost_by_keepers(),
            *self._growing(),
        ]

    def grown(self) -> float:
        """MB by which the median of the last quarter is above that of the second."""
        return self._quarter(4) - self._quarter(2)

    def _quarter(self, which: int) -> float:
        low, high = (self.seconds * part / 4 for part in (which - 1, which))
        return statistics.median([size for at, size in self.memory if low <= at < high] or [0.0])

    def _growing(self) -> Iterator[str]:
        if self.grown() > MORE_MEMORY:
            yield f"memory grew by {self.grown():.1f} MB from the second quarter to the last"

    def _lost_by_keepers(self) -> Iterator[str]:
        """Who keeps more older files than are written while the agent is away must lose nothing."""
        for account in self.accounts:
            keeps = account.kind not in KINDS or KINDS[account.kind].keep > 5
            if keeps and account.missing():
                yield f"{account.name} lost {account.missing().total()} records that lay in its files"

    def __str__(self) -> str:
        kinds: dict[str, list[Account]] = defaultdict(list)
        for account in self.accounts:
            kinds[account.kind].append(account)
        rows = [_row(kind, accounts) for kind, accounts in kinds.items()]
        kills = ", ".join(f"{count} × {what}" for what, count in self.kills.items())
        highest = max((size for _, size in self.memory), default=0.0)
        return "\n".join(
            [
                f"{'kind':>9} {'logs':>5} {'lines':>9} {'arrived':>9} {'again':>9} {'refused':>8} {'missing':>8} "
                f"{'gaps':>5} {'told gaps':>9} {'told lines':>10}",
                *rows,
                _row("all", self.accounts),
                f"killed: {kills}; largest spool {self.spooled / 2**20:.1f} MiB",
                f"memory of agent and log worker: at most {highest:.1f} MB, median of the quarters "
                + " ".join(f"{self._quarter(which):.1f}" for which in (1, 2, 3, 4)),
            ]
        )


def _row(kind: str, accounts: Sequence[Account]) -> str:
    return (
        f"{kind:>9} {len(accounts):>5} {sum(one.due for one in accounts):>9} "
        f"{sum(one.have.total() for one in accounts):>9} {sum(one.copies for one in accounts):>9} "
        f"{sum(one.dropped.get('refused', 0) for one in accounts):>8} "
        f"{sum(one.missing().total() for one in accounts):>8} {sum(one.gaps() for one in accounts):>5} "
        f"{sum(one.dropped.get('rotated_away', 0) for one in accounts):>9} "
        f"{sum(one.dropped.get('spool_full', 0) for one in accounts):>10}"
    )
