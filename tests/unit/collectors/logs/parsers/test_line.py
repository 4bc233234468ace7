from __future__ import annotations

from typing import Any

from collectors.logs.parsers.line import LineParser
from collectors.logs.parsers.understood import Found

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def read(text: str) -> Found | None:
    """Words as fields; refuses a text that does not begin with `ok`."""
    if not text.startswith("ok"):
        return None
    fields: dict[str, Any] = {word: word for word in text.split()}
    return Found(fields, "warn")


parser = LineParser("words", read)


def test_what_the_form_finds_is_understood() -> None:
    found = parser.understand(b"ok b")
    assert (found.message, found.level, found.fields, found.error) == (
        "ok b",
        "warn",
        {"ok": "ok", "b": "b"},
        "",
    )


def test_a_refused_line_keeps_the_level_and_the_ids_of_its_text() -> None:
    found = parser.understand(f"ERROR no trace_id={TRACE}".encode())
    assert found.error == "words: not a line of this form"
    assert (found.level, found.trace_id, found.fields) == ("error", TRACE, {})
    assert parser.understand(b"\xff").error == "invalid UTF-8; words: not a line of this form"


def test_ids_of_fields_come_before_those_of_the_text() -> None:
    def told(text: str) -> Found:
        return Found({"trace_id": TRACE}, None)

    found = LineParser("told", told).understand(b"trace_id=a3ce929d0e0e4736 span_id=00f067aa0ba902b7")
    assert (found.trace_id, found.span_id) == (TRACE, "00f067aa0ba902b7")


def test_too_many_fields_leave_the_line_whole() -> None:
    message = ("ok " + " ".join(f"w{number}" for number in range(200))).encode()
    found = parser.understand(message)
    assert found.error == "words: more than 128 fields"
    assert (found.fields, found.level, found.message) == ({}, "warn", message.decode())


def test_many_are_as_one_by_one() -> None:
    messages = [b"ok a", b"", f"trace_id={TRACE}".encode(), b"INFO x"]
    assert parser.understand_many(messages) == [parser.understand(each) for each in messages]
    assert parser.understand_many([]) == []
