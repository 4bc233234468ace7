from __future__ import annotations

import pytest

from collectors.logs.levels import HINT, LEVELS, level_of

TELLING = [
    (b'{"level":"WARNING","msg":"x"}', "warn"),
    (b'{"msg":"x","severity":"Error"}', "error"),
    (b'{"level":30,"msg":"pino"}', "info"),
    (b' {"lvl":"dbg"}', "debug"),
    (b'{"log.level":"critical"}', "fatal"),
    (b'time="2026" level=warn msg="an ERROR in a text"', "warn"),
    (b'ts=1 caller=x level="fatal"', "fatal"),
    (b"I1124 02:16:17.123456       1 server.go:10] hello", "info"),
    (b"F1124 02:16:17.123456       1 server.go:10] bye", "fatal"),
    (b"<3>disk is gone", "error"),
    (b"2026-11-24 02:16:17,123 ERROR root: it broke", "error"),
    (b"2026/11/24 02:16:17 [warn] 12#0: slow", "warn"),
    (b"WARNING:root:deprecated", "warn"),
    (b"panic: runtime error", "fatal"),
    (b"error: no such file", "error"),
    (b"[INFO] started", "info"),
    (b"TRACE - entering", "trace"),
    (b"2026-11-24 NOTICE: reload", "info"),
]
SILENT = [
    b"",
    b"just a line",
    b"line 12 of 1000000",
    b"the information desk had an error in it",
    b'{"msg":"no level"}',
    b'{"level":"upside-down"}',
    b"ERRORS=0",
    b"x-error-handler ready",
    b'{"a":{"level":"error"}}',
]


@pytest.mark.parametrize(("message", "level"), TELLING)
def test_a_level_is_recognised_and_normalised(message: bytes, level: str) -> None:
    assert level_of(message) == level
    assert level in LEVELS


@pytest.mark.parametrize("message", SILENT)
def test_what_tells_no_level_has_none(message: bytes) -> None:
    assert level_of(message) is None


@pytest.mark.parametrize("message", [message for message, _ in TELLING])
def test_the_hint_never_misses_a_level(message: bytes) -> None:
    assert HINT.search(b"2026-11-24T02:16:17Z stdout F " + message + b"\n")


@pytest.mark.parametrize("message", [b"I1124 02:16:17.123456 1 x] y", b"<3>disk"])
def test_the_hint_sees_through_json_escapes(message: bytes) -> None:
    escaped = message.replace(b"<", b"\\u003c")
    assert HINT.search(b'{"log":"' + escaped + b'\\n","stream":"stderr","time":"2026-11-24T02:16:17Z"}\n')


def test_a_plain_line_raises_no_hint() -> None:
    assert not HINT.search(b"2026-11-24T02:16:17Z stdout F line 0000012 abcdefghijk\n")
