from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.access import read

TIME = "24/Nov/2026:02:16:17 +0000"
LINES: list[tuple[str, dict[str, Any]]] = [
    (
        '127.0.0.1 ident frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326',
        {"client": "127.0.0.1", "identity": "ident", "user": "frank", "time": "10/Oct/2000:13:55:36 -0700",
         "status": 200, "size": 2326, "method": "GET", "path": "/apache_pb.gif", "protocol": "HTTP/1.0"},
    ),
    (
        f'2001:db8::1 - - [{TIME}] "POST /x?a=1 HTTP/2.0" 304 - "https://r.example/" "curl/8 \\"x\\""',
        {"client": "2001:db8::1", "time": TIME, "status": 304, "method": "POST", "path": "/x?a=1",
         "protocol": "HTTP/2.0", "referer": "https://r.example/", "agent": 'curl/8 \\"x\\"'},
    ),
    (
        f'www.example.org:443 10.0.0.1 - a b [{TIME}] "GET / HTTP/1.1" 200 0 "-" "-"',
        {"host": "www.example.org:443", "client": "10.0.0.1", "user": "a b", "time": TIME, "status": 200, "size": 0,
         "method": "GET", "path": "/", "protocol": "HTTP/1.1"},
    ),
    (
        f'10.0.0.1 - - [{TIME}] "GET / HTTP/1.1" 200 5 "-" "m" "1.2.3.4, 5.6.7.8" extra 0.5',
        {"client": "10.0.0.1", "time": TIME, "status": 200, "size": 5, "method": "GET", "path": "/",
         "protocol": "HTTP/1.1", "agent": "m", "forwarded_for": "1.2.3.4, 5.6.7.8", "rest": "extra 0.5"},
    ),
    (
        f'10.0.0.1 - - [{TIME}] "\\x16\\x03" 400 157 "-" "-"',
        {"client": "10.0.0.1", "time": TIME, "status": 400, "size": 157, "request": "\\x16\\x03"},
    ),
    (
        f'10.0.0.1 - - [{TIME}] "" 408 0 "-" "-"',
        {"client": "10.0.0.1", "time": TIME, "status": 408, "size": 0},
    ),
    (
        f'1.2.3.4 - - [{TIME}] "GET /a HTTP/2.0" 502 9 "-" "m" 512 0.012 [ns-web-80] [] 10.1.1.1:80, 10.1.1.2:80 0, 9 '
        "0.001, 0.011 502, 200 4bf92f3577b34da6a3ce929d0e0e4736",
        {"client": "1.2.3.4", "time": TIME, "status": 502, "size": 9, "method": "GET", "path": "/a",
         "protocol": "HTTP/2.0", "agent": "m", "request_length": 512, "request_time": 0.012,
         "upstream_name": "ns-web-80", "upstream_address": "10.1.1.1:80, 10.1.1.2:80", "upstream_size": "0, 9",
         "upstream_time": "0.001, 0.011", "upstream_status": "502, 200",
         "request_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), LINES)
def test_the_parts_of_a_line(text: str, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert found.fields == fields
    assert found.level is None


@pytest.mark.parametrize(
    "text", ["", "x", f"10.0.0.1 - - [{TIME}]", f'10.0.0.1 - - [{TIME}] "GET" x 1', "a b c [d] " * 9]
)
def test_another_line_is_refused(text: str) -> None:
    assert read(text) is None
