"""A replica's log: `current.log`, rotated to `current.log.NNNNNNNNNN`, older ones compressed, the oldest removed.

The ten digits rise for ever, so that names sort by age. The newest rotated file stays plain, because
readers may still be in it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from runtime.container.archive import compress_in_child

CURRENT = "current.log"
DIGITS = 10


class LogFile:
    """The current log file kept open for appending, and its rotated siblings."""

    def __init__(self, directory: str, max_size: int, max_files: int, compress: bool) -> None:
        os.makedirs(directory, mode=0o750, exist_ok=True)
        self._directory = directory
        self._max_size = max_size
        self._max_files = max_files
        self._compress = compress
        self._child = 0
        self.path = f"{directory}/{CURRENT}"
        self.sequence = max((int(name.split(".")[2]) for name in self._rotated()), default=0)
        self._open()
        self._remove_leftovers()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self.path, flags, 0o640)
        found = os.fstat(self._fd)
        self.inode, self.length = found.st_ino, found.st_size

    def write(self, buffers: Sequence[bytes | memoryview], size: int) -> None:
        """Append with one writev; when only a part fits, take it back and raise OSError."""
        written = 0
        try:
            written = os.writev(self._fd, buffers)
            if written < size:
                # A second try names the reason (ENOSPC, EDQUOT, EFBIG) that a short write keeps to itself.
                written += os.write(self._fd, b"".join(buffers)[written:])
        finally:
            if written < size:
                os.ftruncate(self._fd, self.length)
        if written < size:
            raise OSError(errno.ENOSPC, "short write", self.path)
        self.length += size

    def tail(self, start: int) -> bytes:
        """What stands after `start`."""
        return os.pread(self._fd, self.length - start, start)

    def cut(self, length: int) -> None:
        """Cut the file to `length`."""
        os.ftruncate(self._fd, length)
        self.length = length

    def cut_torn_line(self) -> None:
        """Cut a last line that a power cut left without its newline."""
        start = max(0, self.length - (1 << 20))
        tail = self.tail(start)
        if tail and not tail.endswith(b"\n"):
            self.cut(start + tail.rfind(b"\n") + 1)

    @property
    def full(self) -> bool:
        """Whether it is time to rotate."""
        return self.length >= self._max_size

    def rotate(self) -> None:
        """Move the current file aside and begin a new one; the caller records it, then calls `prune`."""
        self.sequence += 1
        os.rename(self.path, f"{self.path}.{self.sequence:010d}")
        os.close(self._fd)
        self._open()

    def _rotated(self) -> list[str]:
        return sorted(name for name in os.listdir(self._directory) if _is_rotated(name))

    def prune(self) -> None:
        """Remove rotated files beyond `max_files` (the current one counts)."""
        names = self._rotated()
        for name in names[: max(0, len(names) - (self._max_files - 1))]:
            self._unlink(name)

    def _unlink(self, name: str) -> None:
        try:
            os.unlink(f"{self._directory}/{name}")
        except FileNotFoundError:
            pass  # the child that compresses it was quicker

    def tidy(self) -> bool:
        """Compress one older file, in a child; True while there is work under way.

        Called when output pauses: a burst that rotates its own files away is never compressed for nothing.
        """
        if not self._compress:
            return False
        if self._child:
            pid, _ = os.waitpid(self._child, os.WNOHANG)
            if not pid:
                return True
            self._child = 0
        for name in self._rotated()[:-1]:
            if not name.endswith(".gz"):
                self._child = compress_in_child(f"{self._directory}/{name}")
                return True
        return False

    def _remove_leftovers(self) -> None:
        names = set(os.listdir(self._directory))
        for name in names:
            # A plain file beside its finished archive, or an archive that nobody finished.
            if f"{name}.gz" in names or _is_half_made(name):
                self._unlink(name)

    def close(self) -> None:
        """Close the file; a child that compresses goes on alone."""
        os.close(self._fd)


def _is_rotated(name: str) -> bool:
    """Not by a regular expression: what its matching touches becomes this process's own memory."""
    number = name[len(CURRENT) + 1 :].removesuffix(".gz")
    return name.startswith(f"{CURRENT}.") and len(number) == DIGITS and number.isdecimal()


def _is_half_made(name: str) -> bool:
    """`current.log.NNNNNNNNNN.PID.tmp`"""
    parts = name.split(".")
    return len(parts) == 5 and parts[4] == "tmp" and parts[3].isdecimal() and _is_rotated(".".join(parts[:3]))
