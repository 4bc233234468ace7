"""Entries of the journal as lines."""

from __future__ import annotations

import pytest

from collectors.logs.formats import Part
from collectors.logs.journal.export import Export
from collectors.logs.journal.message import Message, message_of
from tests.unit.collectors.logs.journal.journals import WEB, exported


def message(text: bytes = b"hello", at: float = 100.5, **fields: str | bytes) -> Message | None:
    (entry,) = Export().feed(exported(text, 7, at, **fields))
    return message_of(entry)


def test_dockers_line() -> None:
    found = message(
        CONTAINER_ID_FULL=WEB, PRIORITY="3", SYSLOG_TIMESTAMP="2026-11-24T02:16:17.123456789Z",
        CONTAINER_LOG_EPOCH="e", CONTAINER_LOG_ORDINAL="12", _SYSTEMD_UNIT="docker.service",
    )  # fmt: skip
    assert found
    assert found.line == (1795486577123456789, "stderr", False, b"hello", None)
    assert (found.owner, found.epoch, found.ordinal) == (("CONTAINER_ID_FULL", WEB), b"e", 12)
    assert found.cursor.number == 7


def test_dockers_part() -> None:
    found = message(
        CONTAINER_ID_FULL=WEB,
        CONTAINER_PARTIAL_MESSAGE="true",
        CONTAINER_PARTIAL_ID="p",
        CONTAINER_PARTIAL_ORDINAL="2",
    )
    assert found
    assert (found.line.partial, found.line.part) == (True, Part(b"p", 2))


@pytest.mark.parametrize(
    ("owner", "priority", "told"),
    [
        ("CONTAINER_ID_FULL", "6", b"hello"),
        ("CONTAINER_ID_FULL", "3", b"hello"),
        ("CONTAINER_ID_FULL", "4", b"<4>hello"),
        ("_SYSTEMD_UNIT", "6", b"hello"),
        ("_SYSTEMD_UNIT", "3", b"<3>hello"),
        ("_SYSTEMD_UNIT", "9", b"hello"),
        ("_SYSTEMD_UNIT", "66", b"hello"),
    ],
)
def test_a_priority_that_says_more_than_the_stream_is_printed(owner: str, priority: str, told: bytes) -> None:
    found = message(**{owner: "a", "PRIORITY": priority})
    assert found
    assert found.line.content == told


def test_conmons_newline_is_no_part_of_the_message() -> None:
    (found, two) = (message(text, CONTAINER_ID_FULL=WEB) for text in (b"hello\n", b"two\n\n"))
    assert found and two
    assert (found.line.content, two.line.content) == (b"hello", b"two\n")


def test_the_time_is_the_nearest_to_the_writer() -> None:
    unit = message(
        _SYSTEMD_UNIT="a", _SOURCE_REALTIME_TIMESTAMP="100400000", SYSLOG_TIMESTAMP="Nov 24 02:16:17"
    )
    taken = message(CONTAINER_ID_FULL=WEB, SYSLOG_TIMESTAMP="yesterday")
    assert unit and taken
    assert (unit.line.time, taken.line.time) == (100_400_000_000, 100_500_000_000)


def test_what_is_nobodys_or_no_message_is_none() -> None:
    assert message() is None
    assert message_of({b"__CURSOR": b"s=a;i=1;t=1", b"_SYSTEMD_UNIT": b"a"}) is None
    assert message_of({b"MESSAGE": b"a", b"_SYSTEMD_UNIT": b"a"}) is None
