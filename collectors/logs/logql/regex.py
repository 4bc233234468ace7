"""Regular expressions of a query: RE2, so that no pattern takes more than linear time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

_MEMORY = 8 << 20


@lru_cache(maxsize=16)
def compiled(pattern: str, *, dot_is_all: bool = False) -> Any:
    """An RE2 over bytes; raises ValueError with what is wrong about the pattern."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.dot_nl = dot_is_all
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        text = error.args[0] if error.args else ""
        reason = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        raise ValueError(f"error parsing regexp: {reason}") from error


def searcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text holds a match, anywhere."""
    search = compiled(pattern).search
    return lambda text: search(text.encode()) is not None


def full_matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches, as label matchers demand; `.` is any character there."""
    fullmatch = compiled(pattern, dot_is_all=True).fullmatch
    return lambda text: fullmatch(text.encode()) is not None


def group_names(pattern: str) -> dict[int, str]:
    """The named groups of a pattern, by number."""
    return {number: _text(name) for name, number in compiled(pattern).groupindex.items()}


def replacer(pattern: str, replacement: str, *, literal: bool = False) -> Callable[[str], str]:
    """Replace every match. In `replacement` `$1`, `${name}` and `$$` mean what they mean in Go."""
    expression = compiled(pattern)
    filling = None if literal else expander(pattern, replacement)
    fixed = replacement.encode()
    return lambda text: expression.sub(
        lambda found: fixed if filling is None else filling(found), text.encode()
    ).decode("utf-8", "replace")


def expander(pattern: str, replacement: str) -> Callable[[Any], bytes]:
    """What a replacement becomes for a match (of bytes): groups that are not there or did not match are ''."""
    numbers = {name: number for number, name in group_names(pattern).items()}
    groups = compiled(pattern).groups
    pieces: list[bytes | int] = []
    place = 0
    while (dollar := replacement.find("$", place)) >= 0:
        pieces.append(replacement[place:dollar].encode())
        name, place = _reference(replacement, dollar)
        if name is None:
            pieces.append(b"$")
        elif name.isdigit():
            pieces.append(int(name) if len(name) < 4 and int(name) <= groups else b"")
        else:
            pieces.append(numbers.get(name, b""))
    pieces.append(replacement[place:].encode())

    def filled(found: Any) -> bytes:
        return b"".join(piece if isinstance(piece, bytes) else found.group(piece) or b"" for piece in pieces)

    return filled


def _reference(text: str, dollar: int) -> tuple[str | None, int]:
    """The group's name behind a dollar, none for a dollar itself, and where the text goes on."""
    following = text[dollar + 1 : dollar + 2]
    if following == "$":
        return None, dollar + 2
    if following == "{" and (end := text.find("}", dollar)) > 0:
        return text[dollar + 2 : end], end + 1
    end = dollar + 1
    while end < len(text) and (text[end] == "_" or (text[end].isascii() and text[end].isalnum())):
        end += 1
    return (text[dollar + 1 : end] if end > dollar + 1 else None), end


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
