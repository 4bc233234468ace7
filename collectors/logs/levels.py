"""The level of a message: trace, debug, info, warn, error or fatal, or none that one can tell.

Looked for in this order: a key of a JSON object, a `level=` pair, the prefixes of klog and syslog,
a level's name in the first words. The stream alone is no level: many programs log to stderr.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
import re2

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
UNKNOWN = "unknown"
KEYS = (
    "level",
    "severity",
    "lvl",
    "loglevel",
    "log_level",
    "log.level",
    "levelname",
    "@level",
    "severity_text",
)

_WORDS = {
    "trace": ("trace", "trc", "finest"),
    "debug": ("debug", "dbg", "dbug", "verbose", "fine"),
    "info": ("info", "inf", "information", "informational", "notice"),
    "warn": ("warn", "warning", "wrn"),
    "error": ("error", "err", "eror", "severe"),
    "fatal": ("fatal", "critical", "crit", "panic", "dpanic", "emerg", "emergency", "alert"),
}
_LEVEL_OF = {word: level for level, words in _WORDS.items() for word in words}
_KLOG = {b"I": "info", b"W": "warn", b"E": "error", b"F": "fatal"}
_SYSLOG = ("fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug")
_NUMBERS = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}

# A chunk without any of these holds no level at all, however its lines are escaped.
HINT = re2.compile(
    rb"(?i)tra?ce?|de?bu?g|inf|notice|war?n|err?o?r?|fatal|crit|panic|emerg|alert|sever|verbose|fine"
    rb"|level|lvl|[IWEF]\d\d\d\d |<[0-7]>|\\u003c[0-7]"
)
_PAIR = re.compile(
    rb"""(?:^|[\s,;|\[{(])["']?(?:level|lvl|severity|loglevel|log_level)["']?\s*[=:]\s*["']?([A-Za-z]+)""",
    re.I,
)
# Each begins with a narrow set of bytes or at the beginning: that is what makes a search quick.
_KLOG_HEAD = re.compile(rb"([IWEF])\d{4} \d\d:")
_SYSLOG_HEAD = re.compile(rb"<([0-7])>")
_FIRST = re.compile(rb"\s*\[?([A-Za-z]{3,13})(?::|\s-|\])")
_UPPER = re.compile(rb"[A-Z]{3,13}(?![\w=-])")
_BRACKET = re.compile(rb"[\[<(]([A-Za-z]{3,13})[\])>:]")
_INSIDE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_PAIR_BYTES = 512
_PREFIX_BYTES = 160


def normalised(value: Any) -> str | None:
    """The level that a key's value means; None for a value that means none."""
    if isinstance(value, str):
        return _LEVEL_OF.get(value.lower())
    if isinstance(value, int):
        return _NUMBERS.get(value)
    return None


def level_in(fields: dict[str, Any]) -> str | None:
    """The level that an object's keys tell."""
    for key in KEYS:
        if key in fields and (level := normalised(fields[key])):
            return level
    return None


def level_in_text(message: bytes) -> str | None:
    """The level that the first words of a text tell."""
    head = message[:_PAIR_BYTES]
    if _may_hold_pair(head):
        pair = _PAIR.search(head)
        level = pair and _LEVEL_OF.get(pair[1].decode().lower())
        if level:
            return level
    return _level_in_prefix(message[:_PREFIX_BYTES])


def _may_hold_pair(head: bytes) -> bool:
    if head.islower():
        return b"level" in head or b"lvl" in head or b"severity" in head
    return (
        b"evel" in head
        or b"lvl" in head
        or b"everity" in head
        or b"LE" in head
        or b"LV" in head
        or b"SE" in head
    )


def _level_in_prefix(head: bytes) -> str | None:
    """The level at the very beginning, else the first that stands alone in capitals or in brackets."""
    if found := _KLOG_HEAD.match(head):
        return _KLOG[found[1]]
    if found := _SYSLOG_HEAD.match(head):
        return _SYSLOG[int(found[1])]
    found = _FIRST.match(head)
    if found and (level := _LEVEL_OF.get(found[1].decode().lower())):
        return level
    place, level = (len(head), None) if head.islower() else _upper(head)
    if b"[" not in head and b"<" not in head and b"(" not in head:
        return level
    for found in _BRACKET.finditer(head, 0, place):
        if inner := _LEVEL_OF.get(found[1].decode().lower()):
            return inner
    return level


def _upper(head: bytes) -> tuple[int, str | None]:
    """Where the first level in capitals stands, and which; the end and none when there is none."""
    for found in _UPPER.finditer(head):
        level = _LEVEL_OF.get(found[0].decode().lower())
        if level and (found.start() == 0 or head[found.start() - 1] not in _INSIDE):
            return found.start(), level
    return len(head), None


def fields_of(message: bytes) -> dict[str, Any]:
    """The members of a message that is one JSON object; empty for any other."""
    if message.lstrip()[:1] != b"{":
        return {}
    try:
        value = orjson.loads(message)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def level_of(message: bytes) -> str | None:
    """The level of a whole message; None when it tells none."""
    fields = fields_of(message) if message[:1] in (b"{", b" ", b"\t") else {}
    return level_in(fields) if fields else level_in_text(message)
