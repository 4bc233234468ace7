from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.levels import level_of
from collectors.logs.parsers.auto import AutoParser

parser = AutoParser()
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MESSAGES: list[tuple[bytes, str | None, dict[str, Any]]] = [
    (b'{"level":"warn","n":1}', "warn", {"level": "warn", "n": 1}),
    (b'\n {"n":1}', None, {"n": 1}),
    (b"level=info msg=hi n=2", "info", {"level": "info", "msg": "hi", "n": 2}),
    (b"a=1 b=2", None, {}),
    (b"user=x did level=error", "error", {}),
    (
        b"E1124 02:16:17.123456 7 a.go:1] no",
        "error",
        {"time": "1124 02:16:17.123456", "thread": 7, "file": "a.go", "line": 1, "message": "no"},
    ),
    (b"Error: no", "error", {}),
    (b'{"level":"info"', "info", {}),
    (b"[1, 2]", None, {}),
    (b"2026-11-24 02:16:17 INFO x", "info", {}),
    (b"", None, {}),
    (b"\x00\x00", None, {}),
]


@pytest.mark.parametrize(("message", "level", "fields"), MESSAGES)
def test_what_a_message_looks_like_decides(message: bytes, level: str | None, fields: dict[str, Any]) -> None:
    found = parser.understand(message)
    assert (found.level, found.fields, found.error) == (level, fields, "")
    assert found.message == message.decode()


@pytest.mark.parametrize("message", [message for message, _, _ in MESSAGES])
def test_the_level_is_the_one_that_queries_and_counters_see(message: bytes) -> None:
    assert parser.understand(message).level == level_of(message)


def test_many_are_as_one_by_one() -> None:
    messages = [message for message, _, _ in MESSAGES] + [f"x trace_id={TRACE}".encode(), b"caf\xe9"]
    assert parser.understand_many(messages) == [parser.understand(each) for each in messages]
    quiet = [b"line 1", b"line 2"]
    assert parser.understand_many(quiet) == [parser.understand(each) for each in quiet]
    assert parser.understand_many([]) == []


def test_too_many_pairs_leave_the_line_whole() -> None:
    message = ("level=info " + " ".join(f"k{number}={number}" for number in range(200))).encode()
    found = parser.understand(message)
    assert found.error == "logfmt: more than 128 fields"
    assert (found.level, found.fields) == ("info", {})
