"""An exposition as one gzip stream, in which parts that repeat from scrape to scrape stay compressed.

Most families of most containers say what they said last time. Such a part is compressed apart from the others
when it repeats for the first time: nothing in it points to what stands before it, so the next streams take it as it is.
Source: RFC 1951, RFC 1952.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Protocol

from agent.exposition import crc
from agent.exposition.columns import Block, Known, Part

deflate: ModuleType
try:
    from isal import isal_zlib as deflate
except ImportError:  # no build for this processor
    deflate = zlib

# Deflate's window as a power of two. Families repeat the labels of all containers, which lie further apart
# than the largest window as soon as there are a hundred; 8 KiB is faster than 32 KiB and packs better then.
_WINDOW = 13
_CHUNK = 64 * 1024
_TURN = 8 * _CHUNK
# Deflate, no flags, no time, the fastest level, an unknown system.
_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255))
_ALL = 0xFFFFFFFF


class _Deflate(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


class _Stream:
    """A gzip stream as it is made: what goes in, and what may be taken out by then."""

    def __init__(self, level: int) -> None:
        self._deflate: _Deflate = deflate.compressobj(level, zlib.DEFLATED, -_WINDOW, 9)
        self._crc = 0
        self._size = 0
        self._apart = True

    def put(self, data: bytes) -> bytes:
        """Text that is compressed with what stands before it."""
        if not data:
            return b""
        self._crc = deflate.crc32(data, self._crc)
        self._size += len(data)
        self._apart = False
        return self._deflate.compress(data)

    def put_known(self, known: Known, part: str | bytes | Part) -> bytes:
        """A part that repeats: as it was compressed for an earlier stream, else so that it can stand in later ones."""
        begun = b"" if self._apart else self._deflate.flush(zlib.Z_FULL_FLUSH)
        self._apart = True
        block = known.block
        if block is None:
            data = text_of(part)
            compressed = self._deflate.compress(data) + self._deflate.flush(zlib.Z_FULL_FLUSH)
            block = known.block = Block(compressed, deflate.crc32(data), len(data), crc.shift(len(data)))
        self._crc = crc.joined(self._crc, block.crc, block.shift)
        self._size += block.size
        return begun + block.compressed

    def end(self) -> bytes:
        """The last bytes."""
        trailer = self._crc.to_bytes(4, "little") + (self._size & _ALL).to_bytes(4, "little")
        return self._deflate.flush(zlib.Z_FINISH) + trailer


def gzipped(parts: Iterable[str | bytes | Part], level: int = 1) -> Iterator[bytes]:
    """The parts as one gzip stream, piece by piece; a piece may be empty, to give others their turn."""
    stream = _Stream(level)
    yield _HEADER
    waiting: list[bytes] = []
    size = taken = 0
    for part in parts:
        known = part.known() if isinstance(part, Part) else None
        if known is None:
            waiting.append(text_of(part))
            size += len(waiting[-1])
            if size < _CHUNK:
                continue
        piece = stream.put(b"".join(waiting))
        taken += size
        waiting, size = [], 0
        if known is not None:
            piece += stream.put_known(known, part)
        if piece or taken >= _TURN:
            taken = 0
            yield piece
    yield stream.put(b"".join(waiting)) + stream.end()


def text_of(part: str | bytes | Part) -> bytes:
    """A part's text as UTF-8."""
    if isinstance(part, bytes):
        return part
    return (part if isinstance(part, str) else part.text()).encode()
