"""One container's way to one sink: read from where the sink's place is, made into records, with a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from agent.shipping.parcel import Chunk
from collectors.logs.assemble import Cut
from collectors.logs.batch import LogBatch
from collectors.logs.chain import Look
from collectors.logs.entry import Entry
from collectors.logs.files import Place
from collectors.logs.journal.choice import Tails
from collectors.logs.limit import Bucket
from collectors.logs.pipeline import Pipeline
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.start import Start
from collectors.logs.times import SECOND
from collectors.logs.twins import Last, told_apart


class Accounts(msgspec.Struct):
    """What became of one container's records at one sink, since it was first shipped there.

    `records` and `bytes` are those the peer has, `dropped` counts those given up, by reason. `time` is that of
    the last record the peer has, in ns. `refused` are the lines counted in `dropped` for which the spool had no room.
    """

    records: int = 0
    bytes: int = 0
    dropped: dict[str, int] = {}
    time: int = 0
    refused: int = 0

    def drop(self, reason: str, count: int) -> None:
        """Count records that were given up."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count


class Checkpoint(msgspec.Struct):
    """How far a container was read for a sink, with everything that the next record depends on."""

    progress: Progress = msgspec.field(default_factory=Progress)
    bucket: Bucket | None = None
    last: dict[str, Last] = {}


class Stored(msgspec.Struct):
    """A container's row in a sink's store: the last acknowledged checkpoint, packed, and the accounts."""

    checkpoint: msgspec.Raw
    accounts: Accounts = msgspec.field(default_factory=Accounts)


_pack = msgspec.msgpack.Encoder().encode
_checkpoint = msgspec.msgpack.Decoder(Checkpoint)


class Step(NamedTuple):
    """What one look gave: whether there is more at once, seconds to wait before it, and the chunk, if any."""

    more: bool
    delay: float
    chunk: Chunk | None


class Outlet:
    """Reads one container for one sink. `acknowledged` is the place that the peer has everything before."""

    def __init__(
        self, target: LogTarget, stored: Stored | None, start: Start, tails: Tails, look: Look
    ) -> None:
        checkpoint = _checkpoint.decode(stored.checkpoint) if stored else Checkpoint()
        self.stored = stored or Stored(msgspec.Raw(_pack(checkpoint)))
        self.acknowledged: Place | None = checkpoint.progress.place
        self.outstanding = 0
        self.left = False
        self._pipeline = Pipeline(target, checkpoint.bucket)
        self._last = checkpoint.last
        self._tail = tails.tail(target, checkpoint.progress, start, counting=False, look=look)
        self._tail.listener = self._take
        self._entries: list[Entry] = []
        self._fresh = stored is None

    @property
    def target(self) -> LogTarget:
        """Whose output it is."""
        return self._tail.target

    @property
    def waiting(self) -> bool:
        """Whether another look is needed soon."""
        return self._tail.waiting

    def step(self, cuts: Sequence[Cut]) -> Step:
        """Read at most one batch; `cuts` are the boundaries set by time so far."""
        if self._fresh:
            # Where it begins is kept before anything is read: another start may not begin elsewhere.
            self._fresh = not self._tail.begin()
            return self._begun()
        self._tail.settle(cuts)
        more = self._tail.step()
        if not more and not self._entries:
            if self.target.finished and not self._tail.waiting and not self._tail.pending:
                self._tail.park()
            return Step(False, 0.0, None)
        return self._made(more)

    def last(self) -> Chunk | None:
        """What waits for its end, of a container that prints no more; None when nothing does."""
        if not self._tail.pending:
            return None
        self._tail.end()
        return self._made(False).chunk

    def _made(self, more: bool) -> Step:
        entries, self._entries = self._entries, []
        made = self._pipeline.made(entries)
        dropped = dict(made.dropped)
        lost = self._tail.counters.dropped
        for reason, count in lost.items():
            dropped[reason] = dropped.get(reason, 0) + count
        lost.clear()
        batch = LogBatch(self.target, told_apart(made.records, self._last))
        self.outstanding += 1
        return Step(more, self._pipeline.delay(made), Chunk(batch, self._packed(), dropped))

    def _begun(self) -> Step:
        if self._fresh:
            return Step(False, 0.0, None)
        self.outstanding += 1
        return Step(True, 0.0, Chunk(LogBatch(self.target, []), self._packed(), {}))

    def confirm(self, chunks: Sequence[Chunk], lost: dict[str, int]) -> Stored:
        """The peer has these chunks of this container, in order, but for what it `lost` by reason."""
        accounts = self.stored.accounts
        for chunk in chunks:
            self.outstanding -= 1
            accounts.records += len(chunk.batch.records)
            accounts.bytes += chunk.bytes
            for reason, count in chunk.dropped.items():
                accounts.drop(reason, count)
            if chunk.batch.records:
                accounts.time = max(accounts.time, chunk.batch.records[-1].time)
        for reason, count in lost.items():
            accounts.records -= count
            accounts.drop(reason, count)
        self.stored.checkpoint = msgspec.Raw(chunks[-1].checkpoint)
        self.acknowledged = _checkpoint.decode(chunks[-1].checkpoint).progress.place
        return self.stored

    def lag(self, now: float) -> float:
        """Age in seconds of the oldest record that the peer has not; 0 when it has all."""
        if not self.outstanding:
            return self._tail.lag(now)
        return max(0.0, now - self.stored.accounts.time / SECOND) if self.stored.accounts.time else 0.0

    def retarget(self, target: LogTarget) -> None:
        """Take what is new about the container."""
        if target.rule != self.target.rule or target.runs != self.target.runs:
            limiter = self._pipeline.limiter
            same = target.rule.limit == self.target.rule.limit
            self._pipeline = Pipeline(target, limiter.bucket if limiter and same else None)
        self._tail.retarget(target)

    def unpin(self) -> None:
        """Let go of a file that has no name any more, whose disk space it alone holds: there is a copy to go on in."""
        reading = self._tail.reading
        if reading is not None and os.fstat(reading[0]).st_nlink == 0:
            self._tail.park()

    def close(self) -> None:
        """Let go of its files."""
        self._tail.close()

    def _take(self, entries: Sequence[Entry]) -> None:
        self._entries += entries

    def _packed(self) -> bytes:
        limiter = self._pipeline.limiter
        return _pack(Checkpoint(self._tail.saved(), limiter.bucket if limiter else None, self._last))
