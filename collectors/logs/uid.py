"""The name of an entry that is the same on every reading, so that a peer can tell a second copy."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.logs.entry import Entry

_KEY = 8


def uid_of(key: bytes, offset: int) -> str:
    """From its file's key, which is a hash, and the offset of its first byte: 28 hexadecimal digits or more."""
    return f"{key[:_KEY].hex()}{offset:012x}"


def uids_of(entries: Sequence[Entry]) -> list[str]:
    """The uids of some entries."""
    known, prefix = b"", ""
    uids: list[str] = []
    for entry in entries:
        if entry.key != known:
            known, prefix = entry.key, entry.key[:_KEY].hex()
        uids.append(f"{prefix}{entry.offset:012x}")
    return uids
