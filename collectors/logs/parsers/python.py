"""Python: the logging module's usual formats, Loguru, Gunicorn, Uvicorn, Celery, and tracebacks.

Of a message with a traceback, `message` is what stands before it and `exception` the class that was raised.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.levels import level_in_text, normalised
from collectors.logs.parsers.understood import Found

NAME = "python"
_TIME = r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?)"
_LEVEL = r"(?P<level>TRACE|DEBUG|INFO|SUCCESS|WARN(?:ING)?|ERROR|CRITICAL|FATAL|NOTSET)"
_LOGGER = r"(?P<logger>[\w.<>-]{1,256})"
_MESSAGE = r"(?P<message>.*)"
_FORMS = tuple(
    re.compile(form, re.A | re.DOTALL)
    for form in (
        # asctime - name - levelname - message
        rf"{_TIME} - {_LOGGER} - {_LEVEL} - {_MESSAGE}",
        # Loguru: TIME | INFO     | module:function:12 - message
        rf"{_TIME} \| {_LEVEL} *\| {_LOGGER}:(?P<function>[\w<>]{{1,256}}):(?P<line>\d{{1,9}}) - {_MESSAGE}",
        # Gunicorn: [TIME] [7] [INFO] message
        rf"\[{_TIME}\] \[(?P<pid>\d{{1,10}})\] \[{_LEVEL}\] {_MESSAGE}",
        # Celery: [TIME: INFO/MainProcess] message
        rf"\[{_TIME}: {_LEVEL}/(?P<process>[\w-]{{1,256}})\] {_MESSAGE}",
        # asctime [levelname] name: message, asctime levelname name: message, asctime levelname message
        rf"{_TIME} +(?:- +)?\[?{_LEVEL}(?: *\])? +(?:- +)?\[?{_LOGGER}\]?(?::| -) {_MESSAGE}",
        rf"{_TIME} +(?:- +)?\[?{_LEVEL}(?: *\])?(?: -|:)? +{_MESSAGE}",
        # levelname:name:message; Uvicorn: INFO:     message
        rf"{_LEVEL}:{_LOGGER}:{_MESSAGE}",
        rf"{_LEVEL}: +{_MESSAGE}",
    )
)
_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"(?P<exception>(?:[A-Za-z_]\w{0,127}\.){0,16}[A-Za-z_]\w{0,127})(?::|\Z)", re.A)


def read(text: str) -> Found | None:
    """The parts of a line; None when no form fits."""
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _found(found.groupdict())
    raised = _raised(text)
    return Found(raised, level_in_text(text)) if raised else None


def _found(parts: dict[str, Any]) -> Found:
    fields: dict[str, Any] = {name: value for name, value in parts.items() if value}
    for name in ("pid", "line"):
        if name in fields:
            fields[name] = int(fields[name])
    fields |= _raised(fields.get("message", ""))
    return Found(fields, "info" if fields["level"] == "SUCCESS" else normalised(fields["level"]))


def _raised(message: str) -> dict[str, Any]:
    """What stands before a traceback, and what was raised; empty when there is none."""
    place = message.find(_TRACEBACK)
    if place < 0:
        return {}
    last = next((line for line in reversed(message[place:].split("\n")) if line and line[0] not in " \t"), "")
    found = _RAISED.match(last)
    told = {"message": message[:place].rstrip("\n"), "exception": found["exception"] if found else ""}
    return {name: value for name, value in told.items() if value}
