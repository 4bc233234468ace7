"""A storage is followed by its files: whatever Podman does to a container is seen, in order, once."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from collectors.inventory.merge import Inventory
from collectors.inventory.podman.follow import Follower
from collectors.inventory.storage.runs import StorageRuns
from collectors.model import Entry, Health, Reason, State
from tests.unit.collectors.inventory.podman.test_api import service
from tests.unit.collectors.inventory.podman.test_db import Database
from tests.unit.collectors.inventory.storage.test_runs import Silent
from tests.unit.collectors.inventory.tree import BEGAN, Tree, id_of


class Followed:
    """A storage that is followed, and each change of the board."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.socket = f"{tree.root}/../s"
        self.changes: list[tuple[str, str]] = []
        self.board = Inventory([Silent()], self._changed)
        self.runs = StorageRuns(self.board, "podman")
        self.task: asyncio.Future[None] | None = None

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        entry = new or old
        assert entry is not None
        change = entry.container.name, str(entry.container.state) if new else "gone"
        if self.changes[-1:] != [change]:
            self.changes.append(change)

    def follow(self) -> None:
        tree = self.tree
        follower = Follower(
            tree.root, tree.run, [tree.temporary], self.socket, self.runs, tree.hierarchies, clock=lambda: BEGAN + 9
        )  # fmt: skip
        self.task = asyncio.ensure_future(follower.follow(lambda count: None))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                assert self.task is None or not self.task.done(), self.task.exception()
                await asyncio.sleep(0.005)

    async def reached(self, id: str, state: State) -> Entry:
        """The entry of a container once it is in a state."""
        await self.until(lambda: (one := self.board.by_engine_id(id)) and one.container.state is state)
        entry = self.board.by_engine_id(id)
        assert entry is not None
        return entry


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    followed = Followed(Tree(tmp_path))
    yield followed
    if followed.task is not None:
        followed.task.cancel()
        await asyncio.wait([followed.task])


@pytest.fixture
async def running(followed: Followed) -> Followed:
    followed.follow()
    await followed.until(lambda: followed.board.complete)
    return followed


async def test_a_life_from_its_creation_to_its_removal(running: Followed) -> None:
    tree = running.tree
    id = tree.create("web")
    await running.reached(id, State.CREATED)
    tree.start(id, 41)
    assert (await running.reached(id, State.RUNNING)).pid == 41
    for frozen, state in ((True, State.PAUSED), (False, State.RUNNING)):
        tree.freeze(id, frozen)
        await running.reached(id, state)
    tree.rename(id, "shop")
    await running.until(lambda: running.board.by_name("shop"))
    tree.end(id, 41, 3, BEGAN + 5)
    container = (await running.reached(id, State.EXITED)).container
    assert (container.exit_code, container.finished_at, container.reason) == (3, BEGAN + 5, Reason.ERROR)
    tree.start(id, 42, BEGAN + 60)
    assert (await running.reached(id, State.RUNNING)).container.started_at == BEGAN + 60
    tree.end(id, 42, 0, BEGAN + 65)
    await running.reached(id, State.EXITED)
    tree.remove(id)
    await running.until(lambda: not running.board.entries())
    assert running.changes == [
        ("web", "created"), ("web", "running"), ("web", "paused"), ("web", "running"), ("shop", "running"),
        ("shop", "exited"), ("shop", "running"), ("shop", "exited"), ("shop", "gone"),
    ]  # fmt: skip


async def test_a_run_that_passes_between_two_looks_is_told_whole(running: Followed) -> None:
    tree = running.tree
    id = tree.create("brief")
    await running.reached(id, State.CREATED)
    tree.start(id, 41)
    tree.end(id, 41, 4, BEGAN + 5)
    os.unlink(f"{tree.temporary}/exits/{id}")
    container = (await running.reached(id, State.EXITED)).container
    # The noted end was gone before it could be read: that it ended is known all the same.
    assert (container.exit_code, container.finished_at) == (None, BEGAN + 9)
    assert running.changes == [("brief", "created"), ("brief", "running"), ("brief", "exited")]


async def test_a_failed_start_is_noticed_though_nothing_tells_of_it(running: Followed) -> None:
    tree = running.tree
    id = tree.create("bad")
    await running.reached(id, State.CREATED)
    tree.conmon(id)
    tree.gone(900)
    container = (await running.reached(id, State.EXITED)).container
    assert (container.reason, container.started_at) == (Reason.START_FAILED, None)


async def test_health_moves_with_its_file(running: Followed) -> None:
    tree = running.tree
    id = tree.create("sick")
    tree.start(id, 41)
    await running.reached(id, State.RUNNING)
    for word, health in (("healthy", Health.HEALTHY), ("unhealthy", Health.UNHEALTHY)):
        with open(
            f"{os.path.dirname(tree.run_directory(id))}/healthcheck.log", "w", encoding="utf-8"
        ) as file:
            file.write(json.dumps({"Status": word}))
        await running.until(
            lambda wanted=health: (one := running.board.by_engine_id(id)) and one.container.health is wanted
        )


async def test_what_was_there_before_is_listed_as_it_is(followed: Followed) -> None:
    tree = followed.tree
    lives, ended, lost = tree.create("lives"), tree.create("ended"), tree.create("lost")
    tree.start(ended, 42)
    tree.end(ended, 42, 3, BEGAN + 5)
    tree.start(lost, 43)
    tree.end(lost, 43, None, BEGAN + 5)
    tree.start(lives, 41)
    followed.follow()
    await followed.until(lambda: followed.board.complete)
    assert sorted(followed.changes) == [("ended", "exited"), ("lives", "running"), ("lost", "exited")]
    entries = {one.container.name: one.container for one in followed.board.entries().values()}
    # Podman did not come to take one of the ends away; the other is known to nobody.
    assert (entries["ended"].exit_code, entries["ended"].finished_at) == (3, BEGAN + 5)
    assert entries["lost"].exit_code is None


async def test_containers_of_others_in_the_same_storage_are_left_to_them(running: Followed) -> None:
    tree = running.tree
    tree.create("k8s_app", **{"pod-id": "17", "pod-name": "shop"})
    tree.create("buildah", name="")
    await running.reached(tree.create("mine"), State.CREATED)
    assert running.changes == [("mine", "created")]


async def test_the_database_tells_labels_pods_and_stops(followed: Followed) -> None:
    tree = followed.tree
    database = Database(Path(tree.root), "wal")
    id = tree.create("web")
    tree.start(id, 41)
    database.config("web", labels={"team": "a"})
    database.state(id, 3)
    followed.follow()
    assert (await followed.reached(id, State.RUNNING)).container.labels == {"team": "a"}
    database.state(id, 3, stoppedByUser=True, restartCount=1)
    await followed.until(lambda: (one := followed.board.by_engine_id(id)) and one.stop_requested)
    tree.end(id, 41, 0, BEGAN + 5)
    container = (await followed.reached(id, State.EXITED)).container
    assert (container.reason, container.restarts) == (Reason.STOPPED, 1)


async def test_without_a_database_that_can_be_read_the_service_tells(followed: Followed) -> None:
    tree = followed.tree
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        ended = {"Id": id_of("old"), "State": "exited", "ExitCode": 7, "ExitedAt": int(BEGAN) + 5}
        lines = [
            {"Id": id, "Labels": {"team": "a"}, "State": "running"} for id in tree.lines if id != id_of("old")
        ]
        return web.json_response([ended, *lines])

    old = tree.create("old")
    tree.start(old, 41)
    tree.end(old, 41, None, BEGAN + 5)
    async with service(followed.socket, answer):
        followed.follow()
        container = (await followed.reached(old, State.EXITED)).container
        assert (container.exit_code, container.finished_at) == (7, int(BEGAN) + 5)
        id = tree.create("web")
        tree.start(id, 42)
        await followed.reached(id, State.RUNNING)
        await followed.until(
            lambda: (one := followed.board.by_engine_id(id)) and one.container.labels == {"team": "a"}
        )
        before = asked
        tree.freeze(id, True)
        await followed.reached(id, State.PAUSED)
        assert asked == before
    assert followed.changes[0] == ("old", "exited")


async def test_a_service_that_hangs_keeps_nobody_waiting_for_long(followed: Followed) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    tree = followed.tree
    id = tree.create("web")
    tree.start(id, 41)
    async with service(followed.socket, hang):
        followed.follow()
        await followed.reached(id, State.RUNNING)
        tree.end(id, 41, 3, BEGAN + 5)
        assert (await followed.reached(id, State.EXITED)).container.exit_code == 3


async def test_a_storage_that_only_comes_to_be_used_is_watched(tmp_path: Path, followed: Followed) -> None:
    tree = followed.tree
    for directory in (f"{tree.run}/overlay-containers", f"{tree.temporary}/exits", f"{tree.root}/libpod"):
        os.rmdir(directory)
    followed.follow()
    await followed.until(lambda: followed.board.complete)
    os.makedirs(f"{tree.temporary}/exits")
    id = tree.create("first")
    await followed.reached(id, State.CREATED)
    tree.start(id, 41)
    await followed.reached(id, State.RUNNING)
    tree.end(id, 41, 5, BEGAN + 5)
    assert (await followed.reached(id, State.EXITED)).container.exit_code == 5
