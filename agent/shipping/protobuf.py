"""As much of Protocol Buffers' wire format as a few small messages need.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_SHORT = [bytes((number,)) for number in range(0x80)]


def varint(number: int) -> bytes:
    """A number that is not negative."""
    if number < 0x80:
        return _SHORT[number]
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def delimited(field: int, data: bytes) -> bytes:
    """A field that holds bytes, a text or a message."""
    return varint(field << 3 | _DELIMITED) + varint(len(data)) + data


def text(field: int, value: str) -> bytes:
    """A field that holds a text; what is no valid Unicode is replaced."""
    return delimited(field, value.encode("utf-8", "replace"))


def number(field: int, value: int) -> bytes:
    """A field that holds a number as a varint."""
    return varint(field << 3 | _VARINT) + varint(value)


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers of varints and fixed sizes as int, else bytes. Raises ValueError."""
    place = 0
    while place < len(data):
        key, place = _varint_at(data, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint_at(data, place)
            yield key >> 3, value
            continue
        if kind == _DELIMITED:
            size, place = _varint_at(data, place)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"protobuf: unknown wire type {kind}")
        piece = data[place : place + size]
        if len(piece) < size:
            raise ValueError("protobuf: the message ends in the middle of a field")
        place += size
        yield key >> 3, piece if kind == _DELIMITED else int.from_bytes(piece, "little")


def _varint_at(data: bytes, place: int) -> tuple[int, int]:
    found = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("protobuf: the message ends in the middle of a number")
        byte = data[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, place
    raise ValueError("protobuf: a number of more than ten bytes")
