"""What is handed to a sink at once: batches of several containers, and how far each was read for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from collectors.logs.batch import LogBatch, Record


class Chunk:
    """What one step of reading gave: a batch, the checkpoint behind it, and what was given up on the way.

    `dropped` counts records by reason. `batch` may be empty: then only the checkpoint moves.
    """

    __slots__ = ("batch", "bytes", "checkpoint", "dropped")

    def __init__(self, batch: LogBatch, checkpoint: bytes, dropped: dict[str, int]) -> None:
        self.batch = batch
        self.checkpoint = checkpoint
        self.dropped = dropped
        self.bytes = sum(record.size for record in batch.records)


class Parcel:
    """Chunks that go out together. `checkpoints` are saved once the peer has all of it."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.bytes = 0
        self.records = 0

    def add(self, chunk: Chunk) -> None:
        """Put a chunk behind the others."""
        self.chunks.append(chunk)
        self.bytes += chunk.bytes
        self.records += len(chunk.batch.records)

    @property
    def batches(self) -> list[LogBatch]:
        """What the sink gets."""
        return [chunk.batch for chunk in self.chunks if chunk.batch.records]

    @property
    def checkpoints(self) -> dict[str, bytes]:
        """The last checkpoint of each container."""
        return {chunk.batch.target.id: chunk.checkpoint for chunk in self.chunks}


def selected(batches: Iterable[LogBatch], wanted: Callable[[int], bool]) -> list[LogBatch]:
    """The records whose number, counted over all batches, is wanted; batches left empty are left out."""
    number = 0
    found: list[LogBatch] = []
    for batch in batches:
        records: list[Record] = []
        for record in batch.records:
            if wanted(number):
                records.append(record)
            number += 1
        if records:
            found.append(LogBatch(batch.target, records))
    return found


def count(batches: Sequence[LogBatch]) -> int:
    """How many records there are."""
    return sum(len(batch.records) for batch in batches)


def halves(batches: Sequence[LogBatch]) -> tuple[list[LogBatch], list[LogBatch]]:
    """The first and the second half of the records, in order."""
    middle = count(batches) // 2
    return selected(batches, lambda number: number < middle), selected(
        batches, lambda number: number >= middle
    )
