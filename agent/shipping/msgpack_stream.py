"""MessagePack values from a stream, one at a time. Texts come as bytes: old writers put binary data into them.

Format: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

import asyncio
from typing import Any

_MOST = 64 * 1024
_DEEPEST = 8
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_UNSIGNED = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
_SIGNED = {0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}


async def read_value(reader: asyncio.StreamReader, most: int = _MOST) -> Any:
    """The next value: None, bool, int, bytes, list or dict. Raises ValueError for another or for more than `most`
    bytes, IncompleteReadError at the end of the stream."""
    return await _Value(reader, most).read(0)


class _Value:
    def __init__(self, reader: asyncio.StreamReader, most: int) -> None:
        self._reader = reader
        self._left = most

    async def read(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        code = (await self._take(1))[0]
        if code < 0x80 or code >= 0xE0:
            return code if code < 0x80 else code - 256
        if code < 0x90:
            return await self._map(code & 0x0F, depth)
        if code < 0xA0:
            return await self._array(code & 0x0F, depth)
        if code < 0xC0:
            return await self._take(code & 0x1F)
        return await self._long(code, depth)

    async def _long(self, code: int, depth: int) -> Any:
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _BYTES:
            return await self._take(await self._integer(_BYTES[code]))
        if code in _ARRAYS:
            return await self._array(await self._integer(_ARRAYS[code]), depth)
        if code in _MAPS:
            return await self._map(await self._integer(_MAPS[code]), depth)
        if code in _UNSIGNED:
            return await self._integer(_UNSIGNED[code])
        if code in _SIGNED:
            return int.from_bytes(await self._take(_SIGNED[code]), "big", signed=True)
        raise ValueError(f"no value begins with 0x{code:02x}")

    async def _integer(self, size: int) -> int:
        return int.from_bytes(await self._take(size), "big")

    async def _array(self, count: int, depth: int) -> list[Any]:
        return [await self.read(depth + 1) for _ in range(count)]

    async def _map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(count):
            key = await self.read(depth + 1)
            if not isinstance(key, bytes | int):
                raise ValueError("a key must be a text or a number")
            found[key] = await self.read(depth + 1)
        return found

    async def _take(self, count: int) -> bytes:
        self._left -= count
        if self._left < 0:
            raise ValueError("the value is too large")
        return await self._reader.readexactly(count)
