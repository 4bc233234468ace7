"""The command, and a process that is read without waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors.logs.formats import Unreadable
from collectors.logs.journal.export import Export
from collectors.logs.journal.match import Match
from collectors.logs.journal.process import JournalProcess, command
from tests.eventually import eventually
from tests.unit.collectors.logs.journal.journals import WEB, Journal, needs_journal


def test_values_of_one_field_are_alternatives_and_so_are_fields() -> None:
    matches = [
        Match("", "_SYSTEMD_UNIT", "b"),
        Match("", "CONTAINER_ID_FULL", "c"),
        Match("", "_SYSTEMD_UNIT", "a"),
    ]
    words = command("", matches, ["--follow"])
    assert words[-5:] == ["--follow", "CONTAINER_ID_FULL=c", "+", "_SYSTEMD_UNIT=a", "_SYSTEMD_UNIT=b"]
    assert "--directory" not in words


@needs_journal
def test_a_follower_gives_what_is_there_and_then_what_comes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.print(b"one", b"two")
    words = command(str(journal.directory), [Match("", "CONTAINER_ID_FULL", WEB)], ["--follow", "--no-tail"])
    process, export, found = JournalProcess(words), Export(), []

    def has(count: int) -> bool:
        found.extend(one[b"MESSAGE"] for one in export.feed(process.read() or b""))
        return len(found) >= count

    try:
        eventually(lambda: has(2), "what was there")
        assert process.read() is None
        journal.print(b"three")
        eventually(lambda: has(3), "what came")
    finally:
        process.close()
    assert found == [b"one", b"two", b"three"]


def test_one_that_fails_says_why() -> None:
    process = JournalProcess(["sh", "-c", "echo broken >&2; exit 3"], block=True)
    with pytest.raises(Unreadable, match=r"status 3: broken"):
        process.read()
    process.close()


def test_one_that_cannot_be_started_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="install systemd's"):
        JournalProcess([str(tmp_path / "none")])


def test_closing_ends_the_process() -> None:
    process = JournalProcess(["sleep", "100"])
    pid = process.pid
    os.kill(pid, 0)
    process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
