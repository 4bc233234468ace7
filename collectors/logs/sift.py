"""The entries of a batch that a query wants, without parsing the lines that cannot be wanted."""

from __future__ import annotations

import re2

from collectors.logs.assemble import Assembler
from collectors.logs.clean import cleaned, sure
from collectors.logs.entry import Entry
from collectors.logs.formats import Format
from collectors.logs.judge import Judge, level_reader
from collectors.logs.lines import Batch
from collectors.logs.literals import required
from collectors.logs.multiline import SPAN
from collectors.logs.redact import redactor
from collectors.logs.rule import Rule

_SHORTEST = 2
_DENSE = 16
_CLOSE = 300


def needle_of(grep: str | None, format: Format) -> bytes | None:
    """What stands in each line whose whole message matches; None when nothing is certain enough."""
    runs = [run for text in required(grep or "") for run in format.runs_of(text)]
    longest = max(runs, key=len, default=b"")
    return longest if len(longest) >= _SHORTEST else None


class Sieve:
    """Judges the entries that end in a batch, redacted. Raw bytes are only searched where each line is an entry."""

    def __init__(self, format: Format, judge: Judge, needle: bytes | None, rule: Rule) -> None:
        self._format = format
        self._redactor = redactor(rule.redact)
        self._level = level_reader(rule.parser)
        needle = sure(needle, self._redactor) if needle else None
        self._partials = format.may_hold_partials
        self._dense = 0
        self._skipped: tuple[bytes, Batch] | None = None
        self._judge = judge
        # RE2 looks for a plain text several times faster than bytes.find does.
        self._needle = None if needle is None else re2.compile(re2.escape(needle))

    def entries(self, assembler: Assembler, key: bytes, batch: Batch) -> list[Entry]:
        """Wanted entries; the assembler knows after `catch_up` what it would know had it read every line."""
        data = batch.data
        if batch.cut:
            self.catch_up(assembler)
            return self.judged(assembler.feed_cut(key, batch.offset, data))
        if self._needle is None or self._dense or assembler.waits or self._partials(data):
            self._dense = max(0, self._dense - 1)
        elif not self._needle.search(data):
            assembler.time = self._time_before(data, len(data)) or assembler.time
            assembler.reached(key, batch.offset + len(data))
            self._skipped = (key, batch)
            return []
        else:
            self.catch_up(assembler)
            if not assembler.waits and assembler.passes(data):
                return self.judged(self._candidates(assembler, key, batch))
        self.catch_up(assembler)
        return self.judged(assembler.feed(key, batch.offset, data))

    def catch_up(self, assembler: Assembler) -> None:
        """Have the assembler know which entry is under way at the end of a batch that was passed over."""
        if self._skipped is None:
            return
        key, batch = self._skipped
        self._skipped = None
        if not assembler.passes(batch.data[-SPAN:]):
            assembler.feed(key, batch.offset, batch.data)

    def begin(self) -> None:
        """Another place is read from now on."""
        self._skipped = None

    def judged(self, entries: list[Entry]) -> list[Entry]:
        """Those of some whole entries that are wanted, redacted."""
        wants, level = self._judge.wants, self._level
        return [entry for entry in cleaned(entries, self._redactor) if wants(entry, level)]

    def _candidates(self, assembler: Assembler, key: bytes, batch: Batch) -> list[Entry]:
        data = batch.data
        framing = self._format.framing
        found: list[Entry] = []
        for start, end in framing.hits(data, self._needle):
            parsed = self._format.parse(data[start : end - framing.gap])
            if parsed is None:
                assembler.time = self._time_before(data, start) or assembler.time
                found += assembler.feed(key, batch.offset + start, data[start:end])
            else:
                time, stream, _, content, _ = parsed
                found.append(Entry(time, stream, content, key, batch.offset + start, len(content) + 1))
        assembler.time = self._time_before(data, len(data)) or assembler.time
        assembler.reached(key, batch.offset + len(data))
        # Where hits stand close together, reading every line costs less than looking for each hit.
        self._dense = _DENSE if len(found) * _CLOSE > len(data) else 0
        return found

    def _time_before(self, data: bytes, end: int) -> int | None:
        """The time of the last line before `end` that has one."""
        framing = self._format.framing
        while end > 0:
            start = framing.before(data, end)
            record = data[start : end - framing.gap]
            line = self._format.parse(record) or self._format.behind(record)
            if line is not None:
                return line.time
            end = start
        return None
