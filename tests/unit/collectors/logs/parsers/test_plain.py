from __future__ import annotations

from collectors.logs.parsers.plain import PlainParser

parser = PlainParser()
MESSAGES = [
    b'{"level":"error","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}',
    b"2026-11-24 WARN x",
    b"",
    b"caf\xe9",
]


def test_there_are_no_fields_but_the_level_and_the_ids() -> None:
    found = parser.understand(MESSAGES[0])
    assert found.fields == {}
    assert found.level == "error"
    assert found.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert parser.understand(MESSAGES[3]).error == "invalid UTF-8"


def test_many_are_as_one_by_one() -> None:
    assert parser.understand_many(MESSAGES) == [parser.understand(each) for each in MESSAGES]
    assert parser.understand_many([b"plain", b"lines"])[1].level is None
