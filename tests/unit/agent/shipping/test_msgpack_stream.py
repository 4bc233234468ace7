"""Values are read as they were written, one at a time, and hostile ones end with an error."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from agent.shipping.msgpack_stream import read_value

encode = msgspec.msgpack.encode


def stream(*parts: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(parts))
    reader.feed_eof()
    return reader


def as_bytes(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [as_bytes(one) for one in value]
    if isinstance(value, dict):
        return {as_bytes(key): as_bytes(one) for key, one in value.items()}
    return value


VALUES: list[Any] = [
    None, True, False, "", "a", "x" * 31, "x" * 32, "x" * 300, "x" * 70_000, b"\xff", b"y" * 300, b"y" * 70_000,
    *(sign * (1 << bits) for bits in (0, 4, 6, 7, 8, 15, 16, 31, 32, 62) for sign in (1, -1)), (1 << 64) - 1, -(1 << 63),
    [], [1, ["a", {}]], list(range(15)), list(range(20)), list(range(70_000)),
    {"ack": "x", "n": {"m": [1]}}, {str(number): number for number in range(20)},
]  # fmt: skip


async def test_values_come_one_after_the_other() -> None:
    reader = stream(*map(encode, VALUES))
    for value in VALUES:
        assert await read_value(reader, 1 << 20) == as_bytes(value)
    with pytest.raises(asyncio.IncompleteReadError):
        await read_value(reader)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x91" * 20, "too deep"),
        (b"\xdb\xff\xff\xff\xff", "too large"),
        (b"\xdd\xff\xff\xff\xff" + b"\xc0" * 70_000, "too large"),
        (b"\xc1", "0xc1"),
        (b"\xcb" + bytes(8), "0xcb"),
        (b"\x81\x90\x01", "a key must be"),
    ],
)
async def test_hostile_values_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        await read_value(stream(data))
