"""A file that is appended to in whole lines, synced, and rotated by size: PATH, PATH.1, PATH.2.gz, …

Not for an event loop: every call may wait for the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import zlib
from collections.abc import Sequence

from agent.shipping.compress import deflate

_GZIP = 31  # zlib's window bits for a gzip stream
_TAIL = 64 * 1024
_PIECE = 1 << 20
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Rotated:
    """One such file with at most `files` files in all, each begun anew before it would exceed `size` bytes."""

    def __init__(self, path: str, size: int, files: int, *, compress: bool) -> None:
        self._path = path
        self._size = size
        self._files = files
        self._compress = compress
        self._fd = -1

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines, each with its newline, and sync them to disk. Raises OSError; then none of them is kept.

        Of what is rotated away on the way, whole lines stay.
        """
        self._open()
        start = 0
        while start < len(lines):
            at = os.fstat(self._fd).st_size
            end, size = start, at
            while end < len(lines) and (size == 0 or size + len(lines[end]) <= self._size):
                size += len(lines[end])
                end += 1
            if end > start:
                self._write(b"".join(lines[start:end]), at)
            start = end
            if start < len(lines):
                self._rotate()

    def close(self) -> None:
        """Close the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open(self) -> None:
        """Open the file unless it is; one that was moved or removed meanwhile is let go of."""
        if self._fd >= 0:
            try:
                if os.path.samestat(os.stat(self._path, follow_symlinks=False), os.fstat(self._fd)):
                    return
            except FileNotFoundError:
                pass
            self.close()
        fd = os.open(self._path, _FLAGS, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _cut_torn_line(fd)
            _sync_directory(self._path)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _write(self, data: bytes, at: int) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            os.fdatasync(self._fd)
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, at)
            raise

    def _rotate(self) -> None:
        """Move every file one place on; the last one goes."""
        self._remove_beyond()
        if self._files == 1:
            os.ftruncate(self._fd, 0)
            return
        for number in range(self._files - 2, 0, -1):
            if os.path.exists(f"{self._path}.{number}.gz"):
                _removed(f"{self._path}.{number}")  # packed already, and killed before it was removed
            for end in ("", ".gz"):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(f"{self._path}.{number}{end}", f"{self._path}.{number + 1}{end}")
        os.rename(self._path, f"{self._path}.1")
        self.close()
        if self._compress:
            _pack(f"{self._path}.1")
        self._open()

    def _remove_beyond(self) -> None:
        """Remove the file that has no place behind it, and others behind it, from when there were to be more."""
        number = max(1, self._files - 1)
        while _removed(f"{self._path}.{number}") + _removed(f"{self._path}.{number}.gz"):
            number += 1


def _pack(path: str) -> None:
    """Replace a file by its gzip. A kill at any point leaves one of the two whole."""
    compressor = deflate.compressobj(1, zlib.DEFLATED, _GZIP)
    with open(path, "rb") as source, open(f"{path}.gz.tmp", "wb", opener=_private) as packed:
        while piece := source.read(_PIECE):
            packed.write(compressor.compress(piece))
        packed.write(compressor.flush())
        packed.flush()
        shutil.copymode(path, f"{path}.gz.tmp")
        os.fsync(packed.fileno())
    os.rename(f"{path}.gz.tmp", f"{path}.gz")
    os.unlink(path)
    _sync_directory(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _cut_torn_line(fd: int) -> None:
    """Cut what stands behind the last newline: a write that was killed in the middle."""
    end = os.fstat(fd).st_size
    place = end
    while place > 0:
        start = max(0, place - _TAIL)
        newline = os.pread(fd, place - start, start).rfind(b"\n")
        if newline >= 0:
            place = start + newline + 1
            break
        place = start
    if place != end:
        os.ftruncate(fd, place)


def _sync_directory(path: str) -> None:
    """What was created or renamed there outlives a power cut."""
    fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _removed(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
