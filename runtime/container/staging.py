"""The stage of one stream: a file between the FIFO and the log, so that nothing is ever only in memory.

`take` moves bytes from the FIFO into the file by splice(2), one system call that the kernel finishes or has
not begun: whatever is killed, what left the FIFO is in the file. Where a file system refuses to be spliced
into, `take` reads and writes instead (`atomic` is then False: a kill between the two loses that chunk).
"""

from __future__ import annotations

import ctypes
import errno
import os

CHUNK = 65536
RELEASE = 1 << 20
PUNCH_HOLE_KEEP_SIZE = 0x03
SPLICE_F_MOVE_NONBLOCK = 0x01 | 0x02

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


class Stage:
    """A stage file kept open: `offset` bytes of it are in the log, `size` bytes have come in."""

    def __init__(self, path: str, offset: int = 0) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self.size = os.fstat(self._fd).st_size
        # An offset beyond the end: it was emptied, and the record of that did not come to be written.
        self.offset = offset if offset <= self.size else 0
        self.atomic = True
        self._released = 0

    @property
    def pending(self) -> int:
        """Bytes that came in and are not in the log."""
        return self.size - self.offset

    def take(self, fifo: int, count: int = 1 << 20) -> int:
        """Move what the FIFO holds, at most `count`; 0 when all writers are gone.

        BlockingIOError when it is empty; OSError (ENOSPC …) when the file cannot take it.
        """
        if self.atomic:
            try:
                moved = os.splice(fifo, self._fd, count, offset_dst=self.size, flags=SPLICE_F_MOVE_NONBLOCK)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self.atomic = False
                return self.take(fifo, count)
        else:
            data = os.read(fifo, min(count, CHUNK))
            moved = len(data)
            os.pwrite(self._fd, data, self.size)
        self.size += moved
        return moved

    def read(self, limit: int = CHUNK) -> bytes:
        """What is not in the log yet, from its beginning."""
        return os.pread(self._fd, limit, self.offset)

    def reset(self) -> None:
        """Empty the file; only when nothing is pending, and the new offset 0 must be recorded at once."""
        os.ftruncate(self._fd, 0)
        self.size = self.offset = self._released = 0

    def release(self) -> bool:
        """Give the blocks before `offset` back once they are many; False when only `reset` could."""
        if self.offset - self._released < RELEASE:
            return True
        start, stop = self._released, self.offset & ~4095
        if _libc.fallocate(self._fd, PUNCH_HOLE_KEEP_SIZE, start, stop - start):
            return False
        self._released = stop
        return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
