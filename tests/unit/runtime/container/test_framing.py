"""CRI framing: whole lines, long ones, rests, and taking records apart again."""

from __future__ import annotations

import random

import pytest

from runtime.container.framing import PART, Clock, Framed, flush, frame, unframe

HEAD = b"2026-11-24T02:16:17.000000001Z stdout "


def text(framed: Framed) -> bytes:
    joined = b"".join(framed.buffers)
    assert len(joined) == framed.size
    return joined


def test_whole_lines_get_a_record_each_and_the_rest_waits() -> None:
    framed = frame(b"one\n\ntwo\nthr", HEAD, False)
    assert text(framed) == HEAD + b"F one\n" + HEAD + b"F \n" + HEAD + b"F two\n"
    assert (framed.used, framed.open) == (9, False)


def test_a_chunk_without_newline_is_not_used() -> None:
    framed = frame(b"abc", HEAD, True)
    assert (framed.size, framed.used, framed.open) == (0, 0, True)


def test_a_long_line_becomes_parts() -> None:
    line = b"x" * (2 * PART + 5) + b"\nnext\n"
    framed = frame(line, HEAD, False)
    assert framed.used == len(line)
    tags = [record.split(b" ", 3)[2] for record in text(framed).splitlines()]
    assert tags == [b"P", b"P", b"F", b"F"]


def test_a_line_of_exactly_one_part_is_one_record() -> None:
    assert text(frame(b"x" * PART + b"\n", HEAD, False)).count(b"\n") == 1


def test_a_rest_longer_than_a_part_is_given_out_and_stays_open() -> None:
    framed = frame(b"a\n" + b"y" * (PART + 3), HEAD, False)
    assert (framed.used, framed.open) == (2 + PART, True)


def test_a_rest_is_flushed_open_or_finished() -> None:
    assert text(flush(b"abc", HEAD, False)) == HEAD + b"P abc\n"
    assert flush(b"abc", HEAD, True).open is False


@pytest.mark.parametrize("seed", range(5))
def test_what_was_framed_can_be_taken_apart(seed: int) -> None:
    chance = random.Random(seed)
    data = b"".join(
        bytes(chance.choices(b"abc \x00\xff", k=chance.choice((0, 3, 40000)))) + b"\n" for _ in range(9)
    )
    framed = frame(data, HEAD, False)
    content, size, is_open = unframe(text(framed), b"stdout")
    assert (content, size, is_open) == (data, framed.size, False)


def test_a_torn_or_foreign_record_ends_the_taking_apart() -> None:
    records = HEAD + b"F one\n" + HEAD + b"F tw"
    assert unframe(records, b"stdout") == (b"one\n", len(HEAD) + 6, False)
    assert unframe(records, b"stderr") == (b"", 0, False)


def test_time_has_nine_digits_and_follows_the_second() -> None:
    times = iter((1_000_000_007, 1_999_999_999, 2_000_000_000))
    clock = Clock(lambda: next(times))
    assert clock.stamp() == b"1970-01-01T00:00:01.000000007Z"
    assert clock.stamp() == b"1970-01-01T00:00:01.999999999Z"
    assert clock.stamp() == b"1970-01-01T00:00:02.000000000Z"
