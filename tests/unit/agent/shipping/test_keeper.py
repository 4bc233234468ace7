"""What no sink has is copied before its file goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.shipping.keeper import HOLD, Keeper
from collectors.logs.files import HEAD, MARKER, Place, place
from collectors.logs.record import LogTarget
from collectors.logs.spool import Spool
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


class World:
    """One log, its sinks' places, and the keeper."""

    def __init__(self, tmp_path: Path, most: int = 1 << 30) -> None:
        self.log = LogFile(tmp_path / "a.log")
        self.target = LogTarget(
            id="/a", source=LogSource(path=str(self.log.path), format="cri"), container={}
        )
        self.spool = Spool(str(tmp_path / "spool"), most)
        self.places: list[Place | None] = []
        self.told: list[str] = []
        self.keeper = Keeper(self.spool, lambda id: self.places, lambda event, text: self.told.append(event))
        self.open: list[int] = []

    def descriptor(self) -> int:
        self.open.append(os.open(self.log.path, os.O_RDONLY))
        return self.open[-1]

    def at(self, fd: int, offset: int | None = None) -> Place:
        offset = os.fstat(fd).st_size if offset is None else offset
        head = os.pread(fd, min(HEAD, offset), 0)
        return place(fd, offset, head, os.pread(fd, min(MARKER, offset), max(0, offset - MARKER)))

    def rotated(self) -> tuple[int, Place]:
        """A file read to its end by the reader that is always up to date, and rotated."""
        self.log.numbers(1000)
        fd = self.descriptor()
        self.log.rename()
        self.log.numbers(10)
        return fd, self.at(fd)

    def kept(self) -> list[bool]:
        return [one.spooled for one in self.spool.chain("/a", self.target.source.path)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.keeper.close()
    for fd in world.open:
        os.close(fd)


def test_what_a_sink_lacks_of_a_rotated_file_is_copied_after_a_moment(world: World) -> None:
    fd, end = world.rotated()
    world.places = [world.at(fd, 5000), end]
    world.keeper.turned(world.target, fd, end, 100.0)
    world.keeper.look(100.0 + HOLD / 2, lambda id: None)
    assert not world.spool.holds("/a")
    world.keeper.look(100.0 + HOLD, lambda id: None)
    assert world.spool.holds("/a")


def test_a_file_that_every_sink_has_is_not_copied(world: World) -> None:
    fd, end = world.rotated()
    current = world.descriptor()
    world.places = [end, world.at(current)]
    world.keeper.turned(world.target, fd, end, 100.0)
    world.keeper.look(100.0 + HOLD, lambda id: None)
    assert not world.spool.holds("/a")


def test_a_file_without_any_name_left_is_copied_at_once(world: World) -> None:
    fd, end = world.rotated()
    world.places = [None]
    world.keeper.turned(world.target, fd, end, 100.0)
    os.unlink(world.log.path.with_name(f"{world.log.path.name}.{1:010d}"))
    world.keeper.look(100.0, lambda id: None)
    assert world.kept() == [True, False]
    world.places = [world.at(world.descriptor())]
    world.keeper.release([world.target])
    assert world.kept() == [False]


def test_a_sink_far_behind_gets_every_file(world: World) -> None:
    first = world.rotated()
    world.places = [world.at(first[0], 500)]
    world.keeper.turned(world.target, *first, 100.0)
    second = world.rotated()
    world.keeper.turned(world.target, *second, 101.0)
    world.keeper.look(110.0, lambda id: None)
    for path in world.log.path.parent.glob("a.log.0*"):
        path.unlink()
    assert world.kept() == [True, True, False]


def test_of_a_writer_that_destroys_its_file_a_copy_is_made_in_time(world: World) -> None:
    world.log.numbers(1000)
    fd = world.descriptor()
    end = world.at(fd)
    world.log.path.unlink()
    world.log.numbers(1)
    world.places = [world.at(fd, 0)]
    world.keeper.turned(world.target, fd, end, 100.0)
    world.keeper.look(100.0, lambda id: None)
    current = world.descriptor()
    world.places = [world.at(current, 0)]

    def reading(id: str) -> tuple[LogTarget, int, Place]:
        return world.target, current, world.at(current)

    world.keeper.release([world.target])
    used = world.spool.used
    world.keeper.look(101.0, reading)
    assert world.spool.used == used
    world.log.numbers(900)
    world.keeper.look(102.0, reading)
    world.log.path.unlink()
    world.log.numbers(1)
    assert world.kept()[-2:] == [True, False]


def test_what_a_removed_container_leaves_is_copied(world: World) -> None:
    world.log.numbers(100)
    fd = world.descriptor()
    world.places = [world.at(fd, 50)]
    world.keeper.gone(world.target, (fd, world.at(fd)))
    world.log.path.unlink()
    assert world.kept() == [True]


def test_beyond_the_budget_lines_and_bytes_are_counted(tmp_path: Path) -> None:
    world = World(tmp_path, most=100)
    fd, end = world.rotated()
    world.places = [world.at(fd, 0)]
    world.keeper.turned(world.target, fd, end, 0.0)
    world.keeper.look(100.0, lambda id: None)
    assert world.spool.refused == {"/a": (1000, end.offset)}
    assert world.told == ["spool_full"]


def test_nothing_is_held_for_what_no_sink_gets(world: World) -> None:
    fd, end = world.rotated()
    before = len(os.listdir("/proc/self/fd"))
    world.keeper.turned(world.target, fd, end, 0.0)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_destroyed_file_that_found_no_room_is_counted_once_and_leaves_a_gap(tmp_path: Path) -> None:
    world = World(tmp_path, most=100)
    for _ in range(2):
        world.log.numbers(1000)
        fd = world.descriptor()
        end = world.at(fd)
        world.places = [world.at(fd, 0)]
        # Near the size at which the one before was destroyed, it may yet be read in time.
        world.keeper.look(100.0, lambda id, now=(fd, end): (world.target, *now))  # type: ignore[misc]
        world.log.path.unlink()
        world.log.numbers(1)
        for _ in range(2):
            world.keeper.secure("/a", lambda id, now=(fd, end): (world.target, *now))  # type: ignore[misc]
        world.keeper.turned(world.target, fd, end, 100.0)
        world.keeper.look(100.0, lambda id: None)
    assert world.spool.refused["/a"][0] == 2001
    assert set(world.told) == {"spool_full"}
    assert [one.gap for one in world.spool.chain("/a", world.target.source.path)] == [True]
