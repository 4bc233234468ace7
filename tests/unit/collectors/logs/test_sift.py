from __future__ import annotations

import pytest

from collectors.logs.assemble import Assembler
from collectors.logs.formats import Format, cri, docker_json
from collectors.logs.judge import Judge
from collectors.logs.lines import Batch
from collectors.logs.rule import Rule
from collectors.logs.sift import Sieve, needle_of
from tests.unit.collectors.logs.formats.test_docker_json import written


@pytest.mark.parametrize(
    ("grep", "format", "needle"),
    [
        (None, cri, None),
        ("error", cri, b"error"),
        ('say "x<y" please', cri, b'say "x<y" please'),
        ('say "x<y" please', docker_json, b" please"),
        ("h\u00e9llo", cri, "h\u00e9llo".encode()),
        ("h\u00e9llo", docker_json, b"llo"),
        ("a|b", cri, None),
        ("x", cri, None),
    ],
)
def test_what_is_looked_for_in_raw_bytes(grep: str | None, format: Format, needle: bytes | None) -> None:
    assert needle_of(grep, format) == needle


def sieved(format: Format, grep: str, *batches: bytes) -> list[bytes]:
    sieve = Sieve(format, Judge(grep=grep), needle_of(grep, format), Rule())
    assembler = Assembler(format)
    return [entry.message for data in batches for entry in sieve.entries(assembler, b"k", Batch(0, data))]


def test_a_text_that_stands_in_two_parts_is_found() -> None:
    head = b"1970-01-01T00:00:01Z stdout "
    assert sieved(cri, "needle", head + b"P nee\n" + head + b"F dle\n") == [b"needle"]
    assert sieved(cri, "needle", head + b"P nee\n", head + b"F dle\n" + head + b"F hay\n") == [b"needle"]
    parts = (written("nee"), written("dle\n"))
    assert sieved(docker_json, "needle", b"\n".join(parts) + b"\n") == [b"needle"]


def test_a_text_that_stands_escaped_is_found() -> None:
    data = written('path="C:\\new" <é>\n') + b"\n" + written("other\n") + b"\n"
    assert sieved(docker_json, 'path="C:\\\\new" <é>', data) == ['path="C:\\new" <é>'.encode()]


def test_a_text_of_the_header_is_no_match() -> None:
    assert sieved(
        cri, "stdout", b"1970-01-01T00:00:01Z stdout F x\n1970-01-01T00:00:01Z stdout F stdout\n"
    ) == [b"stdout"]


def test_times_are_the_same_as_if_each_line_had_been_read() -> None:
    data = b"1970-01-01T00:00:01Z stdout F a\n1970-01-01T00:00:02Z stdout F b\ngarbage needle\n1970-01-01T00:00:03Z stdout F c\n"
    sieve = Sieve(cri, Judge(grep="needle"), b"needle", Rule())
    assembler, plain = Assembler(cri), Assembler(cri)
    (found,) = sieve.entries(assembler, b"k", Batch(0, data))
    assert found in plain.feed(b"k", 0, data)
    assert assembler.time == plain.time == 3_000_000_000
