"""One container's account at the end of a soak: what it printed, what arrived, what is accounted for; and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.soak.logs import lines
from tests.soak.logs.peer import Arrival

_SHOWN = 5
_LOST = ("rotated_away", "spool_full")


@dataclass(slots=True)
class Account:
    """`printed` numbers from 0 on; `dropped` is what the agent says of its one sink, in records, by reason;
    `records` what it says the sink has; `dead` the uids and numbers of its dead letters."""

    name: str
    kind: str
    printed: int
    arrived: Sequence[Arrival]
    records: int
    dropped: Mapping[str, int]
    dead: Mapping[str, int]
    have: Counter[int] = field(init=False)

    def __post_init__(self) -> None:
        self.have = Counter({one.uid: one.number for one in self.arrived if one.whole}.values())

    @property
    def due(self) -> int:
        """Records that were printed."""
        return sum(lines.copies(number) for number in range(self.printed))

    @property
    def copies(self) -> int:
        """Arrivals of what had arrived before."""
        return len(self.arrived) - len(self._uids())

    def missing(self) -> Counter[int]:
        """How many records of each number arrived neither at the sink nor among the dead letters."""
        refused = Counter(number for uid, number in self.dead.items() if uid not in self._uids())
        due = Counter({number: lines.copies(number) for number in range(self.printed)})
        return due - self.have - refused

    def gaps(self) -> int:
        """In how many stretches they are missing."""
        numbers = sorted(self.missing())
        return sum(number - 1 != before for before, number in zip([-2, *numbers], numbers, strict=False))

    def faults(self) -> Iterator[str]:
        """All that is wrong, in words."""
        yield from (f"{self.name} ({self.kind}): {fault}" for fault in self._faults())

    def _faults(self) -> Iterator[str]:
        gaps, lost, uncopied = (self.gaps(), *(self.dropped.get(one, 0) for one in _LOST))
        if not lost and not uncopied:
            torn = [one for one in self.arrived if not one.whole]
            yield from self._about("are not what was printed, and nothing is said to be lost", torn)
        yield from self._about("arrived under more uids than were printed", self._too_many())
        yield from self._about("came again as another", self._moved())
        yield from self._about("have time, stream and text of another uid", self._twins())
        yield from self._about("arrived before an older one of their stream", self._overtakers())
        missing = self.missing()
        # Of what the spool had no room for the lines are known, of what went while nobody looked only that it did.
        if (gaps > lost and not uncopied) or (missing.total() > uncopied and not lost):
            yield (
                f"{missing.total()} of {self.due} records are missing in {gaps} gaps; accounted for are {lost} gaps "
                f"and {uncopied} lines: {sorted(missing)[:_SHOWN]}…"
            )
        told = self.records + self.dropped.get("refused", 0)
        came = len(self._uids() | self.dead.keys())
        # What came, was not acknowledged, and was gone when the agent came back, is counted as rotated away.
        if told > came or (told < came and not lost and not uncopied):
            yield f"{told} records are accounted for at the sink and in dead letters, {came} came there"
        if other := set(self.dropped) - {*_LOST, "refused"}:
            yield f"records were given up for other reasons: {other}"

    def _about(self, what: str, found: Sequence[object]) -> Iterator[str]:
        if found:
            yield f"{len(found)} records {what}: {[*found[:_SHOWN]]}"

    def _uids(self) -> set[str]:
        return {one.uid for one in self.arrived}

    def _too_many(self) -> list[int]:
        return [number for number, count in self.have.items() if count > lines.copies(number)]

    def _moved(self) -> list[Arrival]:
        """What has another time, stream or number than before. A line whose end was lost meanwhile comes cut short."""
        first: dict[str, Arrival] = {}
        return [one for one in self.arrived if one.whole and first.setdefault(one.uid, one) != one]

    def _twins(self) -> list[Arrival]:
        first: dict[tuple[str, int, int], str] = {}
        return [
            one
            for one in self.arrived
            if one.whole and first.setdefault((one.stream, one.time, one.number), one.uid) != one.uid
        ]

    def _overtakers(self) -> list[Arrival]:
        """First copies with a smaller number than one that arrived before. What was refused once, and taken when it
        was sent again after a kill, comes late."""
        seen = set(self.dead)
        newest: dict[str, int] = {}
        found: list[Arrival] = []
        for one in self.arrived:
            if one.uid in seen or one.number < 0:
                continue
            seen.add(one.uid)
            if one.number < newest.get(one.stream, -1):
                found.append(one)
            newest[one.stream] = max(newest.get(one.stream, -1), one.number)
        return found
