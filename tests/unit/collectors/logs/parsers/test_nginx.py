from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.nginx import read

ERRORS: list[tuple[str, str, dict[str, Any]]] = [
    (
        '2026/11/24 02:16:17 [error] 31#32: *34 open() "/srv/x" failed (2: No such file), client: 10.0.0.1, '
        'server: localhost, request: "GET /x,y HTTP/1.1", upstream: "http://u/", host: "a.b", referrer: "http://r/"',
        "error",
        {"time": "2026/11/24 02:16:17", "level": "error", "pid": 31, "thread": 32, "connection": 34,
         "message": 'open() "/srv/x" failed (2: No such file)', "client": "10.0.0.1", "server": "localhost",
         "request": "GET /x,y HTTP/1.1", "upstream": "http://u/", "host": "a.b", "referrer": "http://r/"},
    ),
    (
        "2026/11/24 02:16:17 [notice] 1#1: start worker processes",
        "info",
        {"time": "2026/11/24 02:16:17", "level": "notice", "pid": 1, "thread": 1, "message": "start worker processes"},
    ),
    (
        "2026/11/24 02:16:17 [emerg] 1#1: bind() failed",
        "fatal",
        {"time": "2026/11/24 02:16:17", "level": "emerg", "pid": 1, "thread": 1, "message": "bind() failed"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "fields"), ERRORS)
def test_the_error_log_tells_its_level_and_the_request(text: str, level: str, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


def test_the_access_log_is_read_too_and_has_no_level() -> None:
    found = read('10.0.0.1 - - [24/Nov/2026:02:16:17 +0000] "GET / HTTP/1.1" 500 6 "-" "ERROR"')
    assert found is not None
    assert found.fields["status"] == 500
    assert found.level is None


def test_any_other_line_is_refused() -> None:
    assert read("/docker-entrypoint.sh: Configuration complete; ready for start up") is None
