"""The access log that nginx, Apache and most web servers share: common, combined, and their usual extensions.

`client identity user [time] "request" status size`, then referer and agent, then what a format adds. What a server
writes as `-` is left out. No level: a status is none.
Source: Apache's mod_log_config (common, combined, vhost_combined), nginx's `combined` and its image's `main`,
ingress-nginx's upstream-info format.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.parsers.understood import Found
from collectors.logs.parsers.values import typed

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_COMMON = re.compile(
    rf"(?:(?P<host>[^\s:]+:\d+) )?(?P<client>\S+) (?P<identity>\S+) (?P<user>[^\[\"]{{1,256}}?) "
    rf"\[(?P<time>[^\]]{{1,64}})\] {_QUOTED.replace('(', '(?P<request>', 1)} (?P<status>\d{{3}}) (?P<size>\d+|-)"
)
_COMBINED = re.compile(rf" {_QUOTED} {_QUOTED}")
_FORWARDED = re.compile(rf" {_QUOTED}")
_LIST = r"([^\s,]+(?:, [^\s,]+){0,8})"
_INGRESS = re.compile(
    rf" (\d+) (\d+\.\d+) \[([^\]]*)\] \[([^\]]*)\] {_LIST} {_LIST} {_LIST} {_LIST}"
    r"(?: (\S+))?"
)
_INGRESS_FIELDS = (
    "request_length", "request_time", "upstream_name", "alternative_upstream_name", "upstream_address",
    "upstream_size", "upstream_time", "upstream_status", "request_id",
)  # fmt: skip
_NUMBERS = (
    "status", "size", "request_length", "request_time", "upstream_size", "upstream_time", "upstream_status",
)  # fmt: skip
_LONGEST = 64 * 1024


def read(text: str) -> Found | None:
    """The parts of an access line; None when it is none."""
    common = _COMMON.match(text) if len(text) <= _LONGEST else None
    if common is None:
        return None
    parts: dict[str, str | None] = common.groupdict()
    parts |= _request(parts.pop("request") or "")
    end = common.end()
    if combined := _COMBINED.match(text, end):
        parts["referer"], parts["agent"] = combined.groups()
        end = combined.end()
    if forwarded := _FORWARDED.match(text, end):
        parts["forwarded_for"] = forwarded[1]
        end = forwarded.end()
    elif ingress := _INGRESS.match(text, end):
        parts |= dict(zip(_INGRESS_FIELDS, ingress.groups(), strict=True))
        end = ingress.end()
    if end < len(text):
        parts["rest"] = text[end:].strip()
    return Found(_told(parts), None)


def _request(text: str) -> dict[str, str | None]:
    """Method, path and protocol of a request line; a request that is none as it came."""
    words = text.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/") or not words[0].replace("-", "").isalpha():
        return {"request": text}
    return {"method": words[0], "path": words[1], "protocol": words[2]}


def _told(parts: dict[str, str | None]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: value for name, value in parts.items() if value and value != "-"}
    for name in _NUMBERS:
        if name in fields:
            fields[name] = typed(fields[name])
    return fields
