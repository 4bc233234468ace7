"""The entries of a batch that a query wants, without parsing the lines that cannot be wanted."""

from __future__ import annotations

from collections.abc import Iterator

import re2

from collectors.logs.assemble import Assembler
from collectors.logs.entry import Entry
from collectors.logs.formats import Format
from collectors.logs.judge import Judge
from collectors.logs.lines import Batch
from collectors.logs.literals import required

_SHORTEST = 2
_DENSE = 16
_CLOSE = 300


def needle_of(grep: str | None, format: Format) -> bytes | None:
    """What stands in each line whose whole message matches; None when nothing is certain enough."""
    runs = [run for text in required(grep or "") for run in format.runs_of(text)]
    longest = max(runs, key=len, default=b"")
    return longest if len(longest) >= _SHORTEST else None


class Sieve:
    """Judges the entries that end in a batch. Raw bytes are only searched where no line is partial."""

    def __init__(self, format: Format, judge: Judge, needle: bytes | None) -> None:
        self._format = format
        self._partials = format.may_hold_partials
        self._dense = 0
        self._judge = judge
        # RE2 looks for a plain text several times faster than bytes.find does.
        self._needle = None if needle is None else re2.compile(re2.escape(needle))

    def entries(self, assembler: Assembler, key: bytes, batch: Batch) -> list[Entry]:
        """Wanted entries; the assembler knows afterwards what it would know had it read every line."""
        if batch.cut:
            found = assembler.feed_cut(key, batch.offset, batch.data)
        elif (
            self._needle is None
            or self._dense
            or assembler.pending
            or self._partials(batch.data)
            or not assembler.passes(batch.data)
        ):
            self._dense = max(0, self._dense - 1)
            found = assembler.feed(key, batch.offset, batch.data)
        else:
            found = self._candidates(assembler, key, batch)
        return self.judged(found)

    def judged(self, entries: list[Entry]) -> list[Entry]:
        """Those of some whole entries that are wanted."""
        wants = self._judge.wants
        return [entry for entry in entries if wants(entry)]

    def _candidates(self, assembler: Assembler, key: bytes, batch: Batch) -> list[Entry]:
        data = batch.data
        found: list[Entry] = []
        for start, end in self._hits(data):
            parsed = self._format.parse(data[start : end - 1])
            if parsed is None:
                assembler.time = self._time_before(data, start) or assembler.time
                found += assembler.feed(key, batch.offset + start, data[start:end])
            else:
                time, stream, _, content = parsed
                found.append(Entry(time, stream, content, key, batch.offset + start, len(content) + 1))
        assembler.time = self._time_before(data, len(data)) or assembler.time
        assembler.reached(key, batch.offset + len(data))
        # Where hits stand close together, reading every line costs less than looking for each hit.
        self._dense = _DENSE if len(found) * _CLOSE > len(data) else 0
        return found

    def _hits(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where the lines are that hold the needle, newline included."""
        assert self._needle is not None
        hit = self._needle.search(data)
        while hit:
            start = data.rfind(b"\n", 0, hit.start()) + 1
            end = data.find(b"\n", hit.start()) + 1
            yield start, end
            hit = self._needle.search(data, end)

    def _time_before(self, data: bytes, end: int) -> int | None:
        """The time of the last line before `end` that has one."""
        while end > 0:
            start = data.rfind(b"\n", 0, end - 1) + 1
            line = self._format.parse(data[start : end - 1]) or self._format.behind(data[start : end - 1])
            if line is not None:
                return line.time
            end = start
        return None
