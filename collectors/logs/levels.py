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
_WORD = rb"(?:" + b"|".join(word.encode() for word in sorted(_LEVEL_OF, key=len, reverse=True)) + rb")"
_PAIR = re.compile(
    rb"""(?:^|[\s,;|\[{(])["']?(?:level|lvl|severity|loglevel|log_level)["']?\s*[=:]\s*["']?([A-Za-z]+)""",
    re.I,
)
_PREFIX = re.compile(
    rb"(?P<klog>^[IWEF])\d{4} \d\d:"
    rb"|^<(?P<syslog>[0-7])>"
    rb"|(?<![\w.-])(?P<upper>" + _WORD.upper() + rb")(?![\w=-])"
    rb"|(?i:^\s*(?P<start>" + _WORD + rb")(?::|\s-|\])|[\[<(](?P<bracket>" + _WORD + rb")[\])>:])"
)
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
    if pair := _PAIR.search(head):
        level = _LEVEL_OF.get(pair[1].decode().lower())
        if level:
            return level
    found = _PREFIX.search(head[:_PREFIX_BYTES])
    if found is None:
        return None
    if found["klog"]:
        return _KLOG[found["klog"]]
    if found["syslog"]:
        return _SYSLOG[int(found["syslog"])]
    word: bytes = found["upper"] or found["start"] or found["bracket"]
    return _LEVEL_OF[word.decode().lower()]


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
