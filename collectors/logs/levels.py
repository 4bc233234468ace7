"""The level of a message: trace, debug, info, warn, error or fatal, or none that one can tell.

Looked for in this order: a key of a JSON object, the prefixes of klog and syslog, a whole word among the first
ones (`INFO`, `[info]`, `level=info`), a `level=` pair further on, a level's name at the beginning, in capitals
or in brackets. The stream alone is no level: many programs log to stderr.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
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
SYSLOG = ("fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug")
"""The level of each severity of RFC 5424, emergency first."""
KLOG = {"I": "info", "W": "warn", "E": "error", "F": "fatal"}
"""The level of each letter that begins a line of klog or glog."""

_WORDS = {
    "trace": ("trace", "trc", "finest"),
    "debug": ("debug", "dbg", "dbug", "verbose", "fine"),
    "info": ("info", "inf", "information", "informational", "notice"),
    "warn": ("warn", "warning", "wrn"),
    "error": ("error", "err", "eror", "severe"),
    "fatal": ("fatal", "ftl", "critical", "crit", "panic", "dpanic", "emerg", "emergency", "alert"),
}
_LEVEL_OF = {
    case: level
    for level, words in _WORDS.items()
    for word in words
    for case in (word, word.upper(), word.capitalize())
}
_NUMBERS = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}

# A chunk without any of these holds no level at all, however its lines are escaped.
HINT = re2.compile(
    rb"(?i)tra?ce?|de?bu?g|inf|notice|wa?rn|err?o?r?|fatal|ftl|crit|panic|emerg|alert|sever|verbose|fine"
    rb"|level|lvl|[IWEF]\d{4}(?:\d{4})? |<[0-7]>|\\u003c[0-7]"
)
_PAIR = re.compile(
    r"""(?:^|[\s,;|\[{(])["']?(?:level|lvl|severity|loglevel|log_level)["']?\s*[=:]\s*["']?([A-Za-z]+)""",
    re.I | re.A,
)
# Each begins with a narrow set of characters or at the beginning: that is what makes a search quick.
_KLOG_HEAD = re.compile(r"([IWEF])(?:\d{4})?\d{4} \d\d:", re.A)
_SYSLOG_HEAD = re.compile(r"<([0-7])>")
_FIRST = re.compile(r"\s*\[?([A-Za-z]{3,13})(?::|\s-|\])", re.A)
_UPPER = re.compile(r"[A-Z]{3,13}(?![\w=-])", re.A)
_BRACKET = re.compile(r"[\[<(]([A-Za-z]{3,13})[\])>:]")
_INSIDE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_HEADS = frozenset("IWEF<")
_OBJECT = frozenset((b"{", b" ", b"\t", b"\r", b"\n"))
_PAIR_TEXT = 512
_BEFORE_KEY = len(',"log_')
_PREFIX_TEXT = 160
_FIRST_WORDS = 6


def _whole_words() -> dict[str, str]:
    """Each way in which a level stands as a word of its own, between blanks."""
    found: dict[str, str] = {}
    for word, level in _LEVEL_OF.items():
        if word.isupper():
            found |= dict.fromkeys((word, f"{word}:", f"{word},", f"|{word}|"), level)
        found |= dict.fromkeys((f"[{word}]", f"[{word}]:", f"<{word}>", f"({word})"), level)
        for key in ("level", "lvl", "severity"):
            found |= dict.fromkeys((f"{key}={word}", f'{key}="{word}"'), level)
    return found


_whole = _whole_words().get
# An object of which nothing but the telling keys is made into values: that takes half as long as all of it.
_Telling = msgspec.defstruct(
    "_Telling",
    [(f"key{place}", Any, None) for place in range(len(KEYS))],
    rename={f"key{place}": key for place, key in enumerate(KEYS)},
    gc=False,
)
_decoder = msgspec.json.Decoder(_Telling)


def normalised(value: Any) -> str | None:
    """The level that a key's value means; None for a value that means none."""
    if isinstance(value, str):
        return _LEVEL_OF.get(value) or _LEVEL_OF.get(value.lower())
    if isinstance(value, int):
        return _NUMBERS.get(value)
    return None


def level_in(fields: dict[str, Any]) -> str | None:
    """The level that an object's keys tell."""
    for key in KEYS:
        if key in fields and (level := normalised(fields[key])):
            return level
    return None


def level_in_text(text: str) -> str | None:
    """The level that the first words of a text tell."""
    head = text[:_PREFIX_TEXT]
    if head[:1] in _HEADS and (level := _level_in_head(head)):
        return level
    for word in head.split(None, _FIRST_WORDS):
        if level := _whole(word):
            return level
    return _level_in_pair(text[:_PAIR_TEXT]) or _level_in_prefix(head)


def _level_in_head(head: str) -> str | None:
    if found := _KLOG_HEAD.match(head):
        return KLOG[found[1]]
    if found := _SYSLOG_HEAD.match(head):
        return SYSLOG[int(found[1])]
    return None


def _level_in_pair(head: str) -> str | None:
    lower = head.lower()
    if "level" not in lower and "lvl" not in lower and "severity" not in lower:
        return None
    place = min(at for key in ("level", "lvl", "severity") if (at := lower.find(key)) >= 0)
    longer = len(lower) - len(head)  # a few letters become two in lower case
    pair = _PAIR.search(head, max(0, place - longer - _BEFORE_KEY))
    return _LEVEL_OF.get(pair[1].lower()) if pair else None


def _level_in_prefix(head: str) -> str | None:
    """The level at the very beginning, else the first that stands alone in capitals or in brackets."""
    found = _FIRST.match(head)
    if found and (level := _LEVEL_OF.get(found[1].lower())):
        return level
    place, level = (len(head), None) if head.islower() else _upper(head)
    if "[" not in head and "<" not in head and "(" not in head:
        return level
    for found in _BRACKET.finditer(head, 0, place):
        if inner := _LEVEL_OF.get(found[1].lower()):
            return inner
    return level


def _upper(head: str) -> tuple[int, str | None]:
    """Where the first level in capitals stands, and which; the end and none when there is none."""
    for found in _UPPER.finditer(head):
        level = _LEVEL_OF.get(found[0].lower())
        if level and (found.start() == 0 or head[found.start() - 1] not in _INSIDE):
            return found.start(), level
    return len(head), None


def _level_among(values: tuple[Any, ...]) -> str | None:
    for value in values:
        if value is not None and (level := normalised(value)):
            return level
    return None


def level_of(message: bytes) -> str | None:
    """The level of a whole message; None when it tells none."""
    if message[:1] in _OBJECT and message.lstrip()[:1] == b"{":
        try:
            return _level_among(msgspec.structs.astuple(_decoder.decode(message)))
        except (ValueError, RecursionError):  # no object, or one that nobody wrote
            pass
    return level_in_text(message[: 4 * _PAIR_TEXT].decode("utf-8", "replace"))
