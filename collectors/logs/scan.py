"""One container's log, read in place, in either direction.

A block of a file owns the entries whose first byte lies in it. So before a block is read one looks back
whether its first lines end an entry of an earlier block, and behind it for the end of its own last ones:
blocks can be read in any order and give each entry once.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterator

from collectors.logs.assemble import Assembler, Cut
from collectors.logs.chain import chain_of
from collectors.logs.entry import MAX_ENTRY, Entry
from collectors.logs.formats import format_of
from collectors.logs.judge import Judge
from collectors.logs.record import LogTarget
from collectors.logs.segment import SLACK, Budget, Segment
from collectors.logs.sift import Sieve, needle_of

LOOK_BACK = 128 * 1024
_FIRST_BLOCK = 64 * 1024
_LAST_BLOCK = 1024 * 1024
_MOST_WAITING = 10_000


class Log:
    """The entries of one container that a judge wants, from `since` to `until` in ns, both inclusive."""

    def __init__(
        self,
        target: LogTarget,
        judge: Judge,
        grep: str | None,
        *,
        since: int,
        until: int,
        scratch: str,
        budget: Budget,
        cuts: Collection[Cut] = (),
    ) -> None:
        self._format = format_of(target.source.format)
        self._multiline = target.rule.multiline
        self._sieve = Sieve(self._format, judge, needle_of(grep, self._format), target.rule)
        self._since, self._until = since, until
        self.budget = budget
        self._cuts = cuts
        self._segments = [
            Segment(sibling, target, self._format, scratch, budget)
            for sibling in chain_of(target.source.path)
        ]

    def forward(self) -> Iterator[Entry]:
        """Oldest first: what ended while an older entry had no end yet waits for it, in bounds."""
        waiting: list[Entry] = []
        for entries, begun in self._read_forward():
            waiting += self._timely(entries)
            if waiting and (begun is None or len(waiting) > _MOST_WAITING or waiting[0].time < begun):
                waiting.sort(key=lambda entry: entry.time)
                ready = len(waiting)
                if begun is not None and ready <= _MOST_WAITING:
                    ready = bisect.bisect_left(waiting, begun, key=lambda entry: entry.time)
                yield from waiting[:ready]
                del waiting[:ready]
        yield from sorted(waiting, key=lambda entry: entry.time)

    def _read_forward(self) -> Iterator[tuple[list[Entry], int | None]]:
        """Wanted entries as they end, and when the oldest began that has no end yet."""
        assembler: Assembler | None = None
        for index, segment in enumerate(self._segments):
            if segment.modified < self._since - SLACK:
                continue
            if (segment.begins or 0) > self._until + SLACK:
                break
            if not segment.open():
                continue
            start = 0
            if assembler is None:
                start = self._start(segment)
                assembler = self._assembler(index, start)
            elif not self._format.timed and segment.begins is None:
                assembler.time = segment.modified
            end = self._end(segment)
            for batch in segment.batches(start, end):
                yield self._sieve.entries(assembler, segment.key, batch), _begun(assembler)
            if end < segment.size:
                self._sieve.catch_up(assembler)
                yield self._ends(assembler, index, end), None
                return
            yield self._torn(assembler, index), _begun(assembler)
            segment.close()
        if assembler is not None:
            yield self._sieve.judged(assembler.flush()), None

    def backward(self) -> Iterator[Entry]:
        """Newest first."""
        for index in reversed(range(len(self._segments))):
            segment = self._segments[index]
            if segment.modified < self._since - SLACK:
                return
            if (segment.begins or 0) > self._until + SLACK or not segment.open():
                continue
            start, end = self._start(segment), self._end(segment)
            for low, high in self._blocks(segment, start, end):
                yield from reversed(self._timely(self._block(index, low, high)))
            if index + 1 < len(self._segments):
                self._segments[index + 1].close()
            if start > 0:
                return

    def close(self) -> None:
        """Let go of all files."""
        for segment in self._segments:
            segment.close()

    def _start(self, segment: Segment) -> int:
        inside = segment.begins is None or segment.begins < self._since
        return segment.start_at(self._since) if inside and self._since > 0 else 0

    def _end(self, segment: Segment) -> int:
        return segment.end_at(self._until) if segment.modified > self._until else segment.size

    def _timely(self, entries: list[Entry]) -> list[Entry]:
        since, until = self._since, self._until
        return [entry for entry in entries if since <= entry.time <= until]

    def _blocks(self, segment: Segment, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Blocks from `end` back to `start`, each beginning at a line, growing."""
        size = _FIRST_BLOCK
        while end > start:
            low = max(start, segment.line_start(end - size)) if end - size > start else start
            if low == end:  # one long line
                size *= 4
                continue
            yield low, end
            end, size = low, min(size * 4, _LAST_BLOCK)

    def _block(self, index: int, start: int, end: int) -> list[Entry]:
        """The wanted entries whose first byte lies in [start, end) of a file, in order."""
        segment = self._segments[index]
        assembler = self._assembler(index, start)
        found: list[Entry] = []
        for batch in segment.batches(start, end):
            found += self._sieve.entries(assembler, segment.key, batch)
        self._sieve.catch_up(assembler)
        if end >= segment.size:
            found += self._torn(assembler, index)
        own = [entry for entry in found if entry.key == segment.key and start <= entry.offset < end]
        assembler.keep(lambda one: one.key == segment.key and start <= one.offset < end)
        if assembler.underway:
            own += self._ends(assembler, index, end)
        own.sort(key=lambda entry: entry.offset)
        return own

    def _torn(self, assembler: Assembler, index: int) -> list[Entry]:
        """The last line of a rotated file, if it has no newline."""
        if index == len(self._segments) - 1:
            return []
        rest = self._segments[index].rest()
        return self._sieve.entries(assembler, self._segments[index].key, rest) if rest else []

    def _assembler(self, index: int, start: int) -> Assembler:
        """One that knows which entries are under way at a place, from what stands before it in the files."""
        self._sieve.begin()
        assembler = Assembler(self._format, self._cuts, self._segments[index].modified, self._multiline)
        before: list[tuple[Segment, int, int]] = []
        missing = LOOK_BACK
        while missing > 0 and (start > 0 or index > 0):
            if start == 0:
                index -= 1
                if not self._segments[index].open():
                    break
                start = self._segments[index].size
            segment = self._segments[index]
            low = segment.line_start(max(0, start - missing))
            before.append((segment, low, start))
            missing -= start - low + 1
            if low > 0:
                break
            start = 0
        for segment, low, high in reversed(before):
            for batch in segment.batches(low, high):
                if not batch.cut:
                    assembler.feed(segment.key, batch.offset, batch.data)
        return assembler

    def _ends(self, assembler: Assembler, index: int, offset: int) -> list[Entry]:
        """The entries that are under way, read on to their ends."""
        waiting = {(one.key, one.offset) for one in assembler.underway}
        found: list[Entry] = []
        for later in self._segments[index:]:
            if not waiting or not later.open():
                break
            for batch in later.batches(offset):
                if batch.cut:
                    continue
                ended = assembler.feed(later.key, batch.offset, batch.data)
                found += [entry for entry in ended if (entry.key, entry.offset) in waiting]
                waiting -= {(entry.key, entry.offset) for entry in found}
                if not waiting or self._full(assembler, waiting):
                    break
            else:
                offset = 0
                continue
            break
        found += [entry for entry in assembler.flush() if (entry.key, entry.offset) in waiting]
        return self._sieve.judged(found)

    def _full(self, assembler: Assembler, waiting: Collection[tuple[bytes, int]]) -> bool:
        """Whether more of the entries under way would be cut off anyway."""
        return all(
            len(one.message) >= MAX_ENTRY for one in assembler.underway if (one.key, one.offset) in waiting
        )


def _begun(assembler: Assembler) -> int | None:
    return min((one.time for one in assembler.underway), default=None)
