"""Apache httpd: its access log, and its error log (`[time] [core:error] [pid 35:tid 140] [client 1.2.3.4:5] text`).

Source: Apache's ErrorLogFormat, as its default of 2.4 and that of 2.2 are.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.levels import normalised
from collectors.logs.parsers import access
from collectors.logs.parsers.understood import Found

NAME = "apache"
_ERROR = re.compile(
    r"\[(?P<time>[A-Z][a-z][a-z] [A-Z][a-z][a-z] [ \d]\d [\d:.]{8,18} \d{4})\] "
    r"\[(?:(?P<module>[a-z0-9_]{1,64})?:)?(?P<level>[a-z]{4,6}\d?)\] "
    r"(?:\[pid (?P<pid>\d{1,18})(?::tid (?P<thread>\d{1,18}))?\] )?"
    r"(?:\[client (?P<client>[^\]\s]{1,64})\] )?"
    r"(?:(?P<code>AH\d{5}): )?(?P<message>.*)",
    re.A | re.DOTALL,
)


def read(text: str) -> Found | None:
    """The parts of a line of either log; None when it is of neither."""
    return _error(text) or access.read(text)


def _error(text: str) -> Found | None:
    found = _ERROR.match(text)
    if found is None:
        return None
    fields: dict[str, Any] = {name: value for name, value in found.groupdict().items() if value}
    for name in ("pid", "thread"):
        if name in fields:
            fields[name] = int(fields[name])
    return Found(fields, normalised(fields["level"].rstrip("12345678")))
