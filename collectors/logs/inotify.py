"""One inotify instance for all directories that hold logs. It only hastens: polling stays the truth.

Source: inotify(7). A queue that ran over is told as `None`, after which everything is to be looked at.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator

from runtime.linux.errors import KernelError

_MASK = 0x2 | 0x80 | 0x100  # IN_MODIFY, IN_MOVED_TO, IN_CREATE
_OVERFLOW = 0x4000
_IGNORED = 0x8000
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class Inotify:
    """Watches directories; `fd` becomes readable when something happened in one of them."""

    def __init__(self) -> None:
        self.fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise KernelError(
                "create", "an inotify instance", ctypes.get_errno(), "raise fs.inotify.max_user_instances"
            )
        self._directories: dict[int, str] = {}
        self._watches: dict[str, int] = {}

    def watch(self, directory: str) -> None:
        """Begin to watch; once is enough. Raises KernelError, for a missing directory too."""
        if directory in self._watches:
            return
        watch = _libc.inotify_add_watch(self.fd, os.fsencode(directory), _MASK)
        if watch < 0:
            raise KernelError("watch", directory, ctypes.get_errno(), "raise fs.inotify.max_user_watches")
        self._directories[watch] = directory
        self._watches[directory] = watch

    def unwatch(self, directory: str) -> None:
        """Stop watching a directory."""
        watch = self._watches.pop(directory, None)
        if watch is not None:
            self._directories.pop(watch, None)
            _libc.inotify_rm_watch(self.fd, watch)

    def read(self) -> Iterator[str | None]:
        """The paths on which something happened since the last call; None when some were lost."""
        try:
            data = os.read(self.fd, 64 * 1024)
        except BlockingIOError:
            return
        offset = 0
        while offset < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size
            name = data[offset : offset + length].rstrip(b"\0")
            offset += length
            if mask & _OVERFLOW:
                yield None
            elif mask & _IGNORED:
                self._watches.pop(self._directories.pop(watch, ""), None)
            elif watch in self._directories:
                yield f"{self._directories[watch]}/{os.fsdecode(name)}"

    def close(self) -> None:
        """Let go of all watches."""
        os.close(self.fd)
