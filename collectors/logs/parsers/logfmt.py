"""logfmt: `key=value key="quoted value" flag`, as Go's loggers, Heroku and Prometheus print it.

A key without a value is true; of a key that stands twice the last value counts. Quoted values are text, others
what they look like.
"""

from __future__ import annotations

import re

import orjson

from collectors.logs.levels import level_in, level_in_text
from collectors.logs.parsers.understood import Found
from collectors.logs.parsers.values import typed

NAME = "logfmt"
# key, quoted value, plain value; or a flag; or what is no logfmt at all.
_PART = re.compile(
    r'([^\s="\\]+)=(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s"]*))(?=\s|\Z)|([^\s="\\]+)(?=\s|\Z)|(\S+)', re.DOTALL
)
_SURE = re.compile(r"[A-Za-z_@][A-Za-z0-9_.@-]*=")
_TELLING = frozenset(("level", "msg", "ts", "time", "caller"))
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read(text: str) -> Found | None:
    """The pairs of a line; None when a part of it is none."""
    fields = pairs_of(text, flags=True)
    if not fields:
        return None
    return Found(fields, level_in(fields) or level_in_text(text))


def sure(text: str) -> dict[str, str | int | float | bool]:
    """The pairs of a line that surely is logfmt: pairs alone, two or more, one of them telling; else empty."""
    if not _SURE.match(text):
        return {}
    fields = pairs_of(text, flags=False)
    return fields if len(fields) > 1 and not _TELLING.isdisjoint(fields) else {}


def pairs_of(text: str, *, flags: bool) -> dict[str, str | int | float | bool]:
    """The pairs that make up a text; empty when anything else stands in it. `flags`: some keys may
    stand alone."""
    fields: dict[str, str | int | float | bool] = {}
    paired = False
    for key, quoted, plain, flag, _ in _PART.findall(text):
        if key:
            fields[key] = typed(plain) if plain else _unquoted(quoted)
            paired = True
        elif flag and flags:
            fields[flag] = True
        else:
            return {}
    return fields if paired else {}


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(orjson.loads(f'"{text}"'))
    except ValueError:
        return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)
