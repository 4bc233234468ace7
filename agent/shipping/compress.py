"""Bodies of requests compressed, a piece at a time, so that the event loop gets its turn."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Iterable
from types import ModuleType
from typing import Literal, Protocol

Compression = Literal["gzip", "zstd", "none"]

deflate: ModuleType
try:
    from isal import isal_zlib as deflate
except ImportError:  # no build for this processor
    deflate = zlib

_GZIP = 31  # zlib's window bits for a gzip stream
_LEVEL = 1
_TURN = 1 << 20


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def _compressor(compression: Compression) -> _Compressor:
    if compression == "gzip":
        made: _Compressor = deflate.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        return made
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdCompressor(level=_LEVEL)


async def compressed(parts: Iterable[bytes], compression: Compression) -> bytes:
    """The parts, one after the other, as one stream of the `Content-Encoding` of that name."""
    if compression == "none":
        return b"".join(parts)
    compressor = _compressor(compression)
    found: list[bytes] = []
    taken = 0
    for part in parts:
        for start in range(0, len(part), _TURN):
            piece = part[start : start + _TURN]
            found.append(compressor.compress(piece))
            taken += len(piece)
            if taken >= _TURN:
                taken = 0
                await asyncio.sleep(0)
    found.append(compressor.flush())
    return b"".join(found)
