"""Follows what one container or service prints into the journal: the counterpart of a `Tail` over files.

The journal is its own buffer: a reader that stops reading goes on at its place, until journald removes the file. What
was removed before it was read is known exactly where the writer numbers its messages (Docker).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from collectors.logs.assemble import Cut
from collectors.logs.counters import Counters
from collectors.logs.entry import Entry
from collectors.logs.files import Place
from collectors.logs.journal.assemble import JournalAssembler
from collectors.logs.journal.cursor import Cursor, Reached, at_time
from collectors.logs.journal.gaps import JOURNAL_GAP, Ordinals
from collectors.logs.journal.match import match_of
from collectors.logs.journal.message import Message
from collectors.logs.journal.stream import Mailbox, Stream, Streams
from collectors.logs.judge import level_reader
from collectors.logs.metrics.meter import meter_of
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.start import Start
from collectors.logs.tail import FLUSH, Listener, Turned
from collectors.logs.times import SECOND

BATCH = 256 * 1024
"""Bytes of messages that one step takes."""
_BEFORE = 10.0
"""Seconds before a container's first start from which on its messages are looked for."""
_MICROSECONDS = 1_000_000


class JournalTail:
    """One container's messages. `step` takes one batch; one that is not `counting` counts only what was lost.

    It says `waiting` as long as the journal may have more that nobody tells of: one that counts always, until its
    container has finished. Of `turned` and `lost` it tells nothing: there are no files that a sink could come too late
    for, and each reader counts by itself what is missing.
    """

    def __init__(
        self,
        target: LogTarget,
        progress: Progress,
        start: Start,
        streams: Streams,
        *,
        counting: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self.progress = progress
        self.listener: Listener | None = None
        self.turned: Turned | None = None
        self.lost: Callable[[], None] | None = None
        self.waiting = False
        self._streams = streams
        self._counting = counting
        self._level = level_reader(target.rule.parser)
        self._meter = meter_of(target.rule, progress.counters.metrics) if counting else None
        self._assembler = JournalAssembler(progress.cuts, progress.time, target.rule.multiline)
        self._assembler.pending = progress.pending
        if self._assembler.joiner is not None:
            self._assembler.joiner.stacks = progress.stacks
        self._match = match_of(target.source)
        reached = Reached.of(progress.place) or Reached(_begin(target, start))
        self._after = reached.cursor
        self._ordinals = Ordinals(reached.epoch, reached.ordinal)
        self._stream: Stream | None = None
        self._box: Mailbox | None = None
        self._clock = clock
        self._fed = clock()
        self._idle = False

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
        return [*self.progress.cuts, *(one.cut for one in self.progress.stacks.values() if one.told)]

    @property
    def reading(self) -> tuple[int, Place] | None:
        """Nothing: there is no file of its own that could be copied."""
        return None

    def begin(self) -> bool:
        """Always done: a place in the journal needs no file."""
        return True

    def step(self) -> bool:
        """Take at most one batch; True when there may be more at once. `waiting` asks for another look soon."""
        stream, box = self._joined()
        more = bool(box.messages) or stream.pump()
        messages = stream.take(box, BATCH)
        if messages:
            self._take(messages)
        elif (reached := stream.reached(box)) is not None:
            self._after = reached
        self._idle = not more
        self.waiting = not stream.quiet or (self._counting and not self.target.finished)
        return more

    def at_end(self) -> bool:
        """Whether the last step found nothing."""
        return self._idle

    def lag(self, now: float) -> float:
        """Age in seconds of the oldest message that waits to be taken; 0 when none does."""
        if self._box is None or not self._box.messages:
            return 0.0
        return max(0.0, now - self._box.messages[0].line.time / SECOND)

    def flush(self) -> bool:
        """Give out entries whose end did not come in time; whether there were any."""
        assembler, waited = self._assembler, self._clock() - self._fed
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
        """Take the boundaries that another reader of the same messages set by time, and end what ended there."""
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
        self.progress.place = Reached(self._after, self._ordinals.epoch, self._ordinals.ordinal).place()
        return self.progress

    def retarget(self, target: LogTarget) -> None:
        """Take what is new about the container; another match is another log."""
        if target.source != self.target.source:
            match = match_of(target.source)
            self.close()
            self._match, self._ordinals = match, Ordinals()
        if target.rule.multiline != self.target.rule.multiline:
            self._assembler.rejoin(target.rule.multiline)
        self._level = level_reader(target.rule.parser)
        if self._counting and target.rule != self.target.rule:
            self._meter = meter_of(target.rule, self.counters.metrics)
        self.target = target

    def park(self) -> None:
        """Stop following for a container that writes no more; a later step goes on at the place."""
        self.close()

    def close(self) -> None:
        """Follow no longer."""
        if self._stream is not None and self._box is not None:
            self._stream.leave(self._box)
        self._stream = self._box = None

    def _joined(self) -> tuple[Stream, Mailbox]:
        if self._stream is None or self._box is None:
            self._stream = self._streams.of(self._match.directory)
            self._box = self._stream.join(self._match, self._after)
        return self._stream, self._box

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if missing := self._ordinals.missing(message):
                self.counters.drop(JOURNAL_GAP, missing)
        self._fed = self._clock()
        entries = self._assembler.take(messages)
        self._after = messages[-1].cursor
        self.progress.time = self._assembler.time
        joiner = self._assembler.joiner
        if joiner is not None and joiner.late:
            for cut in joiner.late:
                self.progress.remember(cut)
            joiner.late.clear()
            self._assembler.cuts = set(self.progress.cuts)
        self._deliver(entries)

    def _deliver(self, entries: Sequence[Entry]) -> None:
        if self._counting:
            self.counters.add_entries(entries, self._level)
        if self._meter is not None and entries:
            self._meter.take(entries)
        if self.listener is not None and entries:
            self.listener(entries)


def _begin(target: LogTarget, start: Start) -> Cursor:
    """The place to begin at: no message of a container is older than its first start."""
    since = start.since
    if since == float("inf"):
        since = time.time()
    if target.runs:
        since = max(since, target.runs[0][1] - _BEFORE)
    return at_time(int(max(0.0, since) * _MICROSECONDS))
