"""Messages into entries."""

from __future__ import annotations

from collectors.logs.entry import MAX_ENTRY, Entry
from collectors.logs.formats import Line, Part
from collectors.logs.journal.assemble import JournalAssembler
from collectors.logs.journal.cursor import Cursor
from collectors.logs.journal.message import Message
from collectors.logs.multiline import CUT, SPAN
from collectors.logs.rule import Multiline


def messages(*contents: bytes, partial: str = "", parts: list[Part | None] | None = None) -> list[Message]:
    """Messages numbered from 1; those with a `p` in `partial` go on."""
    marks = partial.ljust(len(contents))
    return [
        Message(
            Cursor(b"", b"s", number, number),
            Line(number, "stdout", marks[number - 1] == "p", content, parts[number - 1] if parts else None),
            ("CONTAINER_ID_FULL", "a"), b"", 0,
        )
        for number, content in enumerate(contents, 1)
    ]  # fmt: skip


def seen(entries: list[Entry]) -> list[tuple[bytes, int, bool]]:
    return [(entry.message, entry.offset, entry.partial) for entry in entries]


def test_a_message_is_an_entry_of_its_number() -> None:
    (entry,) = JournalAssembler().take(messages(b"hello"))
    assert (entry.message, entry.offset, entry.size, entry.time) == (b"hello", 1, 6, 1)


def test_parts_are_joined_across_batches() -> None:
    assembler = JournalAssembler()
    assert assembler.take(messages(b"a", b"b", partial="pp")) == []
    (entry,) = assembler.take(messages(b"c"))
    assert (entry.message, entry.offset, entry.size) == (b"abc", 1, 4)


def test_a_part_of_another_line_ends_one_that_has_no_end() -> None:
    parts = [Part(b"x", 1), Part(b"x", 2), Part(b"y", 1), Part(b"y", 2)]
    found = JournalAssembler().take(messages(b"a", b"b", b"c", b"d", partial="ppp ", parts=parts))
    assert seen(found) == [(b"ab", 1, True), (b"cd", 3, False)]


def test_a_stack_trace_is_one_entry_and_no_longer_than_its_span() -> None:
    start = Multiline(mode="start", start="^head")
    assembler = JournalAssembler(multiline=start)
    found = assembler.take(messages(b"head", b" in", b"x" * SPAN, b" in", b"head"))
    assert seen(found) == [(b"head\n in", 1, False), (b"x" * SPAN, 3, False), (b" in", 4, False)]
    assert seen(assembler.flush()) == [(b"head", 5, False)]


def test_a_message_that_is_too_long_is_cut() -> None:
    (entry,) = JournalAssembler().take(messages(b"x" * (MAX_ENTRY + 1)))
    assert (len(entry.message), entry.error) == (MAX_ENTRY, CUT)
