"""nginx: its access log, and its error log (`2026/11/24 02:16:17 [error] 12#0: *34 text, client: …`).

Source: nginx's ngx_log module; the pairs behind the text are those it adds while it handles a request.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.levels import normalised
from collectors.logs.parsers import access
from collectors.logs.parsers.understood import Found

NAME = "nginx"
_ERROR = re.compile(
    r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[([a-z]{3,8})\] (\d{1,18})#(\d{1,18}): (?:\*(\d{1,18}) )?(.*)",
    re.A | re.DOTALL,
)
_PAIR = re.compile(r', (client|server|request|subrequest|upstream|host|referrer): (?:"([^"]*)"|([^,"]*))')


def read(text: str) -> Found | None:
    """The parts of a line of either log; None when it is of neither."""
    return _error(text) or access.read(text)


def _error(text: str) -> Found | None:
    found = _ERROR.match(text)
    if found is None:
        return None
    time, level, process, thread, connection, message = found.groups()
    fields: dict[str, Any] = {"time": time, "level": level, "pid": int(process), "thread": int(thread)}
    if connection:
        fields["connection"] = int(connection)
    pairs = list(_PAIR.finditer(message))
    fields["message"] = message[: pairs[0].start()] if pairs else message
    fields |= {pair[1]: pair[2] if pair[2] is not None else pair[3] for pair in pairs}
    return Found(fields, normalised(level))
