from __future__ import annotations

import struct

import pytest

from collectors.logs.formats import Line, Part, Tally, docker_local

NS = 1_795_486_577_123_456_789


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def frame(
    line: bytes,
    stream: str = "stdout",
    *,
    time: int = NS,
    part: tuple[bytes, int] | None = None,
    last: bool = False,
    attributes: bytes = b"",
) -> bytes:
    """What the driver writes for a line, or for one part of one."""
    entry = field(1, stream.encode()) + b"\x10" + varint(time)
    if line:
        entry += field(3, line)
    if part is not None:
        told = (b"\x08\x01" if last else b"") + field(2, part[0]) + b"\x18" + varint(part[1])
        entry += b"\x20\x01" + field(5, told)
    if attributes:
        entry += field(6, field(1, b"key") + field(2, attributes))
    size = struct.pack(">I", len(entry))
    return size + entry + size


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (frame(b"hello"), Line(NS, "stdout", False, b"hello")),
        (frame(b"", "stderr"), Line(NS, "stderr", False, b"")),
        (frame(b"x" * 16384), Line(NS, "stdout", False, b"x" * 16384)),
        (frame(b"\0\xff\x20\x01*\n"), Line(NS, "stdout", False, b"\0\xff\x20\x01*\n")),
        (frame(b"x", attributes=b"v"), Line(NS, "stdout", False, b"x")),
        (frame(b"x", part=(b"f" * 64, 1)), Line(NS, "stdout", True, b"x", Part(b"f" * 64, 1))),
        (
            frame(b"x", part=(b"f" * 64, 300), last=True, attributes=b"v"),
            Line(NS, "stdout", False, b"x", Part(b"f" * 64, 300)),
        ),
        (frame(b"x", time=5), Line(5, "stdout", False, b"x")),
    ],
)
def test_each_form_of_entry(written: bytes, expected: Line) -> None:
    assert docker_local.parse(written) == expected


@pytest.mark.parametrize(
    "refused",
    [
        b"",
        b"some text",
        frame(b"x")[:-1],
        frame(b"x") + b"y",
        frame(b"x", "other"),
        frame(b"x")[:-4] + b"\0\0\0\1",
        b"\0\0\0\x0d\n\x06stdout\x10\x01\x1a\x7f" + b"\0\0\0\x0d",
    ],
)
def test_what_is_no_entry(refused: bytes) -> None:
    assert docker_local.parse(refused) is None
    assert docker_local.behind(refused) is None


def test_a_batch_is_counted_as_its_lines_are() -> None:
    chunk = frame(b"level=error x") + frame(b"two", "stderr") + frame(b"three", time=NS + 1)
    assert docker_local.tally(chunk) == Tally(
        {"stdout": 20, "stderr": 4}, {"stdout": 2, "stderr": 1}, {"error": 1, "unknown": 2}, NS + 1
    )


def test_what_holds_a_part_is_not_counted_at_once() -> None:
    whole, part = frame(b"x"), frame(b"x", part=(b"f", 1))
    assert docker_local.tally(whole + part) is None
    assert docker_local.may_hold_partials(whole + part)
    assert not docker_local.may_hold_partials(whole)
    assert docker_local.tally(whole + part[:-2]) is None


def test_a_message_stands_there_as_it_is() -> None:
    assert docker_local.runs_of('ein "é"') == ['ein "é"'.encode()]
    assert 'ein "é"'.encode() in frame('so ein "é" da'.encode())
