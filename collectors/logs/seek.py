"""Finding a time in a log file without reading it: its lines are ordered by time, so halve and look."""

from __future__ import annotations

import os

from collectors.logs.entry import MAX_ENTRY
from collectors.logs.formats import Format
from collectors.logs.lines import line_start

_PROBE = 16 * 1024
_BLOCK = 64 * 1024


def time_in(data: bytes, format: Format) -> int | None:
    """The time of the first whole line that has one."""
    for line in data.split(b"\n")[:-1]:
        parsed = format.parse(line) or format.behind(line)
        if parsed is not None:
            return parsed.time
    return None


def time_behind(fd: int, offset: int, end: int, format: Format) -> int | None:
    """The time of the first line at or behind `offset` that has one, in ns; None when none before `end` has."""
    while offset < end:
        data = os.pread(fd, _PROBE, offset)
        time = time_in(data, format)
        if time is not None:
            return time
        lines = data.split(b"\n")
        if len(lines) == 1:
            offset = line_start(fd, offset + 1, end)
        else:
            offset += len(data) - len(lines[-1])
    return None


def first_time(fd: int, format: Format) -> int | None:
    """The time of a file's first line, in ns; None when it has no whole line with a time."""
    return time_behind(fd, 0, os.fstat(fd).st_size, format)


def offset_at(fd: int, size: int, time: int, format: Format) -> int:
    """Where the first line begins whose time is at or behind `time`; `size` when there is none."""
    low, high = 0, size
    while high - low > _PROBE:
        middle = line_start(fd, (low + high) // 2, high)
        found = time_behind(fd, middle, high, format) if middle < high else None
        if found is None or found >= time:
            high = (low + high) // 2
        else:
            low = middle
    return _scan(fd, line_start(fd, low, size), size, time, format)


def _scan(fd: int, offset: int, size: int, time: int, format: Format) -> int:
    while offset < size:
        data = os.pread(fd, _BLOCK, offset)
        if b"\n" not in data:
            data = os.pread(fd, MAX_ENTRY, offset)
        start = 0
        while (newline := data.find(b"\n", start)) >= 0 and offset + start < size:
            line = data[start:newline]
            parsed = format.parse(line) or format.behind(line)
            if parsed is not None and parsed.time >= time:
                return offset + start
            start = newline + 1
        offset = offset + start if start else line_start(fd, offset + 1, size)
    return size
