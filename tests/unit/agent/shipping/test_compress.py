"""What is compressed is what any decoder gives back, and others get their turn meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import random
import sys

import pytest

from agent.shipping.compress import Compression, compressed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECODERS = {"gzip": gzip.decompress, "zstd": zstd.decompress, "none": bytes}
PARTS = [b"", b"a", random.Random(1).randbytes(3 << 20), b"line\n" * 500_000]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("parts", [[], PARTS], ids=["nothing", "much"])
async def test_it_comes_back_whole(compression: Compression, parts: list[bytes]) -> None:
    assert DECODERS[compression](await compressed(parts, compression)) == b"".join(parts)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
async def test_others_get_their_turn(compression: Compression) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        other = group.create_task(count())
        await compressed(PARTS, compression)
        other.cancel()
    assert turns >= 4
