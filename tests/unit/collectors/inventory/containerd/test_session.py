"""One connection from its list to its end, with events that come late, twice or not at all."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import Ref
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.containerd.runs import ContainerdRuns
from collectors.inventory.containerd.session import Session
from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.channel import Channel, NoAnswer
from collectors.inventory.grpc.containerd_v1 import EVENTS, NAMESPACES
from collectors.inventory.grpc.runtime_v1 import SERVICE
from collectors.inventory.pods import Pods
from collectors.model import Reason, State
from runtime.linux.hierarchies import detect
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    NEXT,
    PLAIN,
    SANDBOX,
    Containerd,
    Noted,
    config,
    until,
)
from tests.unit.collectors.inventory.grpc.server import not_offered


class Scene:
    """An engine, a session with it, and what the board heard."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.engine = Containerd(f"{directory}/containerd.sock")
        self.board = Noted()
        self.disk = ContainerdDisk(f"{directory}/state", f"{directory}/root")
        self.follower = Follower(ContainerdRuns(self.board), detect(), Pods())
        self.answered: list[int] = []
        self.task: asyncio.Task[None] | None = None

    async def follow(self, timeout: float = 5.0) -> None:
        async with Channel(self.engine.path, "inventory.containerd.socket", timeout=timeout) as channel:
            await Session(channel, self.disk, self.follower).follow(self.answered.append)

    async def start(self) -> None:
        await self.engine.start()
        self.task = asyncio.ensure_future(self.follow())
        await until(lambda: self.answered and self.engine.listeners)

    async def over(self, ref: Ref) -> None:
        await until(lambda: self.board.entries[ref.key].container.state is State.EXITED)


@pytest.fixture
async def scene(tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    if scene.task is not None:
        scene.task.cancel()
        await asyncio.wait([scene.task])
    await scene.engine.stop()


async def test_the_list_and_then_a_life_by_events(scene: Scene) -> None:
    scene.engine.add_pod()
    await scene.start()
    assert scene.answered == [1]
    scene.engine.create(MAIN)
    scene.engine.tell(MAIN, "/containers/create")
    await until(lambda: MAIN.key in scene.board.entries)
    scene.engine.run(MAIN)
    scene.engine.tell(MAIN, "/tasks/start")
    scene.engine.tell(MAIN, "/tasks/paused")
    scene.engine.tell(MAIN, "/tasks/resumed")
    scene.engine.tell(MAIN, "/tasks/exit", at=20, code=3)
    scene.engine.tell(MAIN, "/tasks/exit", at=20, code=3)
    await scene.over(MAIN)
    scene.engine.tell(MAIN, "/containers/delete")
    await until(lambda: MAIN.key not in scene.board.entries)
    assert scene.board.states(MAIN) == ["created", "running", "paused", "running", "exited", "gone"]


async def test_a_plain_container_that_ran_out_of_memory(scene: Scene) -> None:
    scene.engine.add(PLAIN, config(PLAIN))
    scene.engine.run(PLAIN)
    await scene.start()
    scene.engine.tell(PLAIN, "/tasks/oom")
    scene.engine.tell(PLAIN, "/tasks/exit", at=20, code=137)
    await scene.over(PLAIN)
    assert scene.board.entries[PLAIN.key].container.reason is Reason.OOM


async def test_labels_that_changed(scene: Scene) -> None:
    scene.engine.add(PLAIN, config(PLAIN), team="x")
    await scene.start()
    scene.engine.add(PLAIN, config(PLAIN), team="y")
    scene.engine.tell(PLAIN, "/containers/update")
    await until(lambda: scene.board.entries[PLAIN.key].container.labels == {"team": "y"})


async def test_events_of_dockers_own_containers_are_dockers(scene: Scene) -> None:
    scene.engine.add(PLAIN, config(PLAIN))
    await scene.start()
    scene.engine.add(Ref("moby", "x"), b"{}")
    scene.engine.tell(Ref("moby", "x"), "/containers/create")
    scene.engine.run(PLAIN)
    scene.engine.tell(PLAIN, "/tasks/start")
    await until(lambda: scene.board.entries[PLAIN.key].container.state is State.RUNNING)
    assert scene.board.entries.keys() == {PLAIN.key}


async def test_one_container_that_hangs_delays_no_other(scene: Scene) -> None:
    scene.engine.add(PLAIN, config(PLAIN))
    scene.engine.add_pod()
    scene.engine.create(MAIN)
    await scene.start()
    scene.engine.hanging = {f"{SERVICE}ContainerStatus"}
    scene.engine.tell(MAIN, "/tasks/start")
    scene.engine.run(PLAIN)
    scene.engine.tell(PLAIN, "/tasks/start")
    await until(lambda: scene.board.entries[PLAIN.key].container.state is State.RUNNING)


async def test_what_no_event_told_shows_in_the_next_list(scene: Scene) -> None:
    scene.engine.add_pod()
    for ref in (MAIN, NEXT):
        scene.engine.create(ref)
        scene.engine.run(ref)
    await scene.start()
    assert scene.answered == [3]
    scene.engine.end(MAIN, code=3)
    del scene.engine.containers[NEXT], scene.engine.tasks[NEXT], scene.engine.statuses[NEXT.id]
    scene.engine.add(PLAIN, config(PLAIN))
    await scene.over(MAIN)
    await until(lambda: PLAIN.key in scene.board.entries and NEXT.key not in scene.board.entries)
    assert scene.board.entries[MAIN.key].container.exit_code == 3
    assert scene.board.states(SANDBOX) == ["running"]


async def test_an_engine_without_a_cri(scene: Scene) -> None:
    for method in scene.engine.calls:
        if method.startswith(SERVICE):
            scene.engine.calls[method] = not_offered
    scene.engine.add(PLAIN, config(PLAIN))
    scene.engine.tasks[PLAIN] = containerd_v1.Process(id=PLAIN.id, status=containerd_v1.RUNNING)
    await scene.start()
    assert scene.board.states(PLAIN) == ["running"]


@pytest.mark.parametrize("method", [f"{NAMESPACES}List", f"{SERVICE}Version"])
async def test_an_engine_that_hangs_is_away(scene: Scene, method: str) -> None:
    scene.engine.hanging = {method}
    await scene.engine.start()
    with pytest.raises(NoAnswer, match="does not answer"):
        await scene.follow(timeout=0.1)
    assert scene.answered == []


async def test_an_engine_that_ends_its_events_is_away(scene: Scene) -> None:
    await scene.start()
    assert f"{EVENTS}Subscribe" in scene.engine.asked
    assert scene.task is not None
    for listener in scene.engine.listeners:
        listener.put_nowait(None)
    await asyncio.wait([scene.task], timeout=10)
    error = scene.task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, NoAnswer) and "event stream" in str(error)
