from __future__ import annotations

from collectors.logs.assemble import CUT, TORN, Assembler
from collectors.logs.entry import MAX_ENTRY
from collectors.logs.formats import cri, docker_json, docker_local
from tests.unit.collectors.logs.formats.test_docker_local import frame

KEY = b"k" * 16


def line(content: str, tag: str = "F", stream: str = "stdout", second: int = 1) -> bytes:
    return f"1970-01-01T00:00:{second:02d}Z {stream} {tag} {content}\n".encode()


def test_whole_lines_are_entries_with_their_place() -> None:
    data = line("a") + line("b", stream="stderr", second=2)
    entries = Assembler(cri).feed(KEY, 100, data)
    assert [(e.stream, e.message, e.offset, e.size) for e in entries] == [
        ("stdout", b"a", 100, 2),
        ("stderr", b"b", 100 + len(line("a")), 2),
    ]
    assert [e.time for e in entries] == [1_000_000_000, 2_000_000_000]


def test_parts_are_joined_per_stream() -> None:
    data = line("a", "P") + line("x", "P", "stderr") + line("b", "P") + line("y", "F", "stderr") + line("c")
    entries = Assembler(cri).feed(KEY, 0, data)
    assert [(e.stream, e.message) for e in entries] == [("stderr", b"xy"), ("stdout", b"abc")]
    assert entries[1].offset == 0
    assert entries[1].size == 4


def test_parts_are_joined_across_batches_and_files() -> None:
    assembler = Assembler(cri)
    assert assembler.feed(KEY, 0, line("a", "P")) == []
    (entry,) = assembler.feed(b"other", 0, line("b", second=9))
    assert (entry.message, entry.key, entry.offset, entry.time) == (b"ab", KEY, 0, 1_000_000_000)


def test_what_is_pending_can_be_ended_and_stays_so() -> None:
    assembler = Assembler(cri)
    assembler.feed(KEY, 0, line("Password: ", "P"))
    cut = assembler.pending["stdout"].cut
    (entry,) = assembler.flush()
    assert (entry.message, entry.partial, entry.size) == (b"Password: ", True, 10)
    whole = Assembler(cri, cuts={cut}).feed(KEY, 0, line("Password: ", "P") + line("ok"))
    assert [(e.message, e.partial) for e in whole] == [(b"Password: ", True), (b"ok", False)]


def test_an_entry_that_is_too_long_is_cut_and_says_so() -> None:
    part = "x" * 16_384
    data = line(part, "P") * 20 + line("end")
    (entry,) = Assembler(cri).feed(KEY, 0, data)
    assert len(entry.message) == MAX_ENTRY
    assert entry.error == CUT
    assert entry.size == 20 * 16_384 + 4


def test_an_entry_of_exactly_the_limit_is_not_cut() -> None:
    data = line("x" * 131_072, "P") + line("y" * 131_072)
    (entry,) = Assembler(cri).feed(KEY, 0, data)
    assert entry.error == ""
    assert len(entry.message) == MAX_ENTRY


def test_a_foreign_line_is_marked_and_does_not_disturb() -> None:
    data = line("a", "P") + b"gar\xffbage\n" + line("b")
    entries = Assembler(cri).feed(KEY, 0, data)
    assert [(e.message, e.error) for e in entries] == [(b"gar\xffbage", cri.foreign), (b"ab", "")]
    assert entries[0].time == 1_000_000_000


def test_a_line_behind_nul_bytes_is_kept_and_marked() -> None:
    (entry,) = Assembler(cri).feed(KEY, 0, b"\0" * 99 + line("a"))
    assert (entry.message, entry.error) == (b"a", TORN)


def test_a_whole_object_behind_a_torn_one_is_kept() -> None:
    torn = b'{"log":"ab{"log":"whole\\n","stream":"stderr","time":"1970-01-01T00:00:01Z"}\n'
    (entry,) = Assembler(docker_json).feed(KEY, 0, torn)
    assert (entry.stream, entry.message, entry.error) == ("stderr", b"whole", TORN)


def test_nothing_but_nul_bytes_or_blanks_is_no_entry() -> None:
    assert Assembler(cri).feed(KEY, 0, b"\0\0\0\n\n \r\n") == []


def test_a_cut_line_is_one_entry() -> None:
    (entry,) = Assembler(cri).feed_cut(KEY, 7, b"x" * 10)
    assert (entry.offset, entry.error) == (7, CUT)


def test_parts_of_unlike_lines_are_never_joined() -> None:
    data = (
        frame(b"a1", part=(b"a", 1))
        + frame(b"a2", part=(b"a", 2))
        + frame(b"b1", part=(b"b", 1))
        + frame(b"b3", part=(b"b", 3), last=True)
        + frame(b"c1", part=(b"c", 1))
        + frame(b"whole")
        + frame(b"d1", part=(b"d", 1))
        + frame(b"d2", part=(b"d", 2), last=True)
    )
    entries = Assembler(docker_local).feed(KEY, 0, data)
    assert [(entry.message, entry.partial) for entry in entries] == [
        (b"a1a2", True),
        (b"b1", True),
        (b"b3", False),
        (b"c1", True),
        (b"whole", False),
        (b"d1d2", False),
    ]
    assert entries[-1].offset == data.index(frame(b"d1", part=(b"d", 1)))


def test_a_torn_frame_is_an_entry_of_its_own() -> None:
    torn = frame(b"torn")[:-7]
    whole = b"".join(frame(text) for text in (b"x", b"y", b"z"))
    entries = Assembler(docker_local).feed(KEY, 0, frame(b"first") + torn + whole)
    assert [(entry.message, entry.error) for entry in entries] == [
        (b"first", ""),
        (torn, docker_local.foreign),
        (b"x", ""),
        (b"y", ""),
        (b"z", ""),
    ]
