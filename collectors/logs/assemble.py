"""Lines of a file into whole entries: parts and the lines of a stack trace joined per stream, across batches,
rotations and restarts.

A part is never joined with another stream's. A boundary that was set by time (a `Cut`) stays where it was
set, so that an entry is the same, and has the same uid, on every reading.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from collectors.logs.entry import MAX_ENTRY, Entry
from collectors.logs.formats import Format, Line, Part
from collectors.logs.multiline import CUT, Boundary, Joiner, Stack
from collectors.logs.rule import Multiline

TORN = "a torn line stood before it"

ALONE = Multiline(mode="none")

Cut = Boundary


class Pending(msgspec.Struct):
    """The parts of an entry whose end has not been seen; `size` is what was printed, more than what is kept; `part`
    is the last one of them, where the writer tells."""

    time: int
    message: bytearray
    size: int
    key: bytes
    offset: int
    part: Part | None = None

    @property
    def cut(self) -> Cut:
        """The boundary, if the entry ended here."""
        return (self.key, self.offset, self.size)


class Assembler:
    """Joins the lines of one container's files, fed in order. `time` is that of the last line, in ns."""

    def __init__(
        self, format: Format, cuts: Collection[Cut] = (), time: int = 0, multiline: Multiline = ALONE
    ) -> None:
        self.format = format
        self.pending: dict[str, Pending] = {}
        self.joiner = Joiner(multiline, cuts) if multiline.mode != "none" else None
        self.time = time
        self.cuts = cuts

    @property
    def cuts(self) -> Collection[Cut]:
        """Boundaries that were set by time."""
        return self._cuts

    @cuts.setter
    def cuts(self, cuts: Collection[Cut]) -> None:
        self._cuts = cuts
        if self.joiner is not None:
            self.joiner.cuts = cuts

    @property
    def underway(self) -> list[Pending | Stack]:
        """The entries that have begun and not ended."""
        waiting: list[Pending | Stack] = list(self.pending.values())
        if self.joiner is not None:
            waiting += [stack for stack in self.joiner.stacks.values() if not stack.told]
        return waiting

    @property
    def waits(self) -> bool:
        """Whether what comes next depends on what came before."""
        return bool(self.pending) or (self.joiner is not None and bool(self.joiner.stacks))

    def keep(self, wanted: Callable[[Pending | Stack], bool]) -> None:
        """Forget the entries underway that are not wanted."""
        self.pending = {stream: one for stream, one in self.pending.items() if wanted(one)}
        if self.joiner is not None:
            self.joiner.stacks = {stream: one for stream, one in self.joiner.stacks.items() if wanted(one)}

    def rejoin(self, multiline: Multiline) -> None:
        """Join lines by another rule from now on; what waits goes on waiting by the new one if it may."""
        stacks = self.joiner.stacks if self.joiner is not None else {}
        self.joiner = Joiner(multiline, self._cuts) if multiline.mode != "none" else None
        if self.joiner is not None:
            self.joiner.stacks = stacks

    def passes(self, data: bytes) -> bool:
        """Whether each line of a raw chunk is an entry of its own, as far as joining lines goes."""
        return self.joiner is None or self.joiner.idle(data)

    def feed(self, key: bytes, offset: int, data: bytes) -> list[Entry]:
        """The entries that end in these whole lines; `key` is the file's, `offset` the place of `data` in it."""
        alone = not self.pending and self.passes(data)
        entries = self._lines(key, offset, data)
        self.reached(key, offset + len(data))
        return entries if alone or self.joiner is None else self.joiner.joined(entries)

    def reached(self, key: bytes, end: int) -> None:
        """The file of this key was read up to here, whether its lines were fed or not."""
        if self.joiner is not None:
            self.joiner.reached(key, end)

    def _lines(self, key: bytes, offset: int, data: bytes) -> list[Entry]:
        whole = self.format.whole(data, key, offset) if not self.pending else None
        if whole:
            self.time = whole[-1].time
            return whole
        entries: list[Entry] = []
        parse = self.format.parse
        pending = self.pending
        gap = self.format.framing.gap
        for line in self.format.framing.records(data):
            parsed = parse(line)
            if parsed is None:
                entries += self._foreign(line, key, offset)
            else:
                time, stream, partial, content, _ = parsed
                self.time = time
                if not partial and stream not in pending:
                    entries.append(Entry(time, stream, content, key, offset, len(content) + 1))
                else:
                    entries += self._join(parsed, key, offset)
            offset += len(line) + gap
        return entries

    def feed_cut(self, key: bytes, offset: int, data: bytes) -> list[Entry]:
        """The entry of a line that is too long, of which only `data`, its beginning, is known."""
        entries = [Entry(self.time, "stdout", data, key, offset, len(data), CUT)]
        return self.joiner.joined(entries) if self.joiner is not None else entries

    def flush(self) -> list[Entry]:
        """What is pending, as entries of their own that say so; what follows them begins anew."""
        entries = [_ended(stream, pending, partial=True) for stream, pending in self.pending.items()]
        self.pending.clear()
        return entries if self.joiner is None else self.joiner.joined(entries) + self.joiner.flush()

    def settle(self) -> list[Entry]:
        """The pending entries that were ended by time elsewhere, by their `cuts`."""
        ended = [stream for stream, pending in self.pending.items() if pending.cut in self.cuts]
        entries = [_ended(stream, self.pending.pop(stream), partial=True) for stream in ended]
        return entries if self.joiner is None else self.joiner.joined(entries) + self.joiner.settle()

    def _join(self, line: Line, key: bytes, offset: int) -> list[Entry]:
        time, stream, partial, content, part = line
        entries: list[Entry] = []
        pending = self.pending.get(stream)
        if pending is not None and (pending.cut in self.cuts or not _goes_on(pending, part)):
            entries.append(_ended(stream, pending, partial=True))
            pending = None
        if pending is None:
            pending = self.pending[stream] = Pending(time, bytearray(), 0, key, offset)
        pending.part = part
        pending.message += content[: MAX_ENTRY - len(pending.message)]
        pending.size += len(content)
        if not partial:
            pending.size += 1
            entries.append(_ended(stream, self.pending.pop(stream), partial=False))
        return entries

    def _foreign(self, line: bytes, key: bytes, offset: int) -> list[Entry]:
        """A line of no known form, with the time of the line before it and its bytes as they are."""
        if not line.strip(b"\0\r ") and (self.format.foreign or b"\0" in line):
            return []
        behind = self.format.behind(line)
        if behind is None:
            text = line if self.format.foreign else line.lstrip(b"\0")
            return [Entry(self.time, "stdout", text, key, offset, len(text) + 1, self.format.foreign)]
        self.time = behind.time
        return [entry._replace(error=entry.error or TORN) for entry in self._join(behind, key, offset)]


def _ended(stream: str, pending: Pending, *, partial: bool) -> Entry:
    error = CUT if pending.size - (not partial) > len(pending.message) else ""
    return Entry(
        pending.time,
        stream,
        bytes(pending.message),
        pending.key,
        pending.offset,
        pending.size,
        error,
        partial,
    )


def _goes_on(pending: Pending, part: Part | None) -> bool:
    """Whether the next line of its stream belongs to it; where the writer does not tell, it does."""
    return part.follows(pending.part) if part is not None else pending.part is None
