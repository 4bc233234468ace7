"""The Export format in pieces of any size."""

from __future__ import annotations

import pytest

from collectors.logs.journal.export import LIMIT, Export
from tests.unit.collectors.logs.journal.journals import exported, field


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 100_000])
def test_pieces_of_any_size_give_the_same_entries(piece: int) -> None:
    messages = [b"a", b"b=c", b"two\n\nlines\n", b"", b"\0\1\xff", b"name\nMESSAGE=x\n\n"]
    text = b"".join(exported(message, number) for number, message in enumerate(messages))
    export = Export()
    found = [one for at in range(0, len(text), piece) for one in export.feed(text[at : at + piece])]
    assert [one[b"MESSAGE"] for one in found] == messages
    assert all(one[b"PRIORITY"] == b"6" and b"__CURSOR" in one for one in found)


@pytest.mark.parametrize("piece", [1000, 65536, 262144])
@pytest.mark.parametrize("value", [b"x" * 3_000_000, b"\n" * 3_000_000])
def test_a_value_that_is_too_long_is_cut_and_the_next_entry_is_whole(value: bytes, piece: int) -> None:
    text = field("MESSAGE", value) + field("B", "1") + b"\n" + exported(b"next")
    export = Export()
    found = []
    for at in range(0, len(text), piece):
        found += export.feed(text[at : at + piece])
    first, second = found
    assert first == {b"MESSAGE": value[:LIMIT], b"B": b"1"}
    assert second[b"MESSAGE"] == b"next"


def test_an_unfinished_entry_waits() -> None:
    export = Export()
    text = exported(b"whole")
    assert export.feed(text[:-1]) == []
    (entry,) = export.feed(text[-1:])
    assert entry[b"MESSAGE"] == b"whole"


def test_a_length_that_nothing_follows_gives_nothing_and_holds_little() -> None:
    export = Export()
    assert export.feed(b"MESSAGE\n" + b"\xff" * 8 + b"x" * 100) == []
    for _ in range(64):
        assert export.feed(b"x" * 65536) == []
