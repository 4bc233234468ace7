"""Strings of a query as Go writes them: quoted with escapes, or raw between backticks."""

from __future__ import annotations

import re

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.)|\Z)", re.DOTALL
)
_ESCAPED = {char: f"\\{name}" for name, char in _SIMPLE.items()} | {'"': '\\"'}


def unquote(literal: str) -> str:
    """The text that a literal means, its quotes included in `literal`; raises ValueError for a bad escape.

    `\\xNN` and octal escapes are bytes in Go; here they have to make up UTF-8.
    """
    quote, inner = literal[0], literal[1:-1]
    if quote == "`":
        return inner.replace("\r", "")
    if "\\" not in inner:
        return inner
    raw = bytearray()
    place = 0
    for found in _ESCAPE.finditer(inner):
        raw += inner[place : found.start()].encode()
        raw += _meaning(found, quote)
        place = found.end()
    raw += inner[place:].encode()
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError("the escapes of a string are no UTF-8") from error


def _meaning(found: re.Match[str], quote: str) -> bytes:
    byte, short, long, octal, simple = found.groups()
    if byte or octal:
        value = int(byte, 16) if byte else int(octal, 8)
        if value < 256:
            return bytes((value,))
    elif short or long:
        value = int(short or long, 16)
        if value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF:
            return chr(value).encode()
    elif simple == quote:
        return quote.encode()
    elif simple in _SIMPLE:
        return _SIMPLE[simple].encode()
    raise ValueError(f"invalid escape {found[0]} in a string; between backticks none is needed")


def quote(text: str) -> str:
    """A literal in double quotes that means a text."""
    return '"' + "".join(_ESCAPED.get(char) or _printable(char) for char in text) + '"'


def quote_pattern(text: str) -> str:
    """A literal for a pattern: raw where that saves escaping."""
    raw = "\\" in text and not any(char in "`\r\x00\ufeff" for char in text)
    return f"`{text}`" if raw else quote(text)


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
