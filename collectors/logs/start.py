"""Where to begin with a log that was never read: at its beginning, its end, or some time back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from collectors.logs.chain import opened
from collectors.logs.formats import Format
from collectors.logs.plainfiles import born, untimed
from collectors.logs.seek import offset_at
from collectors.logs.siblings import Sibling
from collectors.logs.times import SECOND


@dataclass(frozen=True, slots=True)
class Start:
    """`since` in epoch seconds: -inf is the beginning, +inf the end."""

    since: float

    @staticmethod
    def of(start_at: str | float, now: float) -> Start:
        """From the configuration's `logs.start_at`: `beginning`, `end` or seconds back."""
        if isinstance(start_at, str):
            return Start(float("-inf") if start_at == "beginning" else float("inf"))
        return Start(now - start_at)


def begin(
    chain: Sequence[Sibling], start: Start, format: Format, scratch: str
) -> tuple[int, int, list[Sibling]] | None:
    """The open file to begin with, the offset in it, and the files after it; None when names moved meanwhile."""
    for index, sibling in enumerate(chain):
        last = index == len(chain) - 1
        if not last and _modified(sibling) < start.since:
            continue
        fd = opened(sibling, scratch)
        if fd is None:
            continue
        size = os.fstat(fd).st_size
        offset = _offset(fd, size, start, format)
        if offset < size or last:
            return fd, offset, list(chain[index + 1 :])
        os.close(fd)
    return None


def _offset(fd: int, size: int, start: Start, format: Format) -> int:
    if start.since == float("-inf"):
        return 0
    if start.since == float("inf"):
        return format.framing.unfinished(fd, size)
    if untimed(fd, format):
        return 0 if born(fd, format) >= start.since else format.framing.unfinished(fd, size)
    return offset_at(fd, size, int(start.since * SECOND), format)


def _modified(sibling: Sibling) -> float:
    try:
        return os.stat(sibling.path).st_mtime
    except FileNotFoundError:
        return float("-inf")
