"""Protocol Buffers' wire format, against the real library."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agent.shipping.protobuf import delimited, fields, number, text, varint


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31 - 1])
def test_numbers_and_texts_are_read_by_the_library(value: int) -> None:
    message = FieldDescriptorProto.FromString(number(3, value) + text(1, "é\ud800"))
    assert (message.number, message.name) == (value, "é?")


def test_what_the_library_writes_is_read() -> None:
    record = LogRecord(
        time_unix_nano=2**63, severity_number=17, severity_text="error", flags=7, trace_id=b"x" * 300
    )
    assert dict(fields(record.SerializeToString())) == {
        1: 2**63, 2: 17, 3: b"error", 8: 7, 9: b"x" * 300,
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"\x0a\x05abc", b"\x08", b"\x08" + b"\xff" * 11, b"\x0b", b"\x09\x01"])
def test_what_is_torn_or_unknown_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="protobuf"):
        list(fields(data))


def test_sizes_of_more_than_one_byte() -> None:
    assert varint(300) == b"\xac\x02"
    assert delimited(1, b"x" * 300)[:3] == b"\x0a\xac\x02"
