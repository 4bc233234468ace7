"""Gzipped log files, read as if they were plain."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, cast

import msgspec

from collectors.logs.times import parse as parse_time
from runtime.linux.errors import DeckwatchError

try:
    _gzip: Any = importlib.import_module("isal.igzip")
except ImportError:  # no wheel for this machine
    _gzip = importlib.import_module("gzip")

_STEP = 256 * 1024
_MAGIC = b"\x1f\x8b\x08"
_HAS_EXTRA = 4
_EXTRA_AT = 10


class _Extra(msgspec.Struct):
    lastTime: str


class TooLarge(DeckwatchError):
    """An archive that unpacks to more than it may."""


def head_of(path: str, size: int) -> bytes:
    """The first bytes of what an archive holds; fewer when it is shorter or broken."""
    with contextlib.suppress(EOFError, OSError, zlib.error), _gzip.open(path, "rb") as file:
        return cast("bytes", file.read(size))
    return b""


def last_time(path: str) -> int | None:
    """The time of an archive's last line in ns, as Docker notes it in gzip's EXTRA field; None without one.

    Source: moby, daemon/logger/loggerutils/logfile.go; RFC 1952.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(_EXTRA_AT + 2)
            if len(header) < _EXTRA_AT + 2 or header[:3] != _MAGIC or not header[3] & _HAS_EXTRA:
                return None
            extra = file.read(int.from_bytes(header[_EXTRA_AT:], "little"))
        time = parse_time(msgspec.json.decode(extra, type=_Extra).lastTime.encode())
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
    return time if time > 0 else None


def pieces(path: str) -> Iterator[bytes]:
    """What an archive holds, piece by piece, as far as it can be read."""
    with contextlib.suppress(EOFError, zlib.error, OSError), _gzip.open(path, "rb") as file:
        while piece := file.read(_STEP):
            yield cast("bytes", piece)


def unpacked(path: str, scratch: str, limit: int | None = None) -> int:
    """A descriptor of a nameless plain copy in the directory `scratch`, which the caller closes.

    Raises TooLarge beyond `limit` bytes. A broken archive gives what can be read of it.
    The copy was modified when the archive was.
    """
    with tempfile.TemporaryFile(dir=scratch) as file:
        return _filled(file, path, limit)


def _filled(file: IO[bytes], path: str, limit: int | None) -> int:
    size = 0
    for piece in pieces(path):
        size += len(piece)
        if limit is not None and size > limit:
            raise TooLarge(
                f"{path} unpacks to more than {limit} bytes; narrow the time range or raise query.max_bytes"
            )
        file.write(piece)
    file.flush()
    with contextlib.suppress(FileNotFoundError):
        modified = os.stat(path).st_mtime_ns
        os.utime(file.fileno(), ns=(modified, modified))
    return os.dup(file.fileno())
