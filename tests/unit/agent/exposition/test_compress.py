"""A gzip stream is the same text, whatever of it was compressed before."""

from __future__ import annotations

import gzip
import random
import zlib
from types import ModuleType

import pytest

from agent.exposition import compress
from agent.exposition.columns import Memory
from agent.exposition.compress import gzipped
from agent.exposition.render import encoded, parts
from collectors.metrics.catalogue import Family, Kind
from collectors.metrics.rows import Row, Value

FAMILIES = tuple(
    Family(name=f"figure_{number}", kind=Kind.GAUGE, help="", collector="x", labels=("d",) * (number % 2))
    for number in range(6)
)


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def deflate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    found: ModuleType = zlib
    if request.param == "isal":
        found = pytest.importorskip("isal.isal_zlib")
    monkeypatch.setattr(compress, "deflate", found)


def rows(values: list[list[Value]]) -> list[Row]:
    return [
        Row(f"/{at}", f'id="{at:05}",name="a container of the test"', row, 0.0)
        for at, row in enumerate(values)
    ]


def exposition(values: list[list[Value]], memory: Memory | None) -> tuple[bytes, bytes]:
    """The text, and what the stream of it holds."""
    made = rows(values)
    plain = b"".join(encoded(parts(made, [], openmetrics=True, families=FAMILIES)))
    pieces = gzipped(parts(made, [], openmetrics=True, families=FAMILIES, memory=memory))
    return plain, b"".join(pieces)


def value(number: int, family: int) -> Value:
    return ((',d="x"', number),) if family % 2 else number


def test_streams_of_parts_that_repeat_and_parts_that_change() -> None:
    chance = random.Random(1)
    values: list[list[Value]] = [[value(at, family) for family in range(6)] for at in range(3000)]
    memory = Memory()
    for _ in range(12):
        plain, stream = exposition(values, memory)
        assert gzip.decompress(stream) == plain
        # A scraper may take the stream as one member.
        one = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert one.decompress(stream) == plain and one.eof and not one.unused_data
        for _ in range(chance.randrange(3)):
            family = chance.randrange(6)
            values[chance.randrange(len(values))][family] = chance.choice([None, value(9, family)])
    values.insert(5, [1.5, None, None, None, None, None])
    plain, stream = exposition(values, memory)
    assert gzip.decompress(stream) == plain


def test_what_repeats_is_compressed_once() -> None:
    values: list[list[Value]] = [[value(at, family) for family in range(6)] for at in range(3000)]
    memory = Memory()
    blocks = []
    for _ in range(4):
        exposition(values, memory)
        blocks.append([id(known.block) for slice in memory.slices for known in slice.known.values()])
    assert blocks[0] == [id(None)] * len(blocks[0])
    assert id(None) not in blocks[1]
    assert blocks[1] == blocks[2] == blocks[3]


def test_nothing_is_a_stream_too() -> None:
    assert gzip.decompress(b"".join(gzipped([]))) == b""
    assert gzip.decompress(b"".join(gzipped(["a", b"b", "\u00e4"]))) == "ab\u00e4".encode()
