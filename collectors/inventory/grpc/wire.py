"""The wire format of Protocol Buffers, for messages that are declared as structs.

    class Metadata(Message, frozen=True):
        name: Annotated[str, 1] = ""
        attempt: Annotated[int, 2] = 0

The number behind a type is the field's number. A type is `str`, `bytes`, `int` (any varint), `bool`, a Message,
`tuple[X, ...]` for a repeated field of texts or messages, or `dict[str, str]` for a map. Fields that are not declared are skipped
unread, so a message declares what is used and nothing else. Source: protobuf.dev, Encoding.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from runtime.linux.errors import DeckwatchError

EMPTY: dict[str, str] = {}  # the default of a map; each message gets its own

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MOST_SHIFT = 63
_SIGN, _RANGE = 1 << 63, 1 << 64


class Malformed(DeckwatchError):
    """Bytes that are no message of the expected shape."""


class Message(msgspec.Struct, frozen=True):
    """A message; every field has the default that stands for its absence."""


class _MapEntry(Message, frozen=True):
    key: str = ""
    value: str = ""


M = TypeVar("M", bound=Message)


class _Field(NamedTuple):
    """A declared field: its type, or its items' type, and how often it stands."""

    name: str
    number: int
    type: Any
    repeated: bool
    map: bool


def decode(content: bytes, shape: type[M]) -> M:
    """A message from its bytes; raises Malformed. Text that is no UTF-8 is replaced."""
    fields = _by_number(shape)
    values: dict[str, Any] = {}
    for number, value in _parts(content):
        field = fields.get(number)
        if field is None:
            continue
        read = _value(field.type, value)
        if field.map:
            values.setdefault(field.name, {})[read.key] = read.value
        elif field.repeated:
            values.setdefault(field.name, []).append(read)
        else:
            values[field.name] = read
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return shape(**values)


def encode(message: Message) -> bytes:
    """The bytes of a message; fields at their default take no room."""
    parts: list[bytes] = []
    for field in _by_number(type(message)).values():
        value = getattr(message, field.name)
        if field.map:
            items: Any = [_MapEntry(key, content) for key, content in value.items()]
        else:
            items = value if field.repeated else [value]
        for item in items:
            if field.repeated or field.map or (item and item != field.type()):
                parts.append(_encoded(field.number, item))
    return b"".join(parts)


@functools.cache
def _by_number(shape: type[Message]) -> dict[int, _Field]:
    if shape is _MapEntry:
        return {1: _Field("key", 1, str, False, False), 2: _Field("value", 2, str, False, False)}
    hints = get_type_hints(shape, include_extras=True)
    found = (_field(name, *get_args(hint)) for name, hint in hints.items())
    return {field.number: field for field in found}


def _field(name: str, kind: Any, number: int) -> _Field:
    origin = get_origin(kind)
    if origin is dict:
        return _Field(name, number, _MapEntry, False, True)
    repeated = origin is tuple
    return _Field(name, number, get_args(kind)[0] if repeated else kind, repeated, False)


def _parts(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and raw values in their order; those of fixed size, which no declared field has, left out."""
    at, end = 0, len(content)
    while at < end:
        tag, at = _varint(content, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(content, at)
            yield tag >> 3, number
        elif kind == _BYTES:
            size, at = _varint(content, at)
            if size > end - at:
                raise Malformed(f"a field of {size} bytes in a message that has {end - at} left")
            yield tag >> 3, content[at : at + size]
            at += size
        elif kind in _FIXED_SIZES:
            at += _FIXED_SIZES[kind]
        else:
            raise Malformed(f"a field of the unknown wire type {kind}")


def _varint(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    try:
        while True:
            byte = content[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number % _RANGE, at
            shift += 7
            if shift > _MOST_SHIFT:
                raise Malformed("a number of more than 64 bits")
    except IndexError:
        raise Malformed("a message that ends within a number") from None


def _value(kind: Any, raw: int | bytes) -> Any:
    read = _READERS.get(kind)
    if read is not None:
        return read(raw)
    if not isinstance(raw, bytes):
        raise Malformed(f"a number where {kind.__name__} was expected")
    return decode(raw, kind)


def _text(raw: int | bytes) -> str:
    return _bytes(raw).decode("utf-8", "replace")


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, bytes):
        return raw
    raise Malformed("a number where text was expected")


def _integer(raw: int | bytes) -> int:
    """Signed numbers stand as their 64-bit two's complement; none that is used here reaches 2^63 unsigned."""
    if isinstance(raw, bytes):
        raise Malformed("text where a number was expected")
    return raw - _RANGE if raw >= _SIGN else raw


def _truth(raw: int | bytes) -> bool:
    return bool(_integer(raw))


_READERS: dict[Any, Callable[[int | bytes], Any]] = {str: _text, bytes: _bytes, int: _integer, bool: _truth}


def _encoded(number: int, value: Any) -> bytes:
    if isinstance(value, int):
        return _encoded_varint(number << 3 | _VARINT) + _encoded_varint(int(value) % _RANGE)
    content = encode(value) if isinstance(value, Message) else value
    content = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return _encoded_varint(number << 3 | _BYTES) + _encoded_varint(len(content)) + content


def _encoded_varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
