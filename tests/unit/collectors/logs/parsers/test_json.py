from __future__ import annotations

import orjson
import pytest

from collectors.logs.parsers.json import JsonParser, object_in

parser = JsonParser()


def test_members_stay_as_they_are_and_the_last_of_two_counts() -> None:
    found = parser.understand(b' {"a":1,"b":{"c":[1,2.5,null]},"d":true,"took":"12ms","a":2} ')
    assert found.fields == {"a": 2, "b": {"c": [1, 2.5, None]}, "d": True, "took": "12ms"}
    assert found.message == ' {"a":1,"b":{"c":[1,2.5,null]},"d":true,"took":"12ms","a":2} '
    assert found.error == ""


@pytest.mark.parametrize(
    ("message", "level"),
    [
        (b'{"level":"WARNING"}', "warn"),
        (b'{"level":30}', "info"),
        (b'{"level":"upside-down","severity":"Error"}', "error"),
        (b'{"level":["error"]}', None),
        (b'{"msg":"ERROR"}', None),
    ],
)
def test_the_level_is_a_keys(message: bytes, level: str | None) -> None:
    assert parser.understand(message).level == level


def test_trace_span_and_time_are_told() -> None:
    found = parser.understand(
        b'{"@timestamp":"2026-11-24T02:16:17.5Z","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736",'
        b'"span_id":"00f067aa0ba902b7"}'
    )
    assert (found.trace_id, found.span_id) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert found.time == 1795486577500000000


def test_a_trace_without_a_span_and_a_span_without_a_trace() -> None:
    one = parser.understand(b'{"trace_id":"a3ce929d0e0e4736","span_id":"none"}')
    assert (one.trace_id, one.span_id) == ("a3ce929d0e0e4736", None)
    other = parser.understand(b'{"span_id":"00f067aa0ba902b7"}')
    assert (other.trace_id, other.span_id) == (None, "00f067aa0ba902b7")


@pytest.mark.parametrize(
    "message",
    [b"", b"text", b"[1]", b"12", b'"x"', b'{"a":1', b'{"a":1}{"b":2}', b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\ud800"}',
     b'{"a":"\x00"}', b"{" * 5000, b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b"\x00" * 100, b'\xef\xbb\xbf{"a":1}'],
)  # fmt: skip
def test_what_is_no_object_stays_whole_with_the_parsers_name(message: bytes) -> None:
    found = parser.understand(message)
    assert found.error == "json: not one object"
    assert found.fields == {}
    assert found.message == message.decode()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (orjson.dumps({"level": "error", **{f"k{i}": 1 for i in range(128)}}), "more than 128 fields"),
        (b'{"level":"error","a":' + b"[" * 9 + b"]" * 9 + b"}", "nested deeper than 8"),
        (orjson.dumps({"level": "error", "a": "x" * 32768}), "a value of more than 32 KiB"),
    ],
)
def test_beyond_a_bound_the_fields_are_left_out_and_the_rest_is_told(message: bytes, reason: str) -> None:
    found = parser.understand(message)
    assert found.error == f"json: {reason}"
    assert found.fields == {}
    assert found.level == "error"
    assert found.message == message.decode()


def test_numbers_beyond_64_bits_can_be_written_again() -> None:
    found = parser.understand(b'{"a":99999999999999999999,"b":-99999999999999999999}')
    assert orjson.loads(orjson.dumps(found.fields)) == found.fields == {"a": 1e20, "b": -1e20}


def test_bytes_that_are_no_utf8_are_told_beside_the_fields() -> None:
    found = parser.understand(b'{"a":"caf\xe9"}')
    assert found.fields == {"a": "caf\ufffd"}
    assert found.error == "invalid UTF-8"
    assert parser.understand(b"caf\xe9").error == "invalid UTF-8; json: not one object"


def test_many_are_as_one_by_one() -> None:
    messages = [b'{"a":1}', b"x", b'{"level":"error"}']
    assert parser.understand_many(messages) == [parser.understand(each) for each in messages]


def test_only_a_text_that_begins_like_an_object_is_looked_at() -> None:
    assert object_in("\t{}") == {}
    assert object_in("x{}") is None
