"""Finding a time in a log file without reading it: its lines are ordered by time, so halve and look."""

from __future__ import annotations

import os

from collectors.logs.formats import Format

_PROBE = 16 * 1024
_BLOCK = 64 * 1024
_LOOK = 1024 * 1024


def time_in(data: bytes, format: Format) -> int | None:
    """The time of the first whole line that has one."""
    framing = format.framing
    whole = framing.whole(data)
    for line in framing.records(data[:whole]) if whole else ():
        parsed = format.parse(line) or format.behind(line)
        if parsed is not None:
            return parsed.time
    return None


def time_behind(fd: int, offset: int, end: int, format: Format) -> int | None:
    """The time of the first line at or behind `offset` that has one, in ns; None when none before `end` has.

    Where lines need not have a time one only looks so far.
    """
    framing = format.framing
    if not format.timed:
        end = min(end, offset + _LOOK)
    while offset < end:
        data = _block(fd, offset, _PROBE, format)
        time = time_in(data, format)
        if time is not None:
            return time
        whole = framing.whole(data)
        offset = offset + whole if whole else framing.start(fd, offset + 1, end)
    return None


def first_time(fd: int, format: Format) -> int | None:
    """The time of a file's first line, in ns; None when it has no whole line with a time."""
    return time_behind(fd, 0, os.fstat(fd).st_size, format)


def offset_at(fd: int, size: int, time: int, format: Format) -> int:
    """Where the first line begins whose time is at or behind `time`; `size` when there is none."""
    start = format.framing.start
    low, high = 0, size
    while high - low > _PROBE:
        middle = start(fd, (low + high) // 2, high)
        found = time_behind(fd, middle, high, format) if middle < high else None
        if found is None or found >= time:
            high = (low + high) // 2
        else:
            low = middle
    return _scan(fd, start(fd, low, size), size, time, format)


def _scan(fd: int, offset: int, size: int, time: int, format: Format) -> int:
    framing = format.framing
    while offset < size:
        data = _block(fd, offset, _BLOCK, format)
        whole = framing.whole(data)
        start = offset
        for line in framing.records(data[:whole]) if whole else ():
            parsed = format.parse(line) or format.behind(line)
            if parsed is not None and parsed.time >= time:
                return min(start, size)
            start += len(line) + framing.gap
        offset = start if whole else framing.start(fd, offset + 1, size)
    return size


def _block(fd: int, offset: int, size: int, format: Format) -> bytes:
    """Some bytes from an offset on, more of them when the first record needs it."""
    data = os.pread(fd, size, offset)
    return data if format.framing.whole(data) else os.pread(fd, format.framing.most, offset)
