from __future__ import annotations

from collectors.logs.parse import understand


def test_an_object_gives_fields_level_and_trace_and_stays_whole() -> None:
    line = b'{"level":"info","msg":"hi","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","n":1}'
    understood = understand(line)
    assert understood.message == line.decode()
    assert understood.level == "info"
    assert understood.fields["n"] == 1
    assert understood.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert understood.error == ""


def test_a_text_tells_its_trace() -> None:
    assert understand(b"GET / trace_id=4BF92F3577B34DA6").trace_id == "4bf92f3577b34da6"
    header = b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert understand(header).trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_half_an_object_is_a_text() -> None:
    understood = understand(b'{"level":"info"')
    assert understood.fields == {}
    assert understood.message == '{"level":"info"'


def test_bytes_that_are_no_utf8_are_replaced_and_told() -> None:
    understood = understand(b"caf\xe9 ok")
    assert understood.message == "caf\ufffd ok"
    assert understood.error == "invalid UTF-8"


def test_an_array_has_no_fields() -> None:
    assert understand(b"[1, 2]").fields == {}
