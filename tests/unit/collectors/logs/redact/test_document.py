"""Where a replacement may stand in a JSON document."""

from __future__ import annotations

import pytest

from collectors.logs.redact.document import Document


@pytest.mark.parametrize(
    ("message", "found", "replaced", "quote"),
    [
        (b'{"a": 123}', b"123", b"123", b'"'),
        (b'{"a": 12345}', b"234", b"12345", b'"'),
        (b"[1,-2.5e3 ]", b"5", b"-2.5e3", b'"'),
        (b'{"a":"b: 123, c"}', b"123", b"123", b""),
        (b'{"a":"\\"","b":123}', b"123", b"123", b'"'),
        (b'{"a":"\\\\","b":"123"}', b"123", b"123", b""),
        (b'{"a":"123"}', b'"123"', b'"123"', b'"'),
        (b"[main] 123", b"2", b"2", b""),
        (b'{"a":123', b"123", b"123", b""),
        (b'{"a":"\\nab"}', b"nab", b"\\nab", b""),
        (b'{"a":"\\\\nab"}', b"nab", b"nab", b""),
        (b'{"a":"ab\\"c"}', b"ab\\", b'ab\\"', b""),
    ],
)
def test_a_value_goes_as_a_whole_and_a_part_of_a_string_alone(
    message: bytes, found: bytes, replaced: bytes, quote: bytes
) -> None:
    start = message.index(found)
    first, last, around = Document(message).place(start, start + len(found))
    assert (message[first:last], around) == (replaced, quote)
