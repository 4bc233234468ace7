"""A storage of CRI-O is followed by its files: pods, their containers, and how those end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from collectors.inventory.crio.source import CrioSource
from collectors.inventory.merge import Inventory
from collectors.inventory.pods import Pods
from collectors.model import Entry, Network, State
from runtime.linux.hierarchies import detect
from tests.unit.collectors.inventory.containerdengine import MAIN, Containerd
from tests.unit.collectors.inventory.tree import Tree, id_of

STARTED = "2026-01-01T00:00:10.25Z"
LATER = "2026-01-01T00:00:11.25Z"
EXIT_AT = 1767225615.5


class Followed:
    """A storage that is followed, each change of the board, and the pods."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.pods = Pods()
        self.changes: list[tuple[str, str]] = []
        self.source = CrioSource(
            tree.root, tree.run, tree.hierarchies, self.pods, exits=f"{tree.temporary}/exits", look_again=0.01
        )
        self.board = Inventory([self.source], self._changed)

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        entry = new or old
        assert entry is not None
        change = entry.container.container or "-", str(entry.container.state) if new else "gone"
        if self.changes[-1:] != [change]:
            self.changes.append(change)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    async def reached(self, id: str, state: State) -> Entry:
        """The entry of a container once it is in a state."""
        await self.until(lambda: (one := self.board.by_engine_id(id)) and one.container.state is state)
        entry = self.board.by_engine_id(id)
        assert entry is not None
        return entry

    def run(self, name: str, pid: int, started: str = STARTED, sandbox: str = "web") -> str:
        """CRI-O starts a container, or a sandbox; without a pid it has no process."""
        id = self.tree.crio(name, sandbox, labels={"app": "web"} if name == sandbox else {})
        if pid:
            self.tree.process(pid, 1, f"/kubepods.slice/crio-{id}.scope")
        self.tree.state(id, "running", started=started, pid=pid)
        return id


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    followed = Followed(Tree(tmp_path))
    task = asyncio.ensure_future(followed.board.run())
    await followed.until(lambda: followed.board.complete)
    yield followed
    task.cancel()
    await asyncio.wait([task])


async def test_a_pod_from_its_creation_to_its_removal(followed: Followed) -> None:
    tree = followed.tree
    sandbox = followed.run("web", 41)
    await followed.reached(sandbox, State.RUNNING)
    assert (pod := followed.pods.of("u17")) is not None and pod.labels["app"] == "web"
    app = tree.crio("app", "web", labels={})
    await followed.reached(app, State.CREATED)
    tree.process(42, 1, f"/kubepods.slice/crio-{app}.scope")
    tree.state(app, "running", started=STARTED, pid=42)
    entry = await followed.reached(app, State.RUNNING)
    assert (entry.pid, entry.network, entry.container.labels["app"]) == (42, Network.FOLLOWER, "web")
    tree.gone(42)
    tree.state(app, "stopped", started=STARTED, finished=LATER, exitCode=3)
    assert (await followed.reached(app, State.EXITED)).container.exit_code == 3
    for id in (app, sandbox):
        tree.remove(id)
    await followed.until(lambda: not followed.board.entries())
    assert followed.pods.of("u17") is None
    assert [change for change in followed.changes if change[0] == "app"] == [
        ("app", "created"), ("app", "running"), ("app", "exited"), ("app", "gone"),
    ]  # fmt: skip


async def test_an_end_that_only_conmon_noted_is_told_at_once(followed: Followed) -> None:
    tree = followed.tree
    app = followed.run("app", 42)
    await followed.reached(app, State.RUNNING)
    tree.end(app, 42, 4, EXIT_AT)
    container = (await followed.reached(app, State.EXITED)).container
    assert (container.exit_code, container.finished_at) == (4, EXIT_AT)
    # CRI-O comes back and writes down what it found: the same end, which is not told again.
    tree.state(app, "stopped", started=STARTED, finished="2026-01-01T00:00:15.5Z", exitCode=4)
    other = followed.run("other", 43)
    await followed.reached(other, State.RUNNING)
    assert [change for change in followed.changes if change[0] == "app"][-2:] == [
        ("app", "running"),
        ("app", "exited"),
    ]


async def test_ends_before_the_agent_came_are_known(tmp_path: Path) -> None:
    followed = Followed(Tree(tmp_path))
    app = followed.run("app", 42)
    followed.tree.end(app, 42, 5, EXIT_AT)
    task = asyncio.ensure_future(followed.board.run())
    assert (await followed.reached(app, State.EXITED)).container.exit_code == 5
    assert followed.changes == [("app", "exited")]
    task.cancel()
    await asyncio.wait([task])


async def test_without_a_process_in_the_sandbox_its_oldest_container_owns_the_network(
    followed: Followed,
) -> None:
    tree = followed.tree
    sandbox = followed.run("web", 0)
    second, first = followed.run("second", 43, LATER), followed.run("first", 42, STARTED)
    await followed.reached(sandbox, State.RUNNING)

    def owners() -> set[str]:
        entries = followed.board.entries().values()
        return {one.container.container for one in entries if one.network is Network.OWNER and one.pid}

    await followed.reached(first, State.RUNNING)
    await followed.until(lambda: len(owners()) == 1)
    tree.state(second, "running", started=LATER, pid=43)
    owner = first if owners() == {"first"} else second
    pid = 42 if owner == first else 43
    tree.end(owner, pid, 0, EXIT_AT)
    await followed.reached(owner, State.EXITED)
    await followed.until(lambda: owners() == ({"second"} if owner == first else {"first"}))


async def test_podmans_containers_in_the_same_storage_are_podmans(followed: Followed) -> None:
    tree = followed.tree
    tree.start(tree.create("podmans"), 44)
    app = followed.run("app", 42)
    await followed.reached(app, State.RUNNING)
    assert {one.container.engine_id for one in followed.board.entries().values()} == {app}
    assert id_of("podmans") in tree.lines


async def test_a_storage_may_go_and_come_back(followed: Followed) -> None:
    tree = followed.tree
    app = followed.run("app", 42)
    await followed.reached(app, State.RUNNING)
    os.rename(tree.root, f"{tree.root}-gone")
    tree.put(f"{tree.run}/overlay-containers/containers.json", "[]")
    await followed.until(lambda: "cannot read the storage" in followed.board.reasons().get("crio", ""))
    assert followed.board.by_engine_id(app) is not None
    os.rename(f"{tree.root}-gone", tree.root)
    await followed.until(lambda: not followed.board.reasons())
    assert followed.board.by_engine_id(app) is not None


async def test_a_socket_tells_where_the_storage_cannot_be_read(tmp_path: Path) -> None:
    engine = Containerd(f"{tmp_path}/crio.sock")
    engine.add_pod()
    engine.create(MAIN)
    engine.run(MAIN)
    await engine.start()
    source = CrioSource(f"{tmp_path}/absent", f"{tmp_path}/absent", detect(), Pods(), socket=engine.path)
    board = Inventory([source], lambda old, new: None)
    running = asyncio.ensure_future(board.run())
    try:
        async with asyncio.timeout(20):
            while (entry := board.by_engine_id(MAIN.id)) is None:
                await asyncio.sleep(0.005)
            assert (entry.container.engine, entry.container.pod) == ("crio", "web")
            await engine.stop()
            while not board.reasons():
                await asyncio.sleep(0.005)
        assert board.by_engine_id(MAIN.id) == entry
    finally:
        running.cancel()
        await asyncio.wait([running])
        await engine.stop()
