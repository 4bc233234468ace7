"""Log files as engines write and rotate them, each by its own rule.

Rules: kubelet pkg/kubelet/logs/container_log_manager.go with containerd internal/cri/io/logger.go; conmon
src/ctr_logging.c; moby daemon/logger/loggerutils/logfile.go; logrotate's `copytruncate`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator

from collectors.logs.times import render

PART = 16384

Records = Callable[[int, str, str], Iterator[bytes]]
"""The records of one line: its time in ns, its stream, its text."""
Rotate = Callable[["Log"], bool]
"""Begins a log's file anew; whether that was possible now."""


def cri(moment: int, stream: str, text: str) -> Iterator[bytes]:
    """As containerd: parts of 16 KiB."""
    yield from _parts(f"{render(moment)} {stream}", text)


def conmon(moment: int, stream: str, text: str) -> Iterator[bytes]:
    """As conmon: a time with its offset and nine digits."""
    told = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment // 10**9))}.{moment % 10**9:09d}+00:00"
    yield from _parts(f"{told} {stream}", text)


def _parts(head: str, text: str) -> Iterator[bytes]:
    pieces = [text[at : at + PART] for at in range(0, len(text), PART)]
    for piece in pieces[:-1]:
        yield f"{head} P {piece}\n".encode()
    yield f"{head} F {pieces[-1]}\n".encode()


def docker(moment: int, stream: str, text: str) -> Iterator[bytes]:
    """As json-file: an object a line, parts of 16 KiB without a newline at their end."""
    whole = f"{text}\n"
    for at in range(0, len(whole), PART):
        record = {"log": whole[at : at + PART], "stream": stream, "time": render(moment)}
        yield json.dumps(record, separators=(",", ":")).encode() + b"\n"


class Log:
    """The file at `path`, begun anew before it would exceed `limit` bytes; at most `keep` older ones are kept."""

    def __init__(self, path: str, records: Records, rotate: Rotate, *, limit: int, keep: int) -> None:
        self.path = path
        self.keep = keep
        self.size = 0
        self.due: list[str] = []
        self._records = records
        self._rotate = rotate
        self._limit = limit
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.fd = created(path)

    def put(self, moment: int, stream: str, text: str) -> None:
        """Write one line, each of its records by a call of its own."""
        for record in self._records(moment, stream, text):
            if self.size and self.size + len(record) > self._limit and self._rotate(self):
                self.size = 0
            assert os.write(self.fd, record) == len(record)
            self.size += len(record)

    def begin(self) -> None:
        """Go on in a new file, which stands beside the old one for a moment as with containerd."""
        old, self.fd = self.fd, created(self.path)
        os.close(old)


def created(path: str) -> int:
    """A log file, open for writing at its end."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def by_kubelet(log: Log) -> bool:
    """Renamed with its date, older ones gzipped. Dates are whole seconds: not twice in one."""
    name = f"{log.path}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    if os.path.exists(name) or os.path.exists(f"{name}.gz"):
        return False
    for older in log.due:
        _gzipped(older, f"{older}.gz")
    log.due = [name]
    os.rename(log.path, name)
    log.begin()
    _forget(log)
    return True


def _forget(log: Log) -> None:
    directory, base = os.path.split(log.path)
    older = sorted(one for one in os.listdir(directory) if one.startswith(f"{base}."))
    for one in older[: -log.keep]:
        os.unlink(os.path.join(directory, one))


def destroyed(log: Log) -> bool:
    """As conmon with `--log-size-max`: a new file is renamed over the old one."""
    fd = created(f"{log.path}.tmp")
    os.rename(f"{log.path}.tmp", log.path)
    os.close(log.fd)
    log.fd = fd
    return True


def unlinked(log: Log) -> bool:
    """As Docker told to keep one file."""
    os.unlink(log.path)
    log.begin()
    return True


def by_docker(log: Log) -> bool:
    """As Docker with compression: `.1.gz` is the newest of the older ones."""
    _shift(log, ".gz")
    os.rename(log.path, f"{log.path}.1")
    log.begin()
    _gzipped(f"{log.path}.1", f"{log.path}.1.gz")
    return True


def copied(log: Log) -> bool:
    """As logrotate with `copytruncate`: copied away and cut."""
    _shift(log, "")
    shutil.copyfile(log.path, f"{log.path}.1")
    os.truncate(log.path, 0)
    return True


def _shift(log: Log, suffix: str) -> None:
    for number in range(log.keep - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{log.path}.{number}{suffix}", f"{log.path}.{number + 1}{suffix}")


def _gzipped(path: str, archive: str) -> None:
    """Compress a file; the archive appears whole, then the file goes."""
    with open(path, "rb") as source, gzip.open(f"{archive}.tmp", "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target)
    os.rename(f"{archive}.tmp", archive)
    os.unlink(path)
