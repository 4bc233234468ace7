from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.python import read

TIME = "2026-11-24 02:16:17,123"
TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    1/0\n'
LINES: list[tuple[str, str | None, dict[str, Any]]] = [
    (
        f"{TIME} - app.web - WARNING - slow - very",
        "warn",
        {"time": TIME, "logger": "app.web", "level": "WARNING", "message": "slow - very"},
    ),
    (
        f"{TIME} - root - ERROR - boom\n{TRACEBACK}ZeroDivisionError: division by zero",
        "error",
        {"time": TIME, "logger": "root", "level": "ERROR", "message": "boom", "exception": "ZeroDivisionError"},
    ),
    ("WARNING:root:deprecated", "warn", {"level": "WARNING", "logger": "root", "message": "deprecated"}),
    ("INFO:     Started server", "info", {"level": "INFO", "message": "Started server"}),
    (
        "2026-11-24 02:16:17.123 | SUCCESS  | app.main:run:12 - done",
        "info",
        {"time": "2026-11-24 02:16:17.123", "level": "SUCCESS", "logger": "app.main", "function": "run", "line": 12,
         "message": "done"},
    ),
    (
        "[2026-11-24 02:16:17 +0000] [7] [INFO] Booting worker",
        "info",
        {"time": "2026-11-24 02:16:17 +0000", "pid": 7, "level": "INFO", "message": "Booting worker"},
    ),
    (
        f"[{TIME}: CRITICAL/MainProcess] gone",
        "fatal",
        {"time": TIME, "level": "CRITICAL", "process": "MainProcess", "message": "gone"},
    ),
    (f"{TIME} [INFO] app.web: hi", "info", {"time": TIME, "level": "INFO", "logger": "app.web", "message": "hi"}),
    (f"{TIME} DEBUG    app.web: hi", "debug", {"time": TIME, "level": "DEBUG", "logger": "app.web", "message": "hi"}),
    (f"{TIME} - INFO - hi there", "info", {"time": TIME, "level": "INFO", "message": "hi there"}),
    (f"{TRACEBACK}app.errors.Gone", None, {"exception": "app.errors.Gone"}),
    (f"worker died\n{TRACEBACK}KeyError: 'x'\n", None, {"message": "worker died", "exception": "KeyError"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "fields"), LINES)
def test_the_usual_formats_of_python(text: str, level: str | None, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


@pytest.mark.parametrize("text", ["", "hello", "hello: WARNING:x", f"{TIME} hello", "ERRORS:a:b"])
def test_any_other_line_is_refused(text: str) -> None:
    assert read(text) is None
