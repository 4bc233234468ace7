"""What is missing in the journal."""

from __future__ import annotations

from collectors.logs.formats import Line
from collectors.logs.journal.cursor import Cursor
from collectors.logs.journal.gaps import Ordinals
from collectors.logs.journal.message import Message


def missing(ordinals: Ordinals, *told: tuple[bytes, int]) -> list[int]:
    line = Line(1, "stdout", False, b"a")
    return [
        ordinals.missing(Message(Cursor(b"", b"s", 1, 1), line, ("CONTAINER_ID_FULL", "a"), epoch, ordinal))
        for epoch, ordinal in told
    ]


def test_what_stands_before_the_first_message_is_not_missing() -> None:
    assert missing(Ordinals(), (b"e", 50), (b"e", 51)) == [0, 0]


def test_numbers_left_out_are_missing() -> None:
    assert missing(Ordinals(b"e", 3), (b"e", 4), (b"e", 10), (b"e", 11)) == [0, 5, 0]


def test_a_new_run_begins_with_one() -> None:
    assert missing(Ordinals(b"e", 3), (b"f", 1), (b"g", 3)) == [0, 2]


def test_an_earlier_number_is_not_counted_again() -> None:
    assert missing(Ordinals(b"e", 3), (b"e", 2), (b"e", 4), (b"", 0), (b"e", 6)) == [0, 0, 0, 1]
