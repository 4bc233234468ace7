"""Entries as anybody may see them."""

from __future__ import annotations

from collectors.logs.clean import cleaned, sure
from collectors.logs.entry import Entry
from collectors.logs.redact import redactor
from collectors.logs.rule import Redaction

DEFAULT = redactor(Redaction())


def entry(message: bytes) -> Entry:
    return Entry(1, "stdout", message, b"k", 0, len(message) + 1)


def test_entries_are_redacted_and_otherwise_the_same() -> None:
    entries = [entry(b"a"), entry(b"amqp://a:secret@b")]
    found = cleaned(entries, DEFAULT)
    assert found[0] is entries[0]
    assert found[1] == entries[1]._replace(message=b"amqp://a:[redacted:url_password]@b")


def test_a_text_that_a_replacement_may_bring_is_not_looked_for_in_raw_bytes() -> None:
    for text in (b"redacted", b"[redacted:card]", b"card: [red", b"card] declined", b"] x"):
        assert sure(text, DEFAULT) is None, text
    assert sure(b"refused", DEFAULT) == b"refused"
    assert sure(b'"level":"error"', DEFAULT) == b'level":"error'
    assert sure(b"[redacted:card]", redactor(None)) == b"[redacted:card]"
