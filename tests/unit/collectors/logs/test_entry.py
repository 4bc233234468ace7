from __future__ import annotations

from collectors.logs.entry import MAX_ENTRY, Entry


def test_an_entry_is_whole_and_well_unless_it_says_otherwise() -> None:
    entry = Entry(1, "stdout", b"x", b"key", 0, 2)
    assert not entry.partial
    assert entry.error == ""
    assert entry.size == len(entry.message) + 1


def test_the_longest_entry_is_a_quarter_of_a_mebibyte() -> None:
    assert MAX_ENTRY == 262_144
