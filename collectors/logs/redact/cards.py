"""Whether a run of digits is a card number, and not an order number, an id or a time."""

from __future__ import annotations

import re

# A name by itself (`id`, `trace_id`), the last word of one that changes case (`traceId`), or a known one in small letters.
_ID = re.compile(
    rb"""(?:(?<![A-Za-z])(?i:(?:user|request|trace|span|session|order|message|event|parent|correlation)?ids?|uuid|guid"""
    rb"""|trace|span|hash|sha|offset|seq|sequence|time|ts|timestamp|nanos|epoch|version|size|bytes|count|port|pid)"""
    rb"""|(?<=[a-z])(?:I[Dd]s?|U[Uu][Ii][Dd]|Hash|Offset|Seq|Sequence|Time|Timestamp|Nanos|Version|Size|Bytes|Count|Port))"""
    rb"""\\?["']?\s*[:=#]\s*\\?["']?\[?$"""
)
_BEFORE = 40
# Groups of four beside it that mix digits and letters: a dump of memory, a table of characters.
_HEX_BEFORE = re.compile(rb"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{4} ){1,16}\Z")
_HEX_BEHIND = re.compile(rb"(?: [0-9A-Fa-f]{4}){1,16}(?![0-9A-Za-z])")
_MIXED = re.compile(rb"[0-9][A-Fa-f]|[A-Fa-f][0-9]")
_DUMP = 80
_VALUE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def luhn(digits: bytes) -> bool:
    """Whether the check digit of a number is right. Source: ISO/IEC 7812-1, annex B."""
    return (sum(digits[-1::-2].translate(_VALUE)) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def is_card(message: bytes, start: int, end: int) -> bool:
    """Whether the digits at [start, end) of a message are a card number: the check digit is right, and neither a
    name before them nor what stands beside them says that they are something else."""
    if not luhn(message[start:end].translate(None, b" -")):
        return False
    # A decimal fraction goes on behind a point.
    if message[end : end + 1] == b"." and message[end + 1 : end + 2].isdigit():
        return False
    if message[start + 4 : start + 5] == b" " and _in_dump(message, start, end):
        return False
    return _ID.search(message[max(0, start - _BEFORE) : start]) is None


def _in_dump(message: bytes, start: int, end: int) -> bool:
    before = _HEX_BEFORE.search(message[max(0, start - _DUMP) : start])
    behind = _HEX_BEHIND.match(message, end)
    return any(found and _MIXED.search(found[0]) for found in (before, behind))
