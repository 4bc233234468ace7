"""Places in the journal."""

from __future__ import annotations

from collectors.logs.files import Place
from collectors.logs.journal.cursor import Reached, at_time, cursor_of


def at(sequence: str, number: int, time: int) -> bytes:
    return f"s={sequence};i={number:x};b=bb;m=1;t={time:x};x=9".encode()


def test_numbers_order_one_sequence_and_time_several() -> None:
    first, second, other = cursor_of(at("a", 9, 50)), cursor_of(at("a", 10, 40)), cursor_of(at("b", 1, 45))
    assert first and second and other
    assert first.before(second) and not second.before(first)
    assert second.before(other) and not first.before(other)


def test_a_time_stands_before_its_entries() -> None:
    entry = cursor_of(at("a", 1, 1000))
    assert entry
    assert at_time(1000).before(entry)
    assert not at_time(1001).before(entry)
    assert cursor_of(at_time(1000).text) == at_time(1000)


def test_the_key_is_the_sequences() -> None:
    one, two, other = cursor_of(at("a", 1, 1)), cursor_of(at("a", 2, 2)), cursor_of(at("b", 1, 1))
    assert one and two and other
    assert one.key == two.key != other.key


def test_what_is_no_cursor_is_none() -> None:
    for text in (b"", b"s=a;i=1", b"s=a;i=x;t=1", b"t=", b"\xff" * 1000):
        assert cursor_of(text) is None


def test_what_was_reached_is_kept_as_a_place() -> None:
    cursor = cursor_of(at("a", 77, 1000))
    assert cursor
    reached = Reached(cursor, b"epoch", 5)
    assert Reached.of(reached.place()) == reached
    assert Reached.of(Place(8, 1, 100, 4, b"head")) is None
    assert Reached.of(None) is None
