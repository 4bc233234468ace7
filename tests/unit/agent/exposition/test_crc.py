from __future__ import annotations

import zlib

import pytest

from agent.exposition import crc


@pytest.mark.parametrize("size", [0, 1, 2, 255, 65_537, 1_000_003])
def test_two_texts_together(size: int) -> None:
    first, second = b"the first text", bytes(number * 7 % 251 for number in range(size))
    together = crc.joined(zlib.crc32(first), zlib.crc32(second), crc.shift(size))
    assert together == zlib.crc32(first + second)
    assert crc.joined(0, zlib.crc32(second), crc.shift(size)) == zlib.crc32(second)
