"""One sink's shipping, with a peer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.shipping.outlet import Stored
from agent.shipping.shipper import Shipper
from agent.shipping.sink import Again, Delivered
from collectors.logs.chain import chain_of
from collectors.logs.positions import Positions
from collectors.logs.record import LogTarget
from collectors.logs.start import Start
from collectors.model import LogSource
from tests.unit.agent.shipping.peer import MemoryPeer, MemorySettings
from tests.unit.collectors.logs.logfile import LogFile

SETTINGS = MemorySettings(batch_wait=0.02, backoff_min=0.01, backoff_max=0.02)


class World:
    """Some logs, a peer, and what was told."""

    def __init__(self, tmp_path: Path) -> None:
        self.directory = tmp_path
        self.peer = MemoryPeer()
        self.told: list[str] = []
        self.gone: list[str] = []
        self.logs: dict[str, LogFile] = {}

    def target(self, name: str) -> LogTarget:
        if name not in self.logs:
            self.logs[name] = LogFile(self.directory / f"{name}.log")
        path = str(self.logs[name].path)
        return LogTarget(
            id=f"/{name}", source=LogSource(path=path, format="cri"), container={}, sinks=("memory",)
        )

    @asynccontextmanager
    async def shipping(self, settings: MemorySettings = SETTINGS) -> AsyncIterator[Shipper]:
        store = Positions(str(self.directory / "memory.db"), Stored)
        shipper = Shipper(
            "memory",
            settings,
            store,
            scratch=str(self.directory),
            state=str(self.directory / "dead"),
            starts=lambda target: Start(float("-inf")),
            look=lambda id: chain_of,
            cuts_of=lambda id: (),
            trouble=lambda event, text: self.told.append(event),
            let_go=self.gone.append,
            refused=lambda id: (0, 0),
            most=1 << 20,
        )
        running = asyncio.ensure_future(shipper.run(self.peer))
        try:
            yield shipper
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            store.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def numbers(count: int) -> list[str]:
    return [f"number {number}" for number in range(count)]


async def test_what_containers_print_reaches_the_peer_in_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.shipping() as shipper:
        for name in "ab":
            shipper.follow(world.target(name))
            world.logs[name].numbers(3000)
            shipper.news(f"/{name}")
        await until(lambda: len(world.peer.records) == 6000)
        for name in "ab":
            assert world.peer.messages(f"/{name}") == numbers(3000)


async def test_another_run_goes_on_where_the_peer_has_everything_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    target = world.target("a")
    for count in (10, 20, 30):
        world.logs["a"].numbers(10)
        async with world.shipping() as shipper:
            shipper.follow(target)
            await until(lambda count=count: len(world.peer.records) >= count)  # type: ignore[misc]
            await until(lambda: shipper.outlets["/a"].outstanding == 0)
    assert world.peer.messages() == numbers(30)


async def test_a_run_that_was_cut_off_sends_again_with_equal_uids(tmp_path: Path) -> None:
    world = World(tmp_path)
    target = world.target("a")
    world.logs["a"].numbers(10)
    world.peer.gate.clear()
    async with world.shipping() as shipper:
        shipper.follow(target)
        await until(lambda: world.peer.sends == 1)
    world.peer.gate.set()
    async with world.shipping() as shipper:
        shipper.follow(target)
        await until(lambda: len(world.peer.records) == 10)
    assert len({record.uid for record in world.peer.records}) == 10


async def test_a_peer_that_is_away_gets_everything_when_it_comes_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.peer.answer = lambda batches: Again("connection refused")
    async with world.shipping() as shipper:
        shipper.follow(world.target("a"))
        world.logs["a"].numbers(100)
        shipper.news("/a")
        await until(lambda: world.peer.sends > 3)
        assert world.told == ["sink_failing"]
        assert shipper.standing.failing_since is not None
        world.peer.answer = lambda batches: Delivered()
        await until(lambda: world.peer.messages() == numbers(100))
        assert shipper.standing.failing_since is None


async def test_a_loud_container_does_not_hold_up_the_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    loud, quiet = world.target("loud"), world.target("quiet")
    world.logs["loud"].numbers(60_000)
    world.logs["quiet"].numbers(10)
    async with world.shipping() as shipper:
        shipper.follow(loud)
        shipper.follow(quiet)
        await until(lambda: len(world.peer.messages("/quiet")) == 10)
        assert len(world.peer.messages("/loud")) < 60_000
        await until(lambda: world.peer.messages("/loud") == numbers(60_000))


async def test_memory_is_bounded_while_the_peer_is_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    target = world.target("a")
    world.logs["a"].numbers(100_000)
    world.peer.gate.clear()
    async with world.shipping(MemorySettings(batch_bytes=100_000, batch_wait=0.02)) as shipper:
        shipper.follow(target)
        await until(lambda: world.peer.sends == 1)
        outlet = shipper.outlets["/a"]
        await asyncio.sleep(0.3)  # what could be read on by then is to be seen
        assert outlet.outstanding <= 6


async def test_a_container_that_is_gone_is_shipped_to_its_end_and_let_go_of(tmp_path: Path) -> None:
    world = World(tmp_path)
    target = world.target("a")
    world.logs["a"].numbers(10)
    async with world.shipping() as shipper:
        shipper.follow(target)
        shipper.leave("/a")
        await until(lambda: world.gone == ["/a"])
        assert world.peer.messages() == numbers(10)
        assert shipper.outlets == {}


async def test_a_log_that_cannot_be_read_does_not_hold_up_the_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    odd = world.target("odd")
    (tmp_path / "odd.log").mkdir()
    async with world.shipping() as shipper:
        shipper.follow(odd)
        shipper.follow(world.target("a"))
        world.logs["a"].numbers(10)
        shipper.news("/a")
        await until(lambda: len(world.peer.records) == 10)
        assert "log_not_shipped" in world.told


async def test_the_last_words_of_a_container_that_is_gone_are_shipped_though_no_newline_came(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    target = world.target("a")
    world.logs["a"].numbers(1)
    world.logs["a"].write("java.lang.Exception: the head of a trace")
    world.logs["a"].write("half a li", tag="P", stream="stderr")
    async with world.shipping() as shipper:
        shipper.follow(target)
        await until(lambda: len(world.peer.records) == 1)
        shipper.leave("/a")
        await until(lambda: world.gone == ["/a"])
    assert sorted(world.peer.messages()) == [
        "half a li",
        "java.lang.Exception: the head of a trace",
        "number 0",
    ]
