"""syslog: RFC 5424 (`<34>1 TIME HOST APP PROC MSGID [data] text`) and the older form of RFC 3164.

The older form is read as it is found: without its number, or with a time of RFC 3339, as files have it. The level
is the severity's; a line without a number has the level of its text.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.levels import SYSLOG, level_in_text
from collectors.logs.parsers.understood import Found

NAME = "syslog"
_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
_NUMBER = r"<(?P<number>\d{1,3})>"
_NEW = re.compile(
    rf"{_NUMBER}[1-9]\d? (?P<time>\S{{1,64}}) (?P<host>\S{{1,255}}) (?P<app>\S{{1,48}}) (?P<pid>\S{{1,128}}) "
    r"(?P<id>\S{1,32}) (?P<data>-|(?=\[))"
)
_OLD = re.compile(
    rf"(?:{_NUMBER})?(?P<time>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d|\d{{4}}-\d\d-\d\dT[\d:.]{{8,18}}(?:Z|[+-]\d\d:\d\d)) "
    r"(?:(?P<host>[^\s:\[\]]{1,255}) )?(?P<app>[^\s:\[\]]{1,128})(?:\[(?P<pid>[^\]\s]{1,128})\])?: ?(?P<message>.*)",
    re.A | re.DOTALL,
)
_ELEMENT = re.compile(r'\[([^\s=\]"]{1,32})((?: [^\s=\]"]{1,32}="[^"\\]*(?:\\.[^"\\]*)*")*)\]', re.DOTALL)
_PARAMETER = re.compile(r' ([^\s=\]"]{1,32})="([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_BOM = "\ufeff"


def read(text: str) -> Found | None:
    """The parts of a line of either form; None when it is of neither."""
    found = _NEW.match(text)
    if found:
        return _new(text, found)
    found = _OLD.match(text)
    return _found(found.groupdict(), {}) if found else None


def _new(text: str, head: re.Match[str]) -> Found | None:
    parts: dict[str, str | None] = head.groupdict()
    place = head.end()
    data: dict[str, dict[str, str]] = {}
    while element := _ELEMENT.match(text, place):
        pairs = _PARAMETER.findall(element[2])
        data[element[1]] = {name: _ESCAPE.sub(r"\1", value) for name, value in pairs}
        place = element.end()
    if parts.pop("data") != "-" and not data:
        return None
    if text[place : place + 1] not in ("", " "):
        return None
    parts["message"] = text[place + 1 :].removeprefix(_BOM)
    return _found(parts, data)


def _found(parts: dict[str, str | None], data: dict[str, dict[str, str]]) -> Found | None:
    number = parts.pop("number")
    if number is not None and int(number) >= 8 * len(_FACILITIES):
        return None
    fields: dict[str, Any] = {name: value for name, value in parts.items() if value and value != "-"}
    if str(fields.get("pid", "")).isdecimal():
        fields["pid"] = int(fields["pid"])
    if data:
        fields["data"] = data
    if number is None:
        return Found(fields, level_in_text(str(fields.get("message", ""))))
    fields["facility"] = _FACILITIES[int(number) // 8]
    return Found(fields, SYSLOG[int(number) % 8])
