"""How much one message may say of itself: more is no use to anybody who searches, and costs everybody."""

from __future__ import annotations

from typing import Any

import orjson

MOST_FIELDS = 128
DEEPEST = 8
LONGEST = 32 * 1024

TOO_MANY = f"more than {MOST_FIELDS} fields"
TOO_DEEP = f"nested deeper than {DEEPEST}"
TOO_LONG = f"a value of more than {LONGEST // 1024} KiB"

# So short that 128 members do not fit in: a member has a name of one letter, two quotes, a colon, a value, a comma.
_SHORT = 6 * MOST_FIELDS


def surely_within(text: str) -> bool:
    """Whether an object's text shows at a glance that it is within the bounds; it may be when this is False."""
    size = len(text)
    if size > _SHORT and (size > LONGEST // 4 or text.count(":") > MOST_FIELDS):
        return False
    if text.rfind("{") <= 0 and "[" not in text:
        return True
    return text.count("{") + text.count("[") <= DEEPEST


def flaw(fields: dict[str, Any]) -> str:
    """Which bound an object exceeds; empty when none."""
    return _flaw_of_shape(fields) or _flaw_of_size(fields)


def _flaw_of_shape(fields: dict[str, Any]) -> str:
    """Members at any depth count; the object itself is the first level."""
    level: list[Any] = [fields]
    members = depth = 0
    while level:
        depth += 1
        if depth > DEEPEST:
            return TOO_DEEP
        members += sum(len(each) for each in level if isinstance(each, dict))
        if members > MOST_FIELDS:
            return TOO_MANY
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return ""


def _flaw_of_size(fields: dict[str, Any]) -> str:
    for key, value in fields.items():
        if len(key) + _size(value) > LONGEST:
            return TOO_LONG
    return ""


def _size(value: Any) -> int:
    """Bytes that a value takes: exact where it matters, at least right about being beyond the bound."""
    if isinstance(value, str):
        return (
            len(value)
            if len(value) <= LONGEST // 4 or value.isascii()
            else len(value.encode("utf-8", "replace"))
        )
    return len(orjson.dumps(value)) if isinstance(value, dict | list) else 0
