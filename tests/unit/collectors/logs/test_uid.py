"""The name of an entry is the same on every reading."""

from __future__ import annotations

from collectors.logs.entry import Entry
from collectors.logs.uid import uid_of, uids_of


def test_a_uid_depends_on_file_and_offset_alone() -> None:
    assert uid_of(b"a", 1) == uid_of(b"a", 1)
    assert len({uid_of(b"a", 1), uid_of(b"a", 2), uid_of(b"b", 1)}) == 3


def test_many_uids_are_those_of_each() -> None:
    entries = [Entry(0, "stdout", b"x", b"key", offset, 2) for offset in (0, 7, 1 << 40)]
    assert uids_of(entries) == [uid_of(b"key", entry.offset) for entry in entries]
