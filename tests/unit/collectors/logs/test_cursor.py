from __future__ import annotations

import pytest

from collectors.logs.cursor import MOST, Cursor
from collectors.logs.times import SECOND


def test_what_was_handed_out_is_not_new_and_what_follows_is() -> None:
    cursor = Cursor(100)
    cursor.advance("/x", 200, "b")
    again = Cursor.decoded(cursor.encoded())
    again.begin()
    told = [
        (time, uid)
        for time, uid in ((150, "a"), (200, "b"), (200, "c"), (180, "late"), (300, "d"))
        if again.is_new("/x", time, uid)
    ]
    assert told == [(200, "c"), (180, "late"), (300, "d")]


def test_a_container_that_said_nothing_is_read_from_the_beginning_of_the_stream() -> None:
    cursor = Cursor.decoded(Cursor(100).encoded())
    assert not cursor.is_new("/y", 99, "a")
    assert cursor.is_new("/y", 100, "b")


def test_when_the_last_record_is_gone_only_later_ones_are_new() -> None:
    cursor = Cursor(0)
    cursor.advance("/x", 200, "gone")
    again = Cursor.decoded(cursor.encoded())
    assert [again.is_new("/x", time, str(time)) for time in (100, 200, 201)] == [False, False, True]


def test_a_record_that_was_met_is_not_new() -> None:
    cursor = Cursor(0)
    cursor.meet("u")
    assert cursor.knows("u")
    assert not cursor.is_new("/x", 5, "u")


def test_files_are_read_again_from_the_oldest_that_is_needed() -> None:
    cursor = Cursor(50 * SECOND)
    cursor.advance("/x", 40 * SECOND, "a")
    assert cursor.needed_since() == 38 * SECOND
    assert Cursor(0).needed_since() == 0


def test_the_text_stays_short_with_many_containers_and_misses_nothing() -> None:
    cursor = Cursor(0)
    for number in range(1000):
        cursor.advance(f"/c{number}", number * SECOND, str(number))
    text = cursor.encoded()
    assert len(text) < 80 * MOST
    again = Cursor.decoded(text)
    assert all(again.is_new(f"/c{number}", number * SECOND + 1, "new") for number in range(970, 1000))
    assert again.is_new("/unheard", 999 * SECOND, "new")
    assert again.since <= (1000 - MOST) * SECOND


@pytest.mark.parametrize("text", ["", "x", "????", "AAAA", "ks8Y", "é"])
def test_what_is_no_cursor_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Cursor.decoded(text)
