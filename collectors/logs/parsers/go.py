"""Go programs: the standard log package, zap's console, logfmt (slog, logrus), glog, and panics.

Source: the flags of package log, zap's development encoder, the runtime's way to print a panic.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from collectors.logs.levels import level_in, level_in_text, normalised
from collectors.logs.parsers import klog, logfmt
from collectors.logs.parsers.understood import Found

NAME = "go"
_STANDARD = re.compile(
    r"(?P<time>\d{4}/\d\d/\d\d(?: \d\d:\d\d:\d\d(?:\.\d{1,9})?)?) "
    r"(?:(?P<file>[^\s:]{1,256}\.go):(?P<line>\d{1,9}): )?(?P<message>.*)",
    re.A | re.DOTALL,
)
_ZAP = re.compile(
    r"(?P<time>[\d:.TZ+-]{8,40})\t(?P<level>[A-Z]{4,6})\t(?:(?P<logger>[^\t/]{1,128})\t(?=[^\t]*\.go:\d))?"
    r"(?:(?P<file>[^\s:]{1,256}\.go):(?P<line>\d{1,9})\t)?(?P<message>[^\t]*)(?:\t(?P<more>.*))?",
    re.A | re.DOTALL,
)
_PANIC = re.compile(r"(?:panic|fatal error): ([^\n]*)")
_GOROUTINE = re.compile(r"\ngoroutine (\d{1,18}) \[")


def read(text: str) -> Found | None:
    """The parts of a line of any of these; None when it is none of them."""
    if found := _STANDARD.fullmatch(text):
        return Found(_fields(found.groupdict()), level_in_text(found["message"]))
    if found := _ZAP.fullmatch(text):
        return _zap(found)
    if pairs := logfmt.sure(text):
        return Found(dict(pairs), level_in(pairs) or level_in_text(text))
    return klog.read(text) or _panic(text)


def _zap(found: re.Match[str]) -> Found:
    parts = found.groupdict()
    more = _object(parts.pop("more") or "")
    return Found(more | _fields(parts), normalised(found["level"]))


def _object(text: str) -> dict[str, Any]:
    """The fields that zap prints behind the message, before a stack."""
    first = text.partition("\n")[0]
    if first[:1] != "{":
        return {}
    try:
        found: dict[str, Any] = orjson.loads(first)
    except ValueError:
        return {}
    return found


def _fields(parts: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in parts.items() if value}
    if "line" in fields:
        fields["line"] = int(fields["line"])
    return fields


def _panic(text: str) -> Found | None:
    found = _PANIC.match(text)
    if found is None:
        return None
    fields: dict[str, Any] = {"message": found[1]}
    if goroutine := _GOROUTINE.search(text):
        fields["goroutine"] = int(goroutine[1])
    return Found(fields, "fatal")
