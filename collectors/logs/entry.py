"""What a container printed, one whole line of it, as it moves from the files to whoever reads."""

from __future__ import annotations

from typing import NamedTuple

MAX_ENTRY = 256 * 1024


class Entry(NamedTuple):
    """One entry: `message` without its newline, cut at `MAX_ENTRY` bytes.

    `time` is the writer's, in ns since the epoch. `key` names the file that holds the entry's first
    byte and `offset` is that byte's place in it. `size` is what the container wrote, in bytes, newline
    included. `error` says what was wrong with the line; `partial` that its newline has not been seen;
    `lines` how many lines were joined.
    """

    time: int
    stream: str
    message: bytes
    key: bytes
    offset: int
    size: int
    error: str = ""
    partial: bool = False
    lines: int = 1
