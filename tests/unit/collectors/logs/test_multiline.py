"""Lines joined to entries, whatever order and batches they come in."""

from __future__ import annotations

import random

import pytest

from collectors.logs.assemble import Assembler
from collectors.logs.entry import Entry
from collectors.logs.formats import cri
from collectors.logs.judge import BadQuery
from collectors.logs.multiline import SPAN, Joiner
from collectors.logs.rule import Multiline

TRACE = ["java.lang.RuntimeException: x", "\tat a.b.C.d(C.java:1)", "\tat a.b.C.e(C.java:2)"]
STACKS = Multiline()


def line(text: str, stream: str = "stdout", tag: str = "F") -> bytes:
    return f"2026-11-24T00:00:00.000000001Z {stream} {tag} {text}\n".encode()


def messages(entries: list[Entry]) -> list[str]:
    return [entry.message.decode() for entry in entries]


def read(data: bytes, *, pieces: list[int], rule: Multiline = STACKS) -> list[Entry]:
    """All entries of some lines, fed in batches that end behind these lines."""
    assembler = Assembler(cri, multiline=rule)
    lines = data.splitlines(keepends=True)
    found: list[Entry] = []
    offset = start = 0
    for end in [*pieces, len(lines)]:
        batch = b"".join(lines[start:end])
        if batch:
            found += assembler.feed(b"k", offset, batch)
        offset, start = offset + len(batch), end
    return found + assembler.flush()


def test_a_trace_is_one_entry_with_the_size_and_lines_of_all() -> None:
    data = line("before") + b"".join(line(text) for text in TRACE) + line("after")
    entries = read(data, pieces=[])
    assert messages(entries) == ["before", "\n".join(TRACE), "after"]
    assert (entries[1].lines, entries[1].size) == (3, sum(len(text) + 1 for text in TRACE))
    assert entries[1].offset == len(line("before"))


def test_batches_and_the_other_stream_change_nothing() -> None:
    data = b"".join(
        [line("a"), line(TRACE[0]), line("b", "stderr"), line(TRACE[1]), line(TRACE[0], "stderr"), line(TRACE[2]),
         line(TRACE[1], "stderr"), line("c"), line("d", "stderr")]
    )  # fmt: skip
    whole = sorted(read(data, pieces=[]))
    assert ["\n".join(TRACE[:2]), "\n".join(TRACE)] == [m for m in messages(whole) if "\n" in m]
    generator = random.Random(1)
    for _ in range(50):
        pieces = sorted(generator.sample(range(1, 9), generator.randint(1, 6)))
        assert sorted(read(data, pieces=pieces)) == whole


def test_a_head_alone_is_an_entry_of_its_own() -> None:
    assert messages(read(line(TRACE[0]) + line("next"), pieces=[1])) == [TRACE[0], "next"]
    assert messages(read(line(TRACE[1]), pieces=[])) == [TRACE[1]]


def test_a_trace_in_parts_is_joined_too() -> None:
    data = line("java.lang.Runtime", tag="P") + line("Exception: x") + line(TRACE[1])
    for pieces in ([], [1], [2]):
        assert messages(read(data, pieces=pieces)) == ["java.lang.RuntimeException: x\n" + TRACE[1]]


def test_an_entry_goes_on_in_the_next_file() -> None:
    assembler = Assembler(cri, multiline=STACKS)
    found = assembler.feed(b"old", 1000, line(TRACE[0]))
    found += assembler.feed(b"new", 0, line(TRACE[1]) + line("after"))
    assert messages(found) == ["\n".join(TRACE[:2]), "after"]
    assert (found[0].key, found[0].offset) == (b"old", 1000)


def test_an_entry_ends_where_a_reader_that_looks_back_would_not_see_its_head() -> None:
    filler = "\tat " + "x" * 1000
    lines = [line(TRACE[0])] + [line(filler)] * 100
    entries = read(b"".join(lines), pieces=[50])
    joined = entries[0].lines
    assert SPAN // len(line(filler)) - 2 <= joined - 1 <= SPAN // len(line(filler)) + 1
    assert all(entry.lines == 1 for entry in entries[1:])
    assert sum(entry.lines for entry in entries) == 101


def test_lines_that_come_too_late_are_entries_of_their_own_on_every_reading() -> None:
    assembler = Assembler(cri, multiline=STACKS)
    first, second = line(TRACE[0]), line(TRACE[1]) + line(TRACE[2]) + line("after")
    assert assembler.feed(b"k", 0, first) == []
    assert assembler.joiner is not None
    told = assembler.joiner.flush()
    assert messages(told) == [TRACE[0]]
    assert assembler.joiner.flush() == []
    rest = assembler.feed(b"k", len(first), second)
    assert messages(rest) == [TRACE[1], TRACE[2], "after"]
    cuts = assembler.joiner.late
    assert cuts == [(b"k", 0, len(TRACE[0]) + 1)]
    again = Assembler(cri, cuts, multiline=STACKS)
    assert messages(again.feed(b"k", 0, first + second)) == [TRACE[0], TRACE[1], TRACE[2], "after"]


def test_what_was_given_out_by_time_and_ends_there_leaves_no_boundary() -> None:
    assembler = Assembler(cri, multiline=STACKS)
    assembler.feed(b"k", 0, line(TRACE[0]))
    assert assembler.joiner is not None
    assembler.joiner.flush()
    assert messages(assembler.feed(b"k", 100, line("after"))) == ["after"]
    assert assembler.joiner.late == []
    assert assembler.joiner.stacks == {}


def test_a_second_reader_takes_over_the_boundaries_of_the_first() -> None:
    assembler = Assembler(cri, multiline=STACKS)
    assembler.feed(b"k", 7, line(TRACE[0]))
    assert assembler.settle() == []
    assembler.cuts = {(b"k", 7, len(TRACE[0]) + 1)}
    assert messages(assembler.settle()) == [TRACE[0]]
    assert messages(assembler.feed(b"k", 99, line(TRACE[1]) + line("after"))) == [TRACE[1], "after"]


def test_own_first_lines_take_whatever_follows() -> None:
    rule = Multiline(mode="start", start=r"^\d{4}-")
    data = b"".join(line(text) for text in ["lost", "2026-01 a", " b", "c", "2026-02 d"])
    for pieces in ([], [1], [2], [3], [4]):
        assert messages(read(data, pieces=pieces, rule=rule)) == ["lost", "2026-01 a\n b\nc", "2026-02 d"]


def test_a_bad_first_line_is_told() -> None:
    with pytest.raises(BadQuery, match="RE2"):
        Joiner(Multiline(mode="start", start="("), ())


def test_nothing_is_joined_where_that_is_switched_off() -> None:
    data = b"".join(line(text) for text in TRACE)
    assert messages(read(data, pieces=[], rule=Multiline(mode="none"))) == TRACE
