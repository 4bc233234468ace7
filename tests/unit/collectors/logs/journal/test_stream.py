"""One follower for several readers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from collectors.logs.formats import Unreadable
from collectors.logs.journal.cursor import at_time
from collectors.logs.journal.match import Match
from collectors.logs.journal.stream import AGAIN, MOST_HELD, QUIET, Mailbox, Stream, Streams
from tests.eventually import eventually
from tests.unit.collectors.logs.journal.journals import WEB, Journal, needs_journal

DB = "cd" * 32
START = at_time(0)


class Clock:
    """A time that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def web(journal: Journal) -> Match:
    return Match(str(journal.directory), "CONTAINER_ID_FULL", WEB)


def db(journal: Journal) -> Match:
    return web(journal)._replace(value=DB)


def took(stream: Stream, box: Mailbox, count: int) -> list[bytes]:
    found: list[bytes] = []

    def has() -> bool:
        stream.pump()
        found.extend(one.line.content for one in stream.take(box, 1 << 20))
        return len(found) >= count

    eventually(has, f"{count} messages")
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "j")


@needs_journal
def test_each_reader_gets_its_own_through_one_follower(journal: Journal) -> None:
    journal.print(b"w1", b"w2")
    journal.print(b"d1", CONTAINER_ID_FULL=DB)
    journal.print(b"s1", _SYSTEMD_UNIT="cron.service")
    stream = Stream(str(journal.directory))
    unit = Match(str(journal.directory), "_SYSTEMD_UNIT", "cron.service")
    boxes = [stream.join(match, START) for match in (web(journal), db(journal), unit)]
    try:
        assert [took(stream, box, 1) for box in boxes] == [[b"w1", b"w2"], [b"d1"], [b"s1"]]
        assert stream.starts == 1
    finally:
        for box in boxes:
            stream.leave(box)


@needs_journal
def test_one_that_joins_later_gets_its_past_and_nobody_gets_anything_twice(journal: Journal) -> None:
    journal.print(b"d1", CONTAINER_ID_FULL=DB)
    journal.print(b"w1")
    stream = Stream(str(journal.directory))
    first = stream.join(web(journal), START)
    assert took(stream, first, 1) == [b"w1"]
    second = stream.join(db(journal), START)
    journal.print(b"d2", CONTAINER_ID_FULL=DB)
    journal.print(b"w2")
    try:
        assert took(stream, second, 2) == [b"d1", b"d2"]
        assert took(stream, first, 1) == [b"w2"]
        assert stream.starts == 2
    finally:
        stream.leave(first)
        stream.leave(second)


@needs_journal
def test_a_place_is_found_again_through_rotation(journal: Journal) -> None:
    journal.print(b"w1", b"w2")
    stream = Stream(str(journal.directory))
    box = stream.join(web(journal), START)
    took(stream, box, 2)
    place = box.after
    stream.leave(box)
    journal.rotate()
    journal.print(b"w3")
    box = stream.join(web(journal), place)
    assert took(stream, box, 1) == [b"w3"]
    stream.leave(box)


@needs_journal
def test_an_idle_reader_knows_that_the_stream_went_past(journal: Journal) -> None:
    stream = Stream(str(journal.directory))
    first, idle = stream.join(web(journal), START), stream.join(db(journal), START)
    assert stream.reached(idle) is None
    journal.print(b"w1")
    took(stream, first, 1)
    assert stream.reached(idle) == first.after
    stream.leave(first)
    stream.leave(idle)


@needs_journal
def test_readers_that_take_nothing_stop_the_reading(journal: Journal) -> None:
    count = 2 * MOST_HELD // 200_000
    journal.print(*[b"x" * 200_000] * count)
    stream = Stream(str(journal.directory))
    box = stream.join(web(journal), START)
    eventually(lambda: not stream.pump() and len(box.messages) * 200_000 >= MOST_HELD, "a full mailbox")
    assert len(box.messages) < count
    assert not stream.quiet
    assert len(took(stream, box, count)) == count
    stream.leave(box)


@needs_journal
def test_quiet_is_after_a_time_without_news(journal: Journal) -> None:
    clock = Clock()
    journal.print(b"w1")
    stream = Stream(str(journal.directory), clock=clock)
    box = stream.join(web(journal), START)
    clock.now += 2 * QUIET
    assert not stream.quiet
    took(stream, box, 1)
    assert not stream.quiet
    clock.now += QUIET
    assert stream.quiet
    stream.leave(box)


def test_one_that_fails_is_started_again_after_a_while(tmp_path: Path) -> None:
    clock = Clock()
    stream = Stream("", program=str(tmp_path / "none"), clock=clock)
    box = stream.join(Match("", "CONTAINER_ID_FULL", WEB), START)
    with pytest.raises(Unreadable):
        stream.pump()
    assert not stream.pump()
    clock.now += AGAIN
    with pytest.raises(Unreadable):
        stream.pump()
    stream.leave(box)


@needs_journal
def test_one_that_was_killed_is_started_again_where_it_was(journal: Journal, tmp_path: Path) -> None:
    clock = Clock()
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho $$ >{tmp_path}/pid\nexec journalctl "$@"\n')
    program.chmod(0o755)
    journal.print(b"w1")
    stream = Stream(str(journal.directory), program=str(program), clock=clock)
    box = stream.join(web(journal), START)
    took(stream, box, 1)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    with pytest.raises(Unreadable, match="status -9"):
        took(stream, box, 1)
    journal.print(b"w2")
    clock.now += AGAIN
    assert took(stream, box, 1) == [b"w2"]
    stream.leave(box)


def test_a_directory_has_one_stream() -> None:
    streams = Streams()
    assert streams.of("/a") is streams.of("/a") is not streams.of("/b")
