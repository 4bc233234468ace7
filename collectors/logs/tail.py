"""Follows one container's log through its files: read once, in order, from where it was left.

What rotated several times between two looks, or while nobody looked, is found among the siblings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from collectors.logs.assemble import Assembler, Cut
from collectors.logs.chain import Look, chain_of, find, later_than, opened
from collectors.logs.counters import ROTATED_AWAY, Counters
from collectors.logs.entry import Entry
from collectors.logs.files import HEAD, MARKER, Place, key_of, place
from collectors.logs.formats import format_of
from collectors.logs.judge import level_reader
from collectors.logs.levels import level_of
from collectors.logs.lines import Batch, LineReader
from collectors.logs.metrics.meter import meter_of
from collectors.logs.plainfiles import born, dated
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.siblings import Sibling
from collectors.logs.start import Start, begin
from collectors.logs.succession import Succession
from collectors.logs.times import SECOND

FLUSH = 5.0
"""Seconds after which a line without its end is given out as it is."""
CUT_BACK = 5.0
"""Seconds that a writer which cut its file's end has to write it again."""

Listener = Callable[[Sequence[Entry]], None]
Turned = Callable[[int, Place], None]
"""Gets the descriptor of a file that was read to its end, and that place, before the next file is read."""


class Tail:
    """One container's log. `step` reads one batch; everything else is bookkeeping between steps.

    `listener` gets the entries as they end, if there is one; without it they are only counted. `turned` hears of
    each file that is left, `lost` of each time that files were gone before they were read. One that is not `counting` only counts what was lost before it could be read.
    """

    def __init__(
        self,
        target: LogTarget,
        progress: Progress,
        start: Start,
        scratch: str,
        *,
        counting: bool = True,
        look: Look = chain_of,
    ) -> None:
        self.target = target
        self.progress = progress
        self.listener: Listener | None = None
        self.turned: Turned | None = None
        self.lost: Callable[[], None] | None = None
        self.waiting = False
        self._format = format_of(target.source.format)
        self._start = start
        self._scratch = scratch
        self._counting = counting
        self._level = level_reader(target.rule.parser)
        self._meter = meter_of(target.rule, progress.counters.metrics) if counting else None
        self._look = look
        self._assembler = Assembler(self._format, set(progress.cuts), progress.time, target.rule.multiline)
        self._assembler.pending = progress.pending
        if self._assembler.joiner is not None:
            self._assembler.joiner.stacks = progress.stacks
        self._reader: LineReader | None = None
        self._succession = Succession(target.source.path, self._format, scratch, look)
        self._file = (0, 0)
        self._key: bytes | None = None
        self._head = b""
        self._marker = b""
        self._fed = time.monotonic()
        self._cut_at: tuple[int, float] | None = None

    @property
    def counters(self) -> Counters:
        """What was counted so far."""
        return self.progress.counters

    @property
    def pending(self) -> bool:
        """Whether an entry waits for its end."""
        return bool(self._assembler.underway)

    @property
    def boundaries(self) -> list[Cut]:
        """The boundaries that were set by time, also those of which nobody knows yet whether they matter."""
        told = [stack.cut for stack in self.progress.stacks.values() if stack.told]
        return [*self.progress.cuts, *told] if told else self.progress.cuts

    def step(self) -> bool:
        """Read at most one batch; True when there may be more at once. `waiting` asks for another look soon."""
        self.waiting = False
        if self._reader is None and not self._open():
            return False
        reader = self._reader
        assert reader is not None
        size = os.fstat(reader.fd).st_size
        if size < reader.offset or (size > reader.offset and not self._unchanged(reader)):
            return self._rewritten(reader, size)
        self._cut_at = None
        batch = reader.read() if size > reader.offset else None
        if batch is not None:
            self._take(batch)
            return True
        return self._turn(reader)

    def at_end(self) -> bool:
        """Whether a step would find nothing, told by one look at the log's name: it is the open file's, read to its end."""
        reader = self._reader
        if reader is None or self.waiting or self._cut_at is not None or not self._succession.is_over:
            return False
        try:
            now = os.stat(self.target.source.path)
        except OSError:
            return False
        return now.st_size == reader.offset and (now.st_dev, now.st_ino) == self._file

    @property
    def reading(self) -> tuple[int, Place] | None:
        """The open file's descriptor and the place that was reached in it; None when none is open."""
        return (self._reader.fd, self._place(self._reader)) if self._reader is not None else None

    def begin(self) -> bool:
        """Open the file to read, if that is not done; whether one is open."""
        return self._reader is not None or self._open()

    def lag(self, now: float) -> float:
        """Age in seconds of the oldest line not yet read; 0 when all is read."""
        if self._reader is None or not self.progress.time:
            return 0.0
        behind = self._succession or os.fstat(self._reader.fd).st_size > self._reader.offset
        return max(0.0, now - self.progress.time / SECOND) if behind else 0.0

    def flush(self) -> bool:
        """Give out entries whose end did not come in time; whether there were any."""
        assembler, waited = self._assembler, time.monotonic() - self._fed
        if assembler.pending and waited >= FLUSH:
            for pending in assembler.pending.values():
                self.progress.remember(pending.cut)
            assembler.cuts = set(self.progress.cuts)
            self._deliver(assembler.flush())
            return True
        joiner = assembler.joiner
        if joiner is None or not assembler.underway or waited < joiner.flush_after:
            return False
        found = joiner.flush()
        self._deliver(found)
        return bool(found)

    def settle(self, cuts: Sequence[Cut]) -> None:
        """Take the boundaries that another reader of the same log set by time, and end what ended there."""
        if cuts != self.progress.cuts:
            self.progress.cuts = list(cuts)
            self._assembler.cuts = set(cuts)
        if cuts and self._assembler.underway:
            self._deliver(self._assembler.settle())

    def end(self) -> None:
        """Give out what waits for its end: nobody writes any more."""
        self._deliver(self._assembler.flush())

    def saved(self) -> Progress:
        """The progress as it must be kept now."""
        if self._reader is not None:
            self.progress.place = self._place(self._reader)
            self.progress.skipping = self._reader.skipping
            self.progress.key = self._key or b""
        return self.progress

    def retarget(self, target: LogTarget) -> None:
        """Take what is new about the container; another path is another log."""
        if target.source != self.target.source:
            self.close()
            self.progress.place = None
            self._format = self._assembler.format = format_of(target.source.format)
            self._succession = Succession(target.source.path, self._format, self._scratch, self._look)
        if target.rule.multiline != self.target.rule.multiline:
            self._assembler.rejoin(target.rule.multiline)
        self._level = level_reader(target.rule.parser)
        if self._counting and target.rule != self.target.rule:
            self._meter = meter_of(target.rule, self.counters.metrics)
        self.target = target

    def park(self) -> None:
        """Close the file of a container that writes no more; a later step finds the place again."""
        self.saved()
        self.close()

    def close(self) -> None:
        """Let go of all files."""
        self._succession.close()
        if self._reader is not None:
            os.close(self._reader.fd)
            self._reader = None

    def _open(self) -> bool:
        left = self.progress.place
        chain = self._look(self.target.source.path, whole=left is None)
        if not chain:
            return False
        if left is None:
            begun = begin(chain, self._start, self._format, self._scratch)
            if begun is None:
                self.waiting = True
                return False
            fd, offset, later = begun
        else:
            found = find(left, chain, self._scratch)
            if found is None:
                return self._lost(chain)
            fd, offset, later = found.fd, left.offset, found.later
        self._succession.follow(later)
        self._use(fd, offset, skipping=left is not None and self.progress.skipping)
        self._key = self.progress.key if left is not None and left.offset else None
        return True

    def _lost(self, chain: Sequence[Sibling]) -> bool:
        """The file of the place is gone: what was unread in it is lost, what began later is not."""
        later = later_than(self.progress.time, chain, self._format)
        if not later:
            later = [chain[-1]]
        fd = opened(later[0], self._scratch)
        if fd is None:
            self.waiting = True
            return False
        if self.progress.place and (self.progress.place.offset or self.progress.place.head_size):
            self._drop()
        self._succession.follow(later[1:])
        self._use(fd, 0)
        return True

    def _use(self, fd: int, offset: int, *, skipping: bool = False) -> None:
        if self._reader is not None:
            os.close(self._reader.fd)
        self._reader = LineReader(fd, offset, skipping=skipping, framing=self._format.framing)
        self._key = None
        self._cut_at = None
        self._head = os.pread(fd, min(HEAD, offset), 0) if offset else _whole_lines(os.pread(fd, HEAD, 0))
        self._marker = os.pread(fd, min(MARKER, offset), max(0, offset - MARKER))
        found = os.fstat(fd)
        self._file = (found.st_dev, found.st_ino)
        if not self._assembler.time:
            self._assembler.time = found.st_mtime_ns

    def _take(self, batch: Batch) -> None:
        reader = self._reader
        assert reader is not None
        if len(self._head) < HEAD:
            self._head = os.pread(reader.fd, min(HEAD, reader.offset), 0)
        self._marker = b"" if batch.cut else batch.data[-MARKER:]
        self._key = self._key or key_of(
            reader.fd, self.target.id, self._format.framing, born(reader.fd, self._format)
        )
        self._fed = time.monotonic()
        self._succession.stay()
        self._assembler.time = dated(reader.fd, batch.data, self._format, self._assembler.time)
        self._count(self._key, batch)
        self.progress.time = self._assembler.time

    def _count(self, key: bytes, batch: Batch) -> None:
        assembler = self._assembler
        if batch.cut:
            self._deliver(assembler.feed_cut(key, batch.offset, batch.data))
            return
        if (
            self.listener is None
            and self._meter is None
            and self._level is level_of
            and not assembler.pending
            and assembler.passes(batch.data)
        ):
            tally = self._format.tally(batch.data)
            if tally is not None:
                self.counters.add(tally)
                assembler.time = tally.time or assembler.time
                return
        self._deliver(assembler.feed(key, batch.offset, batch.data))
        if assembler.joiner is not None and assembler.joiner.late:
            for cut in assembler.joiner.late:
                self.progress.remember(cut)
            assembler.joiner.late.clear()
            assembler.cuts = set(self.progress.cuts)

    def _deliver(self, entries: Sequence[Entry]) -> None:
        if self._counting:
            self.counters.add_entries(entries, self._level)
        if self._meter is not None and entries:
            self._meter.take(entries)
        if self.listener is not None and entries:
            self.listener(entries)

    def _turn(self, reader: LineReader) -> bool:
        """At the end of what is there: stay, or go on to the next file."""
        if self.at_end():
            return False
        fd = self._succession.next(reader.fd, self._place(reader), self.progress.time)
        self.waiting = self._succession.waiting
        if fd is None:
            return False
        rest = reader.rest()
        if rest is not None:
            self._take(rest)
        if self.turned is not None:
            self.turned(reader.fd, self._place(reader))
        if self._succession.lost:
            self._drop()
        self._use(fd, 0)
        return True

    def _unchanged(self, reader: LineReader) -> bool:
        """Whether the bytes before the offset are those that were read, or those that were seen where none was."""
        if not reader.offset:
            return os.pread(reader.fd, len(self._head), 0) == self._head
        size = len(self._marker)
        return os.pread(reader.fd, size, reader.offset - size) == self._marker

    def _rewritten(self, reader: LineReader, size: int) -> bool:
        """The file was cut or written anew under us."""
        head = os.pread(reader.fd, len(self._head), 0)
        if not head or not self._head.startswith(head):
            return self._truncated(reader)
        now = time.monotonic()
        self._cut_at = self._cut_at or (min(size, reader.offset), now)
        grown = size >= reader.offset
        if grown and self._format.framing.start(reader.fd, reader.offset, size) == reader.offset:
            # A writer that died before it noted its last lines cuts and writes them again, in equal length.
            self._marker = os.pread(reader.fd, min(MARKER, reader.offset), max(0, reader.offset - MARKER))
            return True
        if grown or now - self._cut_at[1] >= CUT_BACK:
            reader.offset = self._format.framing.start(reader.fd, self._cut_at[0], size)
            self._marker = b""
            return True
        self.waiting = True
        return False

    def _truncated(self, reader: LineReader) -> bool:
        """Copied away and begun anew: read the copy's rest first, then the file from its beginning."""
        lost = self._place(reader)
        chain = self._look(self.target.source.path)
        copies = [sibling for sibling in chain if sibling.inode != lost.inode]
        found = find(lost, copies, self._scratch)
        if found is not None:
            self._succession.follow([*found.later, *chain[len(copies) :]])
            key = self._key
            self._use(found.fd, lost.offset)
            self._key = key
            return True
        self._drop()
        reader.offset, reader.skipping = 0, False
        self._key, self._head, self._marker = None, b"", b""
        return True

    def _drop(self) -> None:
        """Something was gone before it was read."""
        self.counters.drop(ROTATED_AWAY)
        if self.lost is not None:
            self.lost()

    def _place(self, reader: LineReader) -> Place:
        """The place that was reached, told by what was read: the file may hold something else by now."""
        return place(reader.fd, reader.offset, self._head, self._marker)


def _whole_lines(data: bytes) -> bytes:
    """What tells a file of which nothing was read yet: a short line that is being written may still change."""
    return data if len(data) == HEAD else data[: data.rfind(b"\n") + 1]
