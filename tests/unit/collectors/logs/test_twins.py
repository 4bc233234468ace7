"""Equal times are told apart the same way however often and from wherever the records are read."""

from __future__ import annotations

import random

import msgspec

from collectors.logs.batch import Record
from collectors.logs.twins import Last, told_apart


def records(*times: tuple[int, str]) -> list[Record]:
    return [
        Record(time, stream, None, "x", {}, None, None, None, str(number), 1)
        for number, (time, stream) in enumerate(times)
    ]


def told(some: list[Record], last: dict[str, Last]) -> list[int]:
    return [record.time + record.shift for record in told_apart(some, last)]


def test_equal_times_of_one_stream_follow_each_other() -> None:
    some = records((5, "a"), (5, "a"), (5, "b"), (5, "a"), (6, "a"), (6, "b"), (9, "a"))
    assert told(some, {}) == [5, 6, 5, 7, 8, 6, 9]


def test_a_clock_that_was_set_back_is_believed() -> None:
    assert told(records((5, "a"), (5, "a"), (3, "a"), (4, "a")), {}) == [5, 6, 3, 4]


def test_records_without_twins_are_left_as_they_are() -> None:
    some = records((1, "a"), (2, "b"), (3, "a"))
    last: dict[str, Last] = {}
    assert told_apart(some, last) is some
    assert last == {"a": Last(3, 3), "b": Last(2, 2)}
    assert told_apart([], last) == []


def test_reading_on_from_any_checkpoint_gives_every_record_its_time_again() -> None:
    draw = random.Random(7)
    moment, times = 100, []
    for _ in range(400):
        moment += draw.choice((0, 0, 0, 1, 2, 50, -30))
        times.append((moment, draw.choice("ab")))
    some = records(*times)
    whole = told(some, {})
    for start in range(len(some)):
        last: dict[str, Last] = {}
        head = told(some[:start], last)
        saved = msgspec.msgpack.decode(msgspec.msgpack.encode(last), type=dict[str, Last])
        found = []
        while start < len(some):  # in batches of other sizes than before
            size = draw.randint(1, 60)
            found += told(some[start : start + size], saved)
            start += size
        assert head + found == whole
