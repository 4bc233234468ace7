"""A container's log as the tests write it: CRI lines with rising times, rotated in every way."""

from __future__ import annotations

import gzip
import os
import pathlib
import shutil
import time

from collectors.logs.files import HEAD, MARKER, Place, place
from collectors.logs.times import render


class LogFile:
    """Writes to `path`; each line a millisecond later than the one before."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.time = time.time_ns() - 3_600_000_000_000
        self.count = 0
        self.sequence = 0

    def line(self, text: str, tag: str = "F", stream: str = "stdout") -> bytes:
        self.time += 1_000_000
        return f"{render(self.time)} {stream} {tag} {text}\n".encode()

    def write(self, *texts: str, tag: str = "F", stream: str = "stdout") -> None:
        self.append(b"".join(self.line(text, tag, stream) for text in texts))

    def numbers(self, count: int) -> None:
        """The next numbers, one a line."""
        self.write(*(f"number {self.count + index}" for index in range(count)))
        self.count += count

    def append(self, data: bytes) -> None:
        with open(self.path, "ab") as file:
            file.write(data)

    def rename(self) -> pathlib.Path:
        """Rotate by rename, to a rising number; the file is made anew by the next write."""
        self.sequence += 1
        target = self.path.with_name(f"{self.path.name}.{self.sequence:010d}")
        os.rename(self.path, target)
        self.path.touch()
        return target

    def copytruncate(self) -> pathlib.Path:
        self.sequence += 1
        target = self.path.with_name(f"{self.path.name}.{self.sequence:010d}")
        shutil.copy2(self.path, target)
        os.truncate(self.path, 0)
        return target


def zipped(path: pathlib.Path) -> pathlib.Path:
    """Compress a rotated file and remove it."""
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return target


def place_of(fd: int, offset: int) -> Place:
    """The place that a reader reached who read an open file to an offset."""
    head = os.pread(fd, min(HEAD, offset), 0)
    return place(fd, offset, head, os.pread(fd, min(MARKER, offset), max(0, offset - MARKER)))
