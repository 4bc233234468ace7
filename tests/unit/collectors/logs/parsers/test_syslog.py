from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.syslog import read

LINES: list[tuple[str, str | None, dict[str, Any]]] = [
    (
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed on /dev/pts/8",
        "fatal",
        {"time": "Oct 11 22:14:15", "host": "mymachine", "app": "su", "message": "'su root' failed on /dev/pts/8",
         "facility": "auth"},
    ),
    (
        '<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog - ID47 [x@32473 iut="3" s="a\\"]b"][y@1] \ufeffhello',
        "info",
        {"time": "2003-10-11T22:14:15.003Z", "host": "host.example.com", "app": "evntslog", "id": "ID47",
         "data": {"x@32473": {"iut": "3", "s": 'a"]b'}, "y@1": {}}, "message": "hello", "facility": "local4"},
    ),
    (
        "<11>1 2026-11-24T02:16:17+01:00 - app 1234 - - it broke",
        "error",
        {"time": "2026-11-24T02:16:17+01:00", "app": "app", "pid": 1234, "message": "it broke", "facility": "user"},
    ),
    ("<34>1 - - - - - -", "fatal", {"facility": "auth"}),
    (
        "Nov  4 02:16:17 host sshd[12]: error: no",
        "error",
        {"time": "Nov  4 02:16:17", "host": "host", "app": "sshd", "pid": 12, "message": "error: no"},
    ),
    (
        "<15>Nov 24 02:16:17 cron: x",
        "debug",
        {"time": "Nov 24 02:16:17", "app": "cron", "message": "x", "facility": "user"},
    ),
    (
        "2026-11-24T02:16:17.123456+01:00 host app[1]: hi",
        None,
        {"time": "2026-11-24T02:16:17.123456+01:00", "host": "host", "app": "app", "pid": 1, "message": "hi"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "fields"), LINES)
def test_both_forms(text: str, level: str | None, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<34>",
        "<999>Oct 11 22:14:15 a b: c",
        "<192>1 - - - - - -",
        "<34>1 - - - - - [open",
        "<34>1 - - - - - -x",
    ],
)
def test_what_is_of_neither_form_is_refused(text: str) -> None:
    assert read(text) is None
