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
    (b"W20261124 02:16:17.123456 7 a.cc:1] x", "warn"),
    (b"10:15AM WRN slow n=1", "warn"),
    (b"10:15AM FTL gone", "fatal"),
    (b"2026-11-24 02:16:17.123 | ERROR    | app:run:1 - x", "error"),
    (b"2026-11-24 [Warning] x level=info", "warn"),
    (b"2026-11-24 <error> x", "error"),
    (b"ts=1 a=2 b=3 c=4 d=5 e=6 f=7 level=warn x", "warn"),
    (b'ts=1 a=2 b=3 c=4 d=5 e=6 "log_level": "ERROR"', "error"),
    (b"caf\xe9 ERROR x", "error"),
    (("İ" * 50 + " a b c d e f log_level=error").encode(), "error"),
    (b'\r\n{"msg":"FATAL","level":"error"}', "error"),
    (b'{"level":"info","level":"error"}', "error"),
    (b'{"level":null,"severity":"ERROR"}', "error"),
    (b'{"msg":"caf\xe9","level":"error"}', "error"),
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
    b"GET /level/error 200",
    b'{"level":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"level":99999999999999999999,"severity":1e999}',
    b'{"level":true,"severity":["error"]}',
    b"a=1 b=2 c=3 d=4 e=5 f=6 sublevel=error",
]
WORDS = {
    "trace": ("trace", "trc", "finest"),
    "debug": ("debug", "dbg", "dbug", "verbose", "fine"),
    "info": ("info", "inf", "information", "informational", "notice"),
    "warn": ("warn", "warning", "wrn"),
    "error": ("error", "err", "eror", "severe"),
    "fatal": ("fatal", "ftl", "critical", "crit", "panic", "dpanic", "emerg", "emergency", "alert"),
}
FORMS = ("{upper} x", "12:00 {upper} x", "12:00 {upper}: x", "12:00 [{word}] x", "12:00 [{title}] x", "{word}: x",
         "12:00 x level={word} y", 'a=1 level="{upper}"', "a b c d e f g h [{word}] x", "a b c d e f g h {upper} x",
         "a b c d e f g h level={title} x", '{{"level":"{title}"}}', '{{"severity":"{upper}"}}')  # fmt: skip


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


@pytest.mark.parametrize("level", WORDS)
def test_each_name_of_a_level_is_recognised_in_each_place_and_hinted_at(level: str) -> None:
    for word in WORDS[level]:
        for form in FORMS:
            message = form.format(word=word, upper=word.upper(), title=word.capitalize()).encode()
            assert level_of(message) == level, message
            assert HINT.search(message), message


def test_a_level_far_into_the_message_is_none() -> None:
    assert level_of(b"x" * 600 + b" level=error") is None
    assert level_of("é".encode() * 200 + b" ERROR") is None
