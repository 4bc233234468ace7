"""The kernel's notifications of changes in directories.

Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator

IN_MODIFY = 0x2
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x1000000
IN_ISDIR = 0x40000000

_HEAD = struct.Struct("iIII")
# A handful of milliseconds' work; what is left keeps the descriptor readable.
_READ_SIZE = 16384

_libc = ctypes.CDLL(None, use_errno=True)
_libc.inotify_init1.argtypes = (ctypes.c_int,)
_libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)


class Inotify:
    """One inotify instance; `descriptor` becomes readable when there are events."""

    def __init__(self) -> None:
        self.descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise _error("inotify")

    def watch(self, directory: str, mask: int) -> int:
        """Watch a directory and return the watch's number; raises OSError (ENOSPC: out of watches)."""
        number: int = _libc.inotify_add_watch(self.descriptor, os.fsencode(directory), mask | IN_ONLYDIR)
        if number < 0:
            raise _error(directory)
        return number

    def unwatch(self, number: int) -> None:
        """End a watch; one that has ended by itself is no error."""
        _libc.inotify_rm_watch(self.descriptor, number)

    def events(self) -> Iterator[tuple[int, int, str]]:
        """Some of the events that wait: (watch, mask, name), without blocking."""
        try:
            content = os.read(self.descriptor, _READ_SIZE)
        except BlockingIOError:
            return
        at = 0
        while at < len(content):
            watch, mask, _, length = _HEAD.unpack_from(content, at)
            at += _HEAD.size
            yield watch, mask, os.fsdecode(content[at : at + length].rstrip(b"\0"))
            at += length

    def close(self) -> None:
        """End all watches."""
        os.close(self.descriptor)


def _error(path: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
