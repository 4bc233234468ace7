from __future__ import annotations

import random
import time

import orjson
import pytest

from collectors.logs.levels import LEVELS, level_of
from collectors.logs.parse import understand, understand_many
from collectors.logs.parsers import UnknownParser, parser_of
from collectors.logs.parsers.bounds import DEEPEST, MOST_FIELDS
from collectors.logs.parsers.regex import BadPattern

NAMES = ("auto", "none", "json", "logfmt", "klog", "nginx", "apache", "syslog", "go", "java", "python")
EVERY = (*NAMES, r"regex:(?P<level>\w+) (?P<rest>.*)")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

REAL = [
    b'{"level":"info","msg":"hi","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","n":1.5,"a":{"b":[1,{"c":2}]}}',
    b'level=info ts=2026-11-24T02:16:17Z msg="a \\"q\\" b" n=12 ok=true',
    b'E1124 02:16:17.123456   12345 kubelet.go:2466] "Error" err="node \\"x\\" not found" n=3',
    b'10.0.0.1 - - [24/Nov/2026:02:16:17 +0000] "GET /x HTTP/1.1" 200 612 "-" "Mozilla/5.0 (X11; Linux)" "1.2.3.4"',
    b'2026/11/24 02:16:17 [error] 31#31: *34 open() failed, client: 10.0.0.1, request: "GET /x HTTP/1.1", host: "a"',
    b"[Tue Nov 24 02:16:17.123456 2026] [core:error] [pid 35:tid 140] [client 1.2.3.4:5] AH00128: no file",
    b'<165>1 2003-10-11T22:14:15.003Z host app - ID47 [x@1 iut="3" s="a\\"b"] An event',
    b"<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed",
    b'2026-11-24T02:16:17.123Z\tINFO\tsetup\tmanager/main.go:12\tstarting\t{"port": 8080}',
    b"2026-11-24 02:16:17.123  INFO [shop,4bf92f3577b34da6,00f067aa0ba902b7] 1 --- [main] c.e.Shop : x",
    b"2026-11-24 02:16:17,123 [main] ERROR a.b.C - no\njava.lang.IllegalStateException: x\n\tat a.B.c(B.java:3)",
    b'2026-11-24 02:16:17,123 - root - ERROR - boom\nTraceback (most recent call last):\n  File "x"\nKeyError: 1',
    b"[dd.trace_id=1234567890123456 dd.span_id=22] traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
]
KIB = 1024
HUGE = [
    b" " * 256 * KIB,
    b"\x00" * 256 * KIB,
    b"\xff" * 256 * KIB,
    b"{" * 256 * KIB,
    b'{"a":' * 50_000,
    b'a="' * 80_000,
    b'level=info a="' + b'\\" ' * 80_000,
    b"a=b " * 64 * KIB,
    b'k="a\\' * 40_000,
    b"INFO" + b" " * 256 * KIB + b"!",
    b"2026-11-24 02:16:17,123 INFO" + b" " * 250_000 + b"!",
    b"2026-11-24 02:16:17,123" + b" " * 250_000 + b"!",
    b"2026-11-24 02:16:17,123 [main]" + b" [x]" * 60_000,
    b"2026-11-24 02:16:17,123 INFO " + b"a." * 120_000,
    b"2026-11-24 02:16:17,123 INFO [main] " + b"\na.b.C" * 40_000,
    b"10.0.0.1 - " + b"a " * 120_000,
    b'10.0.0.1 - - [x] "' + b"\\" * 60_000,
    b'10.0.0.1 - - [24/Nov/2026:02:16:17 +0000] "GET / HTTP/1.1" 200 1 "a" "b" 1 0.1 [] [] '
    + b"x, " * 18_000,
    b"<34>1 - - - - - " + b'[a b="' * 40_000,
    b"<34>1 - - - - - [a" + b' b="\\"' * 40_000,
    b'I1124 02:16:17.1 7 a.go:1] "' + b'\\"' * 120_000,
    b"2026/11/24 02:16:17 [error] 1#1: " + b', client: "' * 20_000,
    b"trace_id=" * 28_000,
    b"traceparent 00-" * 17_000,
    b"panic: x" + b"\ngoroutine " * 20_000,
    b'{"a":"' + b"x" * 250_000 + b'"}',
    b'{"n":' + b"9" * 250_000 + b"}",
]


def _sound(message: bytes, name: str) -> None:
    found = understand(message, parser_of(name))
    assert found.message == message.decode("utf-8", "replace")
    assert found.level is None or found.level in LEVELS
    assert found.trace_id is None or (len(found.trace_id) in (16, 32) and int(found.trace_id, 16))
    assert found.span_id is None or (len(found.span_id) == 16 and int(found.span_id, 16))
    assert len(found.fields) <= MOST_FIELDS
    assert orjson.loads(orjson.dumps(found.fields)).keys() == found.fields.keys()
    assert found.time is None or 0 <= found.time < 2**63


def test_the_default_understands_what_a_message_looks_like() -> None:
    found = understand(f'{{"level":"info","msg":"hi","trace_id":"{TRACE}","n":1}}'.encode())
    assert (found.level, found.trace_id, found.fields["n"], found.error) == ("info", TRACE, 1, "")
    assert found == understand(found.message.encode(), parser_of("auto"))


def test_half_an_object_is_a_text() -> None:
    found = understand(b'{"level":"info"')
    assert (found.fields, found.message, found.error) == ({}, '{"level":"info"', "")


def test_many_are_understood_in_their_order() -> None:
    found = understand_many(REAL)
    assert found == [understand(message) for message in REAL]
    assert [each.message for each in found] == [message.decode() for message in REAL]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_its_parser_made_once(name: str) -> None:
    assert parser_of(name).name == name
    assert parser_of(name) is parser_of(name)


@pytest.mark.parametrize("name", ["", "JSON", "regex", "jsonn", "x" * 500])
def test_another_name_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(UnknownParser, match=r"known are auto, none, json, .*regex:PATTERN") as caught:
        parser_of(name)
    assert len(str(caught.value)) < 250


def test_a_bad_pattern_is_refused() -> None:
    with pytest.raises(BadPattern, match="RE2 syntax"):
        parser_of("regex:(")


@pytest.mark.parametrize("name", EVERY)
def test_one_by_one_and_many_agree(name: str) -> None:
    parser = parser_of(name)
    assert parser.understand_many(REAL) == [parser.understand(message) for message in REAL]


@pytest.mark.parametrize("name", EVERY)
def test_what_is_huge_is_answered_in_linear_time(name: str) -> None:
    for message in HUGE:
        started = time.process_time()
        _sound(message, name)
        assert time.process_time() - started < 2, message[:60]


@pytest.mark.parametrize("name", EVERY)
def test_no_bytes_make_a_parser_raise(name: str) -> None:
    chance = random.Random(f"{name} 1")
    for _ in range(1500):
        _sound(_mutated(chance), name)


def test_the_default_and_the_counters_see_the_same_level_whatever_the_bytes_are() -> None:
    chance = random.Random(2)
    for message in [*HUGE, *(_mutated(chance) for _ in range(5000))]:
        assert understand(message).level == level_of(message), message[:200]


def _mutated(chance: random.Random) -> bytes:
    """A real line with some of its bytes replaced, removed, doubled or taken from another line."""
    message = bytearray(chance.choice(REAL))
    for _ in range(chance.randrange(6)):
        place = chance.randrange(len(message) + 1)
        other = chance.choice(REAL)
        piece = chance.choice(
            [b"", bytes([chance.randrange(256)]), b'"', b"\\", b"[", b"{", b"=", b" ", b"\n", b"\x00", b"\xed\xa0\x80",
             b"1e999", b"9" * 30, other[chance.randrange(len(other)) :]]
        )  # fmt: skip
        message[place : place + chance.randrange(4)] = piece
    return bytes(message)


def test_nesting_never_passes_the_bound() -> None:
    for depth in (DEEPEST, DEEPEST + 1, 200, 1000, 2000):
        message = b'{"level":"error","a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        found = understand(message)
        assert bool(found.fields) == (depth <= DEEPEST)
        assert found.message == message.decode()
