from __future__ import annotations

import pytest

from collectors.logs.formats import Line, cri
from collectors.logs.times import parse as parse_time

TIME = b"2026-11-24T02:16:17.123456789Z"
NS = parse_time(TIME)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (TIME + b" stdout F hello world", Line(NS, "stdout", False, b"hello world")),
        (TIME + b" stderr P part", Line(NS, "stderr", True, b"part")),
        (TIME + b" stdout F:more:tags x", Line(NS, "stdout", False, b"x")),
        (TIME + b" stdout F ", Line(NS, "stdout", False, b"")),
        (TIME + b" stdout F", Line(NS, "stdout", False, b"")),
        (TIME + b" stdout F  two spaces\r", Line(NS, "stdout", False, b" two spaces\r")),
        (b"2026-11-24T03:16:17.123456789+01:00 stdout F x", Line(NS, "stdout", False, b"x")),
    ],
)
def test_lines_of_every_writer(line: bytes, expected: Line) -> None:
    assert cri.parse(line) == expected


@pytest.mark.parametrize(
    "line",
    [b"", b"plain text", b"\0" * 100, TIME + b" stdin F x", TIME + b" stdout X x", TIME + b" stdout Full x",
     b"yesterday stdout F x", TIME, TIME + b" stdout"],
)  # fmt: skip
def test_what_is_no_cri_line_is_none(line: bytes) -> None:
    assert cri.parse(line) is None


def test_a_batch_of_fixed_width_is_counted() -> None:
    chunk = TIME + b" stdout F one\n" + TIME + b" stdout F ERROR two\n" + TIME + b" stderr F \n"
    tally = cri.tally(chunk)
    assert tally is not None
    assert tally.bytes == {"stdout": 4 + 10, "stderr": 1}
    assert tally.lines == {"stdout": 2, "stderr": 1}
    assert tally.messages == {"unknown": 2, "error": 1}
    assert tally.time == NS


def test_a_batch_of_variable_width_is_counted() -> None:
    chunk = b"2026-11-24T02:16:17.1Z stdout F one\n" + TIME + b" stdout F two\n"
    tally = cri.tally(chunk)
    assert tally is not None
    assert (tally.bytes, tally.lines) == ({"stdout": 8}, {"stdout": 2})


@pytest.mark.parametrize("odd", [b" stdout P part\n", b" garbage\n", b"\n"])
def test_a_batch_with_a_part_or_garbage_is_not_counted_in_bulk(odd: bytes) -> None:
    assert cri.tally(TIME + b" stdout F one\n" + TIME + odd) is None
    assert cri.tally(TIME + odd + TIME + b" stdout F one\n") is None


def test_partials_are_suspected_wherever_they_are() -> None:
    assert cri.may_hold_partials(TIME + b" stdout F a\n" + TIME + b" stderr P b\n")
    assert not cri.may_hold_partials(TIME + b" stdout F a\n")


def test_a_text_stands_unchanged() -> None:
    assert cri.runs_of('say "hé"') == ['say "hé"'.encode()]


def test_the_line_behind_a_hole_is_found() -> None:
    assert cri.behind(b"\0" * 50 + TIME + b" stdout F x") == Line(NS, "stdout", False, b"x")
    assert cri.behind(b"\0" * 50) is None
    assert cri.behind(b"garbage " + TIME + b" stdout F x") is None


def test_whole_lines_read_at_once_are_those_read_one_by_one() -> None:
    lines = [
        b"2026-11-24T00:00:00.123456789Z stdout F one",
        b"2026-11-24T00:00:00.023456789Z stderr F ",
        b"2026-11-24T00:00:01.000000000Z stdout F \xff two words",
    ]
    chunk = b"\n".join(lines) + b"\n"
    entries = cri.whole(chunk, b"k", 7)
    assert entries is not None
    offset = 7
    for line, entry in zip(lines, entries, strict=True):
        parsed = cri.parse(line)
        assert parsed is not None
        expected = (
            parsed.time,
            parsed.stream,
            parsed.content,
            b"k",
            offset,
            len(parsed.content) + 1,
            "",
            False,
            1,
        )
        assert entry == expected
        offset += len(line) + 1


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-24T00:00:00.1Z stdout F x",
        b"2026-11-24T00:00:00.123456789Z stdout P x",
        b"2026-11-24T00:00:00.123456789Z stdout F:a x",
        b"2026-11-24T00:00:00.1_3456789Z stdout F x",
        b"2026-11-24T00:00:00,123456789Z stdout F x",
        b"2026-13-24T00:00:00.123456789Z stdout F x",
        b"",
    ],
)
def test_any_other_line_is_read_by_itself(line: bytes) -> None:
    good = b"2026-11-24T00:00:00.123456789Z stdout F one\n"
    assert cri.whole(good + line + b"\n", b"k", 0) is None
