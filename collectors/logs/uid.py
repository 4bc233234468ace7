"""The name of an entry that is the same on every reading, so that a peer can tell a second copy."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from collectors.logs.entry import Entry


def uid_of(key: bytes, offset: int) -> str:
    """From its file's key and the offset of its first byte: 24 hexadecimal digits."""
    return blake2b(key + offset.to_bytes(8, "big"), digest_size=12).hexdigest()


def uids_of(entries: Sequence[Entry]) -> list[str]:
    """The uids of some entries."""
    return [
        blake2b(entry.key + entry.offset.to_bytes(8, "big"), digest_size=12).hexdigest() for entry in entries
    ]
