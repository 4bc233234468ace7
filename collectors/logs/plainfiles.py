"""What only plain files need: when a file was born, and the time of entries whose file tells none."""

from __future__ import annotations

import os

from collectors.logs.formats import Format
from collectors.logs.seek import first_time, time_in
from collectors.logs.times import SECOND
from runtime.linux.birth import birth

_COPIED = 0.001
_LOOKS = 3


def born(fd: int, format: Format) -> float:
    """When an open file of a format whose lines need no time was made, in epoch seconds; 0 when that tells nothing.

    A copy, which is younger than its last line, tells nothing: the archives of a file stay alike whenever they are
    unpacked.
    """
    if format.timed:
        return 0.0
    stat = os.fstat(fd)
    for _ in range(_LOOKS):
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
            made = birth(path)
            if os.stat(path).st_ino == stat.st_ino:
                return made if made and made <= stat.st_mtime_ns / SECOND + _COPIED else 0.0
        except OSError:
            return 0.0
    return 0.0


def dated(fd: int, data: bytes, format: Format, time: int) -> int:
    """The time for entries of a batch that tell none, until one does: `time`, that of the line before, or of a batch
    in which no line tells any, when its file was written last. In ns."""
    if format.timed or time_in(data, format) is not None:
        return time
    return os.fstat(fd).st_mtime_ns


def untimed(fd: int, format: Format) -> bool:
    """Whether no line of the file's beginning tells a time."""
    return not format.timed and first_time(fd, format) is None
