"""klog and glog, as Kubernetes' components and many of Google's programs print: `I1124 02:16:17.1 7 file.go:10] text`.

Structured lines (`"text" key="value"`) give their pairs, too. Source: the header that both packages document;
newer glog writes the year before the month.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.levels import KLOG
from collectors.logs.parsers.logfmt import pairs_of
from collectors.logs.parsers.understood import Found

NAME = "klog"
_HEAD = re.compile(
    r"([IWEF])((?:\d{4})?\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?) +(\d{1,18}) ([^\s:\]]+):(\d{1,9})\] ?", re.A
)
_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)" ', re.DOTALL)


def read(text: str) -> Found | None:
    """Time, thread, file, line and message of a line; None when its head is another."""
    head = _HEAD.match(text)
    if head is None:
        return None
    letter, time, thread, file, line = head.groups()
    fields: dict[str, Any] = {"time": time, "thread": int(thread), "file": file, "line": int(line)}
    message = text[head.end() :]
    quoted = _QUOTED.match(message)
    pairs = pairs_of(message[quoted.end() :], flags=False) if quoted else {}
    fields["message"] = quoted[1].replace('\\"', '"') if quoted and pairs else message
    return Found(pairs | fields, KLOG[letter])
