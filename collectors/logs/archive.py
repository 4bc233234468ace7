"""Gzipped log files, read as if they were plain."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, cast

from runtime.linux.errors import DeckwatchError

try:
    _gzip: Any = importlib.import_module("isal.igzip")
except ImportError:  # no wheel for this machine
    _gzip = importlib.import_module("gzip")

_STEP = 256 * 1024


class TooLarge(DeckwatchError):
    """An archive that unpacks to more than it may."""


def head_of(path: str, size: int) -> bytes:
    """The first bytes of what an archive holds; fewer when it is shorter or broken."""
    with contextlib.suppress(EOFError, OSError, zlib.error), _gzip.open(path, "rb") as file:
        return cast("bytes", file.read(size))
    return b""


def pieces(path: str) -> Iterator[bytes]:
    """What an archive holds, piece by piece, as far as it can be read."""
    with contextlib.suppress(EOFError, zlib.error, OSError), _gzip.open(path, "rb") as file:
        while piece := file.read(_STEP):
            yield cast("bytes", piece)


def unpacked(path: str, scratch: str, limit: int | None = None) -> int:
    """A descriptor of a nameless plain copy in the directory `scratch`, which the caller closes.

    Raises TooLarge beyond `limit` bytes. A broken archive gives what can be read of it.
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
    return os.dup(file.fileno())
