"""Entries as anybody may see them: redacted, before they are judged, shown or shipped."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.logs.entry import Entry
from collectors.logs.redact import Redactor


def cleaned(entries: Sequence[Entry], redactor: Redactor) -> list[Entry]:
    """The entries with redacted messages; those withheld are left out."""
    messages = [entry.message for entry in entries]
    redacted = redactor.redact_many(messages)
    if redacted is messages:
        return list(entries)
    return [
        entry if message is entry.message else entry._replace(message=message)
        for entry, message in zip(entries, redacted, strict=True)
        if message is not None
    ]


def sure(needle: bytes, redactor: Redactor) -> bytes | None:
    """The part of a text that, wherever a redacted message has the text, stood in the raw one too; None when a
    replacement may bring all of it."""
    if redactor.marks:
        needle = needle.strip(b'"')  # a number's replacement stands between quotes
    return None if any(_touches(needle, mark) for mark in redactor.marks) else needle


def _touches(needle: bytes, mark: bytes) -> bool:
    if needle in mark or mark in needle:
        return True
    shorter = min(len(needle), len(mark))
    return any(
        needle.endswith(mark[:size]) or needle.startswith(mark[-size:]) for size in range(1, shorter + 1)
    )
