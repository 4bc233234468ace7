"""All sinks of the log worker."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from agent.shipping.plan import Plan
from agent.shipping.registry import Kind
from agent.shipping.shippers import Shippers
from agent.shipping.sink import Again, Context, Delivered, Sink, SinkSettings
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.start import Start
from collectors.logs.tail import Tail
from collectors.model import LogSource
from runtime.linux.errors import DeckwatchError
from tests.unit.agent.shipping.peer import MemoryPeer, MemorySettings
from tests.unit.collectors.logs.logfile import LogFile

QUICK: dict[str, Any] = {"batch_wait": 0.02, "backoff_min": 0.01, "backoff_max": 0.02}
BEGINNING = Start(float("-inf"))


class World:
    """Two peers, one log, and the reader that is always up to date."""

    def __init__(self, tmp_path: Path) -> None:
        self.directory = tmp_path
        self.peers = {"one": MemoryPeer(), "two": MemoryPeer()}
        self.log = LogFile(tmp_path / "a.log")
        self.target = LogTarget(
            id="/a",
            source=LogSource(path=str(self.log.path), format="cri"),
            container={},
            sinks=("one", "two"),
        )
        self.tails: dict[str, Tail] = {}
        self.told: list[tuple[str, str]] = []
        self.kinds = {name: peer.kind for name, peer in self.peers.items()}

    @asynccontextmanager
    async def shipping(self, *, spool_bytes: int = 1 << 30) -> AsyncIterator[Shippers]:
        shippers = Shippers(
            Plan(sinks=[(name, QUICK) for name in self.kinds], node="n", spool_bytes=spool_bytes),
            state=str(self.directory / "state"),
            scratch=str(self.directory),
            tails=self.tails,
            starts=lambda target: BEGINNING,
            trouble=lambda event, text: self.told.append((event, text)),
            kinds=self.kinds,
        )
        running = asyncio.ensure_future(shippers.run())
        try:
            yield shippers
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def follow(self, shippers: Shippers) -> None:
        self.tails["/a"] = Tail(self.target, Progress(), BEGINNING, str(self.directory))
        shippers.follow(self.target)

    def read(self, shippers: Shippers) -> None:
        """What the log worker does at news: the counting reader first."""
        while self.tails["/a"].step() or self.tails["/a"].waiting:
            pass
        shippers.news("/a")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.005)


def numbers(count: int) -> list[str]:
    return [f"number {number}" for number in range(count)]


async def test_a_sink_that_is_down_holds_up_no_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.peers["one"].answer = lambda batches: Again("down")
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.log.numbers(50)
        world.read(shippers)
        await until(lambda: world.peers["two"].messages() == numbers(50))
        world.peers["one"].answer = lambda batches: Delivered()
        await until(lambda: world.peers["one"].messages() == numbers(50))
        report = shippers.report()
        assert {one.name: one.records for one in report.sinks} == {"one": 50, "two": 50}
        assert {(one.id, one.sink, one.records) for one in report.shipped} == {
            ("/a", "one", 50),
            ("/a", "two", 50),
        }
        assert shippers.report().shipped == []


async def test_what_rotates_away_while_a_sink_is_down_reaches_it_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.peers["one"].answer = lambda batches: Again("down")
    async with world.shipping() as shippers:
        world.follow(shippers)
        for _ in range(4):
            world.log.numbers(500)
            world.read(shippers)
            world.log.rename()
        world.log.numbers(500)
        world.read(shippers)
        await until(lambda: world.peers["two"].messages() == numbers(2500))
        await until(lambda: len(list((tmp_path / "state" / "spool").rglob("0*-*"))) == 4)
    for path in tmp_path.glob("a.log.*"):
        path.unlink()
    world.peers["one"].answer = lambda batches: Delivered()
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.read(shippers)
        await until(lambda: world.peers["one"].messages() == numbers(2500))
    assert world.peers["two"].messages() == numbers(2500)
    assert not [event for event, _ in world.told if event != "sink_failing"]


async def test_a_file_that_was_destroyed_before_the_sink_looked_is_shipped(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.shipping() as shippers:
        tail = world.tails["/a"] = Tail(world.target, Progress(), BEGINNING, str(tmp_path))
        world.log.numbers(50)
        assert tail.step()
        world.log.numbers(10)
        world.log.path.unlink()
        world.log.numbers(10)
        shippers.follow(world.target)
        world.read(shippers)
        await until(lambda: world.peers["one"].messages() == numbers(70))
        assert all(not one.dropped for one in shippers.report().shipped)


async def test_what_went_while_nobody_looked_is_counted_for_a_sink_that_comes_to_it_later(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.peers["one"].answer = lambda batches: Again("down")
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.log.numbers(50)
        world.read(shippers)
        await until(lambda: world.peers["one"].sends > 0 and len(world.peers["two"].records) == 50)
        world.log.path.unlink()
        world.log.numbers(10)
        world.read(shippers)
        await until(lambda: len(world.peers["two"].records) == 60)
    progress = world.tails["/a"].saved()
    world.tails["/a"].close()
    for count in (20, 10):
        world.log.path.unlink()
        world.log.numbers(count)
    world.peers["one"].answer = lambda batches: Delivered()
    async with world.shipping() as shippers:
        world.tails["/a"] = Tail(world.target, progress, BEGINNING, str(tmp_path))
        shippers.follow(world.target)
        world.read(shippers)
        left = numbers(50) + numbers(90)[80:]
        await until(lambda: world.peers["one"].messages() == left)
        assert {one.sink: one.dropped for one in shippers.report().shipped} == {
            "one": {"rotated_away": 1}, "two": {"rotated_away": 1},
        }  # fmt: skip
        await until(lambda: not list((tmp_path / "state" / "spool").iterdir()))


async def test_what_a_removed_container_left_is_shipped_by_a_later_agent(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.peers["one"].answer = lambda batches: Again("down")
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.log.numbers(100)
        world.read(shippers)
        await until(lambda: len(world.peers["two"].records) == 100)
        world.log.path.unlink()
        shippers.leave("/a")
        world.tails.pop("/a").close()
    world.peers["one"].answer = lambda batches: Delivered()
    async with world.shipping():
        await until(lambda: world.peers["one"].messages() == numbers(100))
        await until(lambda: not list((tmp_path / "state" / "spool").iterdir()))


async def test_a_sink_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    tries: list[Context] = []

    async def opened(settings: SinkSettings, context: Context) -> Sink:
        tries.append(context)
        if len(tries) < 3:
            raise DeckwatchError("cannot read /ca.pem: No such file")
        return world.peers["one"]

    world.kinds = {"one": Kind(MemorySettings, opened)}
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.log.numbers(5)
        world.read(shippers)
        await until(lambda: len(world.peers["one"].records) == 5)
    assert tries[0].node == "n"
    assert world.told[0] == ("sink_not_opened", "one: cannot read /ca.pem: No such file")


async def test_a_container_goes_only_to_its_own_sinks(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.target = LogTarget(id="/a", source=world.target.source, container={}, sinks=("two",))
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.log.numbers(5)
        world.read(shippers)
        await until(lambda: len(world.peers["two"].records) == 5)
        assert world.peers["one"].sends == 0


async def test_what_the_spool_has_no_room_for_is_lost_when_it_goes_and_that_is_counted(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.peers["one"].answer = lambda batches: Again("down")
    async with world.shipping(spool_bytes=1000) as shippers:
        world.follow(shippers)
        world.log.numbers(10)
        world.read(shippers)
        await until(lambda: world.peers["one"].sends > 0)
        for _ in range(3):
            world.log.numbers(500)
            world.read(shippers)
            world.log.rename()
        world.log.numbers(10)
        world.read(shippers)
        await until(lambda: "spool_full" in [event for event, _ in world.told])
        await until(lambda: world.peers["two"].messages() == numbers(1520))
        await asyncio.sleep(0.1)
    for path in tmp_path.glob("a.log.*"):
        path.unlink()
    world.peers["one"].answer = lambda batches: Delivered()
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.read(shippers)
        await until(lambda: world.peers["one"].messages() == numbers(1520)[1510:])
        (one,) = [sink for sink in shippers.report().sinks if sink.name == "one"]
        assert one.dropped == {"spool_full": 1500 + 10}
    assert len({text for event, text in world.told if event == "spool_full"}) == 1


async def test_places_of_containers_that_are_gone_for_a_week_are_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.shipping() as shippers:
        world.follow(shippers)
        world.log.numbers(5)
        world.read(shippers)
        await until(lambda: rows(tmp_path, "one") == ["/a"])
    with closing(sqlite3.connect(tmp_path / "state" / "sinks" / "one.db")) as database, database:
        database.execute("UPDATE positions SET seen = 0")
        database.execute("INSERT INTO positions SELECT '/gone', progress, 0 FROM positions")
        database.execute(
            "INSERT INTO positions SELECT '/late', progress, 1e12 FROM positions WHERE id = '/a'"
        )
    async with world.shipping() as shippers:
        world.follow(shippers)
        await until(lambda: rows(tmp_path, "one") == ["/a", "/late"])


def rows(tmp_path: Path, sink: str) -> list[str]:
    """The containers whose places a sink keeps."""
    with closing(sqlite3.connect(tmp_path / "state" / "sinks" / f"{sink}.db")) as database:
        return [id for (id,) in database.execute("SELECT id FROM positions ORDER BY id")]
