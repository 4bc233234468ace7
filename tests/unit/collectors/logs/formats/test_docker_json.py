from __future__ import annotations

import json

import pytest

from collectors.logs.formats import Line, docker_json
from collectors.logs.times import parse as parse_time

TIME = "2026-11-24T02:16:17.123456789Z"
NS = parse_time(TIME.encode())


def written(log: str, stream: str = "stdout", time: str = TIME, **attrs: str) -> bytes:
    """As dockerd writes it: control characters, `<>&` and line separators escaped, the rest in UTF-8."""
    text = json.dumps(log, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    more = f',"attrs":{json.dumps(attrs)}' if attrs else ""
    return f'{{"log":{text},"stream":"{stream}"{more},"time":"{time}"}}'.encode()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (written("hello\n"), Line(NS, "stdout", False, b"hello")),
        (written("part", "stderr"), Line(NS, "stderr", True, b"part")),
        (
            written('<a href="x">&\t\x1b[1m\u2028é\n'),
            Line(NS, "stdout", False, '<a href="x">&\t\x1b[1m\u2028é'.encode()),
        ),
        (written("x\r\n", tag="v"), Line(NS, "stdout", False, b"x\r")),
        (written("\n"), Line(NS, "stdout", False, b"")),
        (b'{"stream":"stdout","time":"2026-11-24T02:16:17.123456789Z"}', Line(NS, "stdout", True, b"")),
        (written("x\n", time="2026-11-24T02:16:17.1Z"), Line(NS - 23_456_789, "stdout", False, b"x")),
    ],
)
def test_objects_as_dockerd_writes_them(line: bytes, expected: Line) -> None:
    assert docker_json.parse(line) == expected


def test_the_whole_object_behind_a_torn_one_is_found() -> None:
    torn = b'{"log":"to' + written("whole\n")
    assert docker_json.parse(torn) is None
    assert docker_json.behind(torn) == Line(NS, "stdout", False, b"whole")
    assert docker_json.behind(b'{"log":"to') is None


@pytest.mark.parametrize(
    "line",
    [b"", b"\0\0\0", b'{"log":"half', b"[]", b'{"log":1,"stream":"stdout","time":"x"}', written("x\n", "stdin"),
     written("x\n", time="never"), b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_such_object_is_none(line: bytes) -> None:
    assert docker_json.parse(line) is None


def test_a_batch_is_counted() -> None:
    chunk = b"\n".join([written("one\n"), written("ERROR é\n"), written("\n", "stderr")]) + b"\n"
    tally = docker_json.tally(chunk)
    assert tally is not None
    assert tally.bytes == {"stdout": 4 + 9, "stderr": 1}
    assert tally.lines == {"stdout": 2, "stderr": 1}
    assert tally.messages == {"unknown": 2, "error": 1}
    assert tally.time == NS


@pytest.mark.parametrize(
    "odd", [written("part"), b"{", b"\0", written("x\n", time="never"), written("x\n", "other")]
)
def test_a_batch_with_a_part_or_garbage_is_not_counted_in_bulk(odd: bytes) -> None:
    assert docker_json.tally(written("x\n") + b"\n" + odd + b"\n") is None


@pytest.mark.parametrize(
    ("log", "suspected"), [("x\n", False), ("x", True), ("x\\n", True), ('","stream":"', True)]
)
def test_partials_are_suspected_wherever_they_are(log: str, suspected: bool) -> None:
    chunk = written("a\n") + b"\n" + written(log) + b"\n"
    assert docker_json.may_hold_partials(chunk) is suspected


@pytest.mark.parametrize("text", ["plain words", 'a "quoted" <tag> & é \\ end', "tab\there"])
def test_the_unescaped_parts_stand_in_the_file(text: str) -> None:
    line = written(f"x {text} y\n")
    runs = docker_json.runs_of(text)
    assert runs
    assert all(run in line for run in runs)


def test_whole_objects_read_at_once_are_those_read_one_by_one() -> None:
    lines = [
        b'{"log":"one\\n","stream":"stdout","time":"2026-11-24T00:00:00.1Z"}',
        b'{"log":"caf\\u00e9 \\u003c\\n","stream":"stderr","time":"2026-11-24T00:00:01.123456789Z"}',
        b'{"log":"\\n","stream":"stdout","time":"2026-11-24T00:00:02Z"}',
    ]
    entries = docker_json.whole(b"\n".join(lines) + b"\n", b"k", 5)
    assert entries is not None
    offset = 5
    for line, entry in zip(lines, entries, strict=True):
        parsed = docker_json.parse(line)
        assert parsed is not None
        assert entry[:4] == (parsed.time, parsed.stream, parsed.content, b"k")
        assert (entry.offset, entry.size, entry.lines) == (offset, len(parsed.content) + 1, 1)
        offset += len(line) + 1


def test_a_batch_with_a_part_or_a_foreign_line_is_read_one_by_one() -> None:
    good = b'{"log":"one\\n","stream":"stdout","time":"2026-11-24T00:00:00.1Z"}\n'
    for other in (b'{"log":"pa","stream":"stdout","time":"2026-11-24T00:00:00.1Z"}', b"{", b"", b"{} {}"):
        assert docker_json.whole(good + other + b"\n", b"k", 0) is None
