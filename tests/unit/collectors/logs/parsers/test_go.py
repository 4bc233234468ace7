from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.go import read

LINES: list[tuple[str, str | None, dict[str, Any]]] = [
    ("2026/11/24 02:16:17 listening", None, {"time": "2026/11/24 02:16:17", "message": "listening"}),
    (
        "2026/11/24 02:16:17.123456 cmd/main.go:23: ERROR boom\nsecond",
        "error",
        {"time": "2026/11/24 02:16:17.123456", "file": "cmd/main.go", "line": 23, "message": "ERROR boom\nsecond"},
    ),
    ("2026/11/24 INFO hello n=3", "info", {"time": "2026/11/24", "message": "INFO hello n=3"}),
    (
        '2026-11-24T02:16:17.123Z\tINFO\tsetup\tmanager/main.go:12\tstarting\t{"port": 8080, "line": 9}',
        "info",
        {"port": 8080, "time": "2026-11-24T02:16:17.123Z", "level": "INFO", "logger": "setup",
         "file": "manager/main.go", "line": 12, "message": "starting"},
    ),
    (
        '2026-11-24T02:16:17.123Z\tERROR\tmain.go:12\tboom\t{"error": "x"}\nmain.main\n\t/src/main.go:12',
        "error",
        {"error": "x", "time": "2026-11-24T02:16:17.123Z", "level": "ERROR", "file": "main.go", "line": 12,
         "message": "boom"},
    ),
    (
        "2026-11-24T02:16:17.123+0100\tDEBUG\tplain text",
        "debug",
        {"time": "2026-11-24T02:16:17.123+0100", "level": "DEBUG", "message": "plain text"},
    ),
    (
        "time=2026-11-24T02:16:17Z level=WARN msg=hi",
        "warn",
        {"time": "2026-11-24T02:16:17Z", "level": "WARN", "msg": "hi"},
    ),
    (
        "I1124 02:16:17.123456 1 a.go:1] x",
        "info",
        {"time": "1124 02:16:17.123456", "thread": 1, "file": "a.go", "line": 1, "message": "x"},
    ),
    (
        "panic: runtime error: index out of range [1]\n\ngoroutine 18 [running]:\nmain.main()",
        "fatal",
        {"message": "runtime error: index out of range [1]", "goroutine": 18},
    ),
    ("fatal error: all goroutines are asleep - deadlock!", "fatal", {"message": "all goroutines are asleep - deadlock!"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "fields"), LINES)
def test_what_go_programs_print(text: str, level: str | None, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


@pytest.mark.parametrize("text", ["", "hello", "a=1 b=2", "2026-11-24T02:16:17Z INFO spaces"])
def test_any_other_line_is_refused(text: str) -> None:
    assert read(text) is None
