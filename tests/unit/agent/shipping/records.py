"""Batches to test with."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.logs.batch import LogBatch, Record
from collectors.logs.record import LogTarget
from collectors.model import LogSource


def target(name: str = "web") -> LogTarget:
    """A container's log."""
    return LogTarget(
        id=f"/{name}",
        source=LogSource(path=f"/{name}.log", format="cri"),
        container={"id": f"/{name}", "name": name},
    )


def record(message: str, time: int = 1) -> Record:
    """A record whose uid is its message."""
    return Record(time, "stdout", None, message, {}, None, None, 1, message, len(message))


def batch(name: str, messages: Sequence[str]) -> LogBatch:
    """A batch of one container."""
    return LogBatch(target(name), [record(message) for message in messages])


def messages(batches: Sequence[LogBatch]) -> list[str]:
    """What stands in batches."""
    return [each.message for one in batches for each in one.records]
