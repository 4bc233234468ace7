from __future__ import annotations

from datetime import datetime

import pytest

from collectors.logs.assemble import Assembler
from collectors.logs.formats import Line, Tally, plain
from collectors.logs.times import SECOND

KEY = b"k" * 16
WHOLE = 1_795_486_577 * SECOND  # 2026-11-24T02:16:17Z
NOW = WHOLE / SECOND + 3600
LOCAL = int(datetime(2026, 11, 24, 2, 16, 17).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (b"2026-11-24T02:16:17Z x", WHOLE),
        (b"2026-11-24T02:16:17.123456789Z x", WHOLE + 123_456_789),
        (b"2026-11-24T03:16:17+01:00 x", WHOLE),
        (b"2026-11-24T01:16:17.5-0100", WHOLE + SECOND // 2),
        (b"[2026-11-24 02:16:17,250 UTC] x", WHOLE + SECOND // 4),
        (b"2026-11-24 02:16:17,250 INFO x", LOCAL + SECOND // 4),
        (b"2026/11/24 02:16:17 [error] 7#7: x", LOCAL),
        (b"Nov 24 02:16:17 host app[1]: x", LOCAL),
        (b"Nov 24 02:16:17.250 host app[1]: x", LOCAL + SECOND // 4),
        (b"2026-11-24 02:16:17-INFO x", LOCAL),
        (b"2026-11-24 02:16:17: x", LOCAL),
        (b"<34>Nov 24 02:16:17 host app: x", LOCAL),
        (b"<34>1 2026-11-24T02:16:17Z host app - - - x", WHOLE),
        (b"1795486577 x", WHOLE),
        (b"1795486577.5 x", WHOLE + SECOND // 2),
        (b"1795486577250 x", WHOLE + SECOND // 4),
        (b"1795486577250000123", WHOLE + SECOND // 4 + 123),
        (b'time="2026-11-24T02:16:17Z" level=info msg=x', WHOLE),
        (b"ts=1795486577.5 level=info", WHOLE + SECOND // 2),
        (b'{"level":"info","ts":1795486577.5,"msg":"x"}', WHOLE + SECOND // 2),
        (b'{"@timestamp": "2026-11-24T02:16:17Z", "m": 1}', WHOLE),
    ],
)
def test_the_time_that_a_line_tells(line: bytes, time: int) -> None:
    assert plain.time_of(line, NOW) == time
    parsed = plain.parse(line)
    assert parsed is not None
    assert (parsed.stream, parsed.partial, parsed.content) == ("stdout", False, line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no time",
        b"  2026-11-24T02:16:17Z indented",
        b"2026-13-24T02:16:17Z",
        b"2026-11-24T25:16:17Z",
        b"2026-11-24T02:16:17Zulu",
        b"Nov 32 02:16:17 host",
        b"Abc 24 02:16:17 host",
        b"1795486577x",
        b"1795486577-1",
        b"1795486577.5.1",
        b"179548657712 twelve digits",
        b"5795486577 too far",
        b'{"msg":"ts","time":"soon"}',
        b"10.0.0.1 - - [24/Nov/2026:02:16:17 +0000]",
        b"\xff\xfe",
    ],
)
def test_a_line_that_tells_none(line: bytes) -> None:
    assert plain.time_of(line, NOW) is None


def test_a_time_without_a_year_is_of_the_last_twelve_months() -> None:
    january = datetime(2027, 1, 1, 0, 5).timestamp()
    assert (
        plain.time_of(b"Dec 31 23:59:59 h", january)
        == int(datetime(2026, 12, 31, 23, 59, 59).timestamp()) * SECOND
    )
    assert (
        plain.time_of(b"Jan  1 00:00:01 h", january)
        == int(datetime(2027, 1, 1, 0, 0, 1).timestamp()) * SECOND
    )
    leap = int(datetime(2024, 2, 29, 1, 2, 3).timestamp()) * SECOND
    assert plain.time_of(b"Feb 29 01:02:03 h", january) == leap


def test_what_has_no_time_has_that_of_the_line_before_and_no_error() -> None:
    data = b"2026-11-24T02:16:17Z a\n  at b\n\n\0\0\0\nc\n"
    entries = Assembler(plain).feed(KEY, 0, data)
    assert [(entry.time, entry.message, entry.error, entry.offset) for entry in entries] == [
        (WHOLE, b"2026-11-24T02:16:17Z a", "", 0),
        (WHOLE, b"  at b", "", 23),
        (WHOLE, b"", "", 30),
        (WHOLE, b"c", "", 35),
    ]


def test_a_line_behind_a_hole() -> None:
    assert plain.behind(b"\0\0\0" + b"1795486577 x") == Line(WHOLE, "stdout", False, b"1795486577 x")
    assert plain.behind(b"\0\0\0x") is None
    (entry,) = Assembler(plain).feed(KEY, 0, b"\0\0\0x\n")
    assert entry.message == b"x"


def test_a_batch_is_counted_at_once() -> None:
    assert plain.tally(b"1795486577 ERROR a\n  b\n\n") == Tally(
        {"stdout": 24}, {"stdout": 3}, {"error": 1, "unknown": 2}, WHOLE
    )
    assert plain.tally(b"a\nb\n") == Tally({"stdout": 4}, {"stdout": 2}, {"unknown": 2}, 0)
    assert plain.tally(b"\0\0\0a\n") is None
    assert not plain.may_hold_partials(b"anything\n")
    assert plain.runs_of("a\nb") == [b"a", b"b"]
