"""What was read of one container: bytes and lines per stream, messages per level, what was given up and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from collectors.logs.entry import Entry
from collectors.logs.formats import Tally
from collectors.logs.levels import HINT, UNKNOWN, level_of
from collectors.logs.metrics.measured import Measured
from collectors.logs.multiline import CUT

LevelOf = Callable[[bytes], str | None]
CUT_SHORT = "cut"
ROTATED_AWAY = "rotated_away"
UNKNOWN_SIZE = frozenset((ROTATED_AWAY,))
"""Reasons of which nobody knows how many entries each meant: one or more."""


def _streams() -> dict[str, int]:
    return {"stdout": 0, "stderr": 0}


class Counters(msgspec.Struct):
    """Counts since the container was first seen. Bytes are the container's own, newlines included.

    `dropped` counts entries: `cut` were too long and lost their rest; `rotated_away` is how often a part of
    unknown size was gone before it was read, which is the least that was lost. `metrics` are those that the
    container's rule makes from its messages.
    """

    bytes: dict[str, int] = msgspec.field(default_factory=_streams)
    lines: dict[str, int] = msgspec.field(default_factory=_streams)
    messages: dict[str, int] = {}
    dropped: dict[str, int] = {}
    metrics: list[Measured] = []

    def add(self, tally: Tally) -> None:
        """Count a batch that was counted in bulk."""
        _merge(self.bytes, tally.bytes)
        _merge(self.lines, tally.lines)
        _merge(self.messages, tally.messages)

    def add_entries(self, entries: Sequence[Entry], level: LevelOf = level_of) -> None:
        """Count entries one by one; `level` tells the level of a message."""
        _merge(self.messages, _levels(entries, level))
        for entry in entries:
            self.bytes[entry.stream] += entry.size
            self.lines[entry.stream] += entry.lines
            if entry.error == CUT:
                self.drop(CUT_SHORT)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count what was given up."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


def _levels(entries: Sequence[Entry], level: LevelOf) -> Mapping[str, int]:
    if level is level_of and not HINT.search(b"\n".join([entry.message for entry in entries])):
        return {UNKNOWN: len(entries)} if entries else {}
    return Counter([level(entry.message) or UNKNOWN for entry in entries])


def _merge(into: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        into[name] = into.get(name, 0) + count
