"""One container's way to one sink."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import msgspec
import pytest

from agent.shipping.outlet import Outlet, Stored
from agent.shipping.parcel import Chunk
from collectors.logs.chain import chain_of
from collectors.logs.journal.choice import Tails
from collectors.logs.record import LogTarget
from collectors.logs.rule import Drop, Limit, Rule
from collectors.logs.spool import Spool
from collectors.logs.start import Start
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile

BEGINNING = Start(float("-inf"))


class World:
    """A log, and outlets that begin where the one before was acknowledged."""

    def __init__(self, tmp_path: Path, rule: Rule | None = None) -> None:
        self.log = LogFile(tmp_path / "a.log")
        self.target = LogTarget(
            id="/a",
            source=LogSource(path=str(self.log.path), format="cri"),
            container={},
            rule=rule or Rule(),
        )
        self.scratch = str(tmp_path)

    def outlet(self, stored: Stored | None = None) -> Outlet:
        packed = msgspec.msgpack.encode(stored) if stored else b""
        again = msgspec.msgpack.decode(packed, type=Stored) if packed else None
        return Outlet(self.target, again, BEGINNING, Tails(self.scratch), chain_of)


def chunks(outlet: Outlet) -> list[Chunk]:
    """All there is to read now."""
    found: list[Chunk] = []
    while True:
        more, _, chunk = outlet.step(())
        if chunk is not None:
            found.append(chunk)
        elif not more:
            return found


def texts(found: list[Chunk]) -> list[str]:
    return [record.message for chunk in found for record in chunk.batch.records]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_not_acknowledged_is_read_again_with_equal_uids(world: World) -> None:
    world.log.numbers(10)
    outlet = world.outlet()
    first = chunks(outlet)
    stored = outlet.confirm(first, {})
    world.log.numbers(5)
    lost = chunks(outlet)
    outlet.close()
    again = world.outlet(stored)
    found = chunks(again)
    assert texts(found) == texts(lost) == [f"number {number}" for number in range(10, 15)]
    assert [r.uid for c in found for r in c.batch.records] == [r.uid for c in lost for r in c.batch.records]
    again.close()


def test_half_a_line_is_part_of_the_checkpoint(world: World) -> None:
    world.log.write("one")
    world.log.write("two ha", tag="P")
    outlet = world.outlet()
    stored = outlet.confirm(chunks(outlet), {})
    outlet.close()
    world.log.write("lves")
    again = world.outlet(stored)
    assert texts(chunks(again)) == ["two halves"]
    again.close()


def test_accounts_tell_what_became_of_every_record(tmp_path: Path) -> None:
    world = World(tmp_path, Rule(drop=(Drop(grep="number 3"),), limit=Limit(lines=1.0, burst=12.0)))
    world.log.numbers(10)
    outlet = world.outlet()
    found = chunks(outlet)
    accounts = outlet.confirm(found, {"refused": 2}).accounts
    assert accounts.records == 6 - 2
    assert accounts.dropped == {"rule": 1, "rate_limited": 3, "refused": 2}
    assert accounts.bytes == len("number 0") * 6
    outlet.close()


def test_a_limit_that_blocks_ships_all_and_asks_for_time(tmp_path: Path) -> None:
    world = World(tmp_path, Rule(limit=Limit(lines=10.0, action="block")))
    world.log.numbers(20)
    outlet = world.outlet()
    outlet.step(())  # opens the file
    step = outlet.step(())
    assert step.delay == 2.0
    assert step.chunk is not None
    assert len(step.chunk.batch.records) == 20
    outlet.close()


def test_what_rotated_away_unread_is_counted(world: World) -> None:
    world.log.numbers(10)
    outlet = world.outlet()
    stored = outlet.confirm(chunks(outlet), {})
    outlet.close()
    world.log.numbers(10)
    world.log.rename().unlink()
    world.log.numbers(10)
    again = world.outlet(stored)
    found = chunks(again)
    assert texts(found) == [f"number {number}" for number in range(20, 30)]
    assert again.confirm(found, {}).accounts.dropped == {"rotated_away": 1}
    again.close()


def test_the_lag_is_the_age_of_what_the_peer_has_not(world: World) -> None:
    world.log.numbers(10)
    outlet = world.outlet()
    found = chunks(outlet)
    outlet.confirm(found, {})
    assert outlet.lag(time.time()) == 0.0
    world.log.numbers(1)
    assert len(chunks(outlet)) == 1
    assert 3500 < outlet.lag(time.time()) < 3700
    outlet.close()


def test_a_new_rule_counts_from_then_on(world: World) -> None:
    world.log.numbers(2)
    outlet = world.outlet()
    chunks(outlet)
    outlet.retarget(msgspec.structs.replace(world.target, rule=Rule(drop=(Drop(grep="."),))))
    world.log.numbers(2)
    (chunk,) = chunks(outlet)
    assert (texts([chunk]), chunk.dropped) == ([], {"rule": 2})
    outlet.close()


def test_where_it_begins_is_kept_before_anything_is_read(world: World) -> None:
    world.log.numbers(10)
    outlet = world.outlet()
    step = outlet.step(())
    assert step.chunk is not None
    assert step.chunk.batch.records == []
    stored = outlet.confirm([step.chunk], {})
    outlet.close()
    world.log.rename()
    world.log.numbers(10)
    again = world.outlet(stored)
    assert texts(chunks(again)) == [f"number {number}" for number in range(20)]
    again.close()


def test_records_of_equal_time_have_the_same_shifts_when_they_are_read_again(world: World) -> None:
    def shifts(found: list[Chunk]) -> list[int]:
        return [record.shift for chunk in found for record in chunk.batch.records]

    line = b"2026-11-24T02:16:17.123456789Z stdout F same\n"
    world.log.append(2 * line)
    outlet = world.outlet()
    stored = outlet.confirm(chunks(outlet), {})
    world.log.append(line)
    lost = chunks(outlet)
    outlet.close()
    again = world.outlet(stored)
    assert shifts(chunks(again)) == shifts(lost) == [2]
    again.close()


def test_a_removed_file_is_let_go_of_and_gone_on_with_in_its_copy(world: World, tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool"), 1 << 30)
    world.log.numbers(10_000)
    outlet = Outlet(world.target, None, BEGINNING, Tails(world.scratch), partial(spool.chain, "/a"))
    outlet.step(())
    first = outlet.step(()).chunk
    assert first is not None
    outlet.unpin()
    assert pinned(world.log) == 0
    with open(world.log.path, "rb") as file:
        spool.keep(world.target, file.fileno(), 0, os.fstat(file.fileno()).st_size)
    world.log.path.unlink()
    assert pinned(world.log) == 1
    outlet.unpin()
    assert pinned(world.log) == 0
    rest = texts(chunks(outlet))
    assert texts([first]) + rest == [f"number {number}" for number in range(10_000)]
    outlet.close()


def pinned(log: LogFile) -> int:
    """How often this process holds a log that was removed."""
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    return sum(os.readlink(link) == f"{log.path} (deleted)" for link in links if os.path.islink(link))
