"""Records of /dev/kmsg: one read gives one record.

Source: Documentation/ABI/testing/dev-kmsg: `priority,sequence,microseconds,flags[,…];text`, then lines with
` KEY=value`. Bytes that are not printable stand as `\\xNN`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_FACILITY = 3


class Record(NamedTuple):
    """One record: its number, when it was written in seconds of the kernel's clock, and what it says."""

    sequence: int
    clock: float
    text: str


def parse(content: bytes) -> Record | None:
    """The record that a read gave; None for what a process wrote into the kernel's log, and for nonsense.

    Only the kernel's own words are believed: who may write to /dev/kmsg could make up a kill.
    """
    head, semicolon, rest = content.partition(b";")
    fields = head.split(b",")
    if not semicolon or len(fields) < 3 or not all(field.isdigit() for field in fields[:3]):
        return None
    priority, sequence, clock = (int(field) for field in fields[:3])
    if priority >> _FACILITY:
        return None
    text = rest.split(b"\n", 1)[0].decode("utf-8", "replace")
    return Record(sequence, clock / 1e6, _ESCAPE.sub(_unescaped, text))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))
