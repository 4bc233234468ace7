from __future__ import annotations

import random

import pytest

from collectors.logs.assemble import CUT, Assembler
from collectors.logs.counters import CUT_SHORT, ROTATED_AWAY, Counters
from collectors.logs.entry import Entry
from collectors.logs.formats import Format, cri, docker_json
from tests.unit.collectors.logs.formats.test_docker_json import written

WORDS = [
    "hello",
    "ERROR broken",
    "level=warn x",
    '{"level":"debug","m":1}',
    "é",
    "",
    "<3>syslog",
    "I1124 02:16:17 k",
]


def cri_line(text: str, stream: str, fraction: int) -> bytes:
    return f"2026-11-24T02:16:17.{fraction}Z {stream} F {text}\n".encode()


def docker_line(text: str, stream: str, fraction: int) -> bytes:
    return written(text + "\n", stream, f"2026-11-24T02:16:17.{fraction}Z") + b"\n"


@pytest.mark.parametrize(
    ("format", "line"), [(cri, cri_line), (docker_json, docker_line)], ids=["cri", "docker_json"]
)
@pytest.mark.parametrize("seed", range(20))
def test_counting_in_bulk_and_one_by_one_agree(format: Format, line: object, seed: int) -> None:
    chance = random.Random(seed)
    words = WORDS if seed % 2 else ["plain line"]
    streams = ["stdout", "stderr"] if seed % 3 else ["stderr"]
    assert callable(line)
    chunk = b"".join(
        line(
            chance.choice(words),
            chance.choice(streams),
            chance.choice([123456789, 5] if seed % 5 else [123456789]),
        )
        for _ in range(200)
    )
    tally = format.tally(chunk)
    assert tally is not None
    bulk, single = Counters(), Counters()
    bulk.add(tally)
    assembler = Assembler(format)
    single.add_entries(assembler.feed(b"key", 0, chunk))
    assert bulk == single
    assert tally.time == assembler.time
    assert sum(bulk.lines.values()) == sum(bulk.messages.values()) == 200


def test_what_was_cut_or_lost_is_counted_with_its_reason() -> None:
    counters = Counters()
    counters.add_entries([Entry(0, "stdout", b"x", b"k", 0, 500_000, CUT)])
    counters.drop(ROTATED_AWAY)
    assert counters.dropped == {CUT_SHORT: 1, ROTATED_AWAY: 1}
    assert counters.bytes["stdout"] == 500_000


def test_both_streams_are_there_from_the_beginning() -> None:
    assert Counters().lines == {"stdout": 0, "stderr": 0}
    first, second = Counters(), Counters()
    first.bytes["stdout"] = 1
    assert second.bytes["stdout"] == 0
