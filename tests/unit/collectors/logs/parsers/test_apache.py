from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.apache import read

TIME = "Tue Nov 24 02:16:17.123456 2026"
ERRORS: list[tuple[str, str, dict[str, Any]]] = [
    (
        f"[{TIME}] [core:error] [pid 35:tid 140] [client 1.2.3.4:5] AH00128: File does not exist: /x",
        "error",
        {"time": TIME, "module": "core", "level": "error", "pid": 35, "thread": 140, "client": "1.2.3.4:5",
         "code": "AH00128", "message": "File does not exist: /x"},
    ),
    (
        "[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied: /x",
        "error",
        {"time": "Wed Oct 11 14:32:52 2000", "level": "error", "client": "127.0.0.1", "message": "client denied: /x"},
    ),
    (
        f"[{TIME}] [ssl:trace3] [pid 35] x",
        "trace",
        {"time": TIME, "module": "ssl", "level": "trace3", "pid": 35, "message": "x"},
    ),
    (
        f"[{TIME}] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache configured",
        "info",
        {"time": TIME, "module": "mpm_event", "level": "notice", "pid": 1, "thread": 1, "code": "AH00489",
         "message": "Apache configured"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "fields"), ERRORS)
def test_the_error_log_tells_module_level_and_code(text: str, level: str, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


def test_the_access_log_is_read_too() -> None:
    found = read('::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 45')
    assert found is not None
    assert found.fields["size"] == 45


def test_any_other_line_is_refused() -> None:
    assert read("AH00558: httpd: Could not reliably determine the server's name") is None
