"""Pods from a CRI socket alone."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.cri.socket import CriSocket
from collectors.inventory.grpc import runtime_v1
from collectors.inventory.grpc.runtime_v1 import SERVICE
from collectors.inventory.pods import Pod, Pods
from collectors.model import Limits, Network, Reason, Role, State
from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    NEXT,
    SANDBOX,
    SECOND,
    Containerd,
    Noted,
    until,
)


class Scene:
    def __init__(self, directory: pathlib.Path) -> None:
        self.engine = Containerd(f"{directory}/crio.sock")
        self.board = Noted()
        self.pods = Pods()
        self.answered: list[int] = []
        self.socket = CriSocket(
            "crio",
            self.engine.path,
            "inventory.crio.socket",
            detect(),
            self.pods,
            list_every=0.02,
            timeout=1.0,
        )
        self.task: asyncio.Task[str] | None = None

    async def follow(self) -> None:
        await self.engine.start()
        self.task = asyncio.ensure_future(self.socket.follow(self.board, self.answered.append))
        await until(lambda: self.answered)

    async def away(self) -> str:
        """Why it follows no longer."""
        assert self.task is not None
        await asyncio.wait([self.task], timeout=10)
        return self.task.result()


@pytest.fixture
async def scene(tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    scene.engine.add_pod()
    scene.engine.create(MAIN)
    yield scene
    if scene.task is not None:
        scene.task.cancel()
        await asyncio.wait([scene.task])
    await scene.engine.stop()


async def test_what_is_listed_is_told_whole(scene: Scene) -> None:
    scene.engine.run(MAIN)
    await scene.follow()
    assert scene.answered == [2]
    sandbox, main = scene.board.entries[SANDBOX.key], scene.board.entries[MAIN.key]
    assert (sandbox.container.engine, sandbox.container.role, sandbox.container.image) == (
        "crio", Role.SANDBOX, "pause:3",
    )  # fmt: skip
    assert (sandbox.network, sandbox.addresses) == (Network.OWNER, ("10.0.0.7", "fd00::7"))
    assert (main.pid, main.pid_start, main.network) == (
        os.getpid(), start_time(os.getpid()), Network.FOLLOWER,
    )  # fmt: skip
    container = main.container
    assert (container.namespace, container.pod, container.container) == ("shop", "web", "main")
    assert (container.started_at, container.limits) == (10.0, Limits())
    pod = Pod(
        uid="u1",
        namespace="shop",
        name="web",
        labels={"app": "web"},
        annotations={"prometheus.io/scrape": "true"},
    )
    assert scene.pods.of("u1") == pod


async def test_a_life_shows_in_the_lists(scene: Scene) -> None:
    await scene.follow()
    scene.engine.run(MAIN)
    await until(lambda: scene.board.entries[MAIN.key].container.state is State.RUNNING)
    scene.engine.end(MAIN, code=137, reason="OOMKilled")
    await until(lambda: scene.board.entries[MAIN.key].container.state is State.EXITED)
    assert scene.board.entries[MAIN.key].container.reason is Reason.OOM
    scene.engine.create(NEXT, attempt=1)
    scene.engine.run(NEXT, at=30)
    scene.engine.end(NEXT, at=40, code=1)
    await until(lambda: scene.board.states(NEXT) == ["running", "exited"])
    del scene.engine.statuses[MAIN.id]
    await until(lambda: MAIN.key not in scene.board.entries)
    assert scene.board.states(MAIN) == ["created", "running", "exited", "gone"]


async def test_a_sandbox_that_is_over(scene: Scene) -> None:
    await scene.follow()
    status = scene.engine.sandboxes[SANDBOX.id]
    over = {name: getattr(status, name) for name in status.__struct_fields__} | {"state": 1}
    scene.engine.sandboxes[SANDBOX.id] = runtime_v1.PodSandboxStatus(**over)
    await until(lambda: scene.board.entries[SANDBOX.key].container.state is State.EXITED)
    assert scene.board.entries[SANDBOX.key].container.started_at == 5 * SECOND / 1e9
    scene.engine.sandboxes.clear()
    await until(lambda: scene.pods.of("u1") is None)


async def test_an_engine_that_is_not_there(scene: Scene) -> None:
    reason = await scene.socket.follow(scene.board)
    assert "start the engine, or set inventory.crio.socket" in reason


async def test_an_engine_that_hangs_is_away(scene: Scene) -> None:
    await scene.follow()
    scene.engine.hanging = {f"{SERVICE}ListPodSandbox"}
    assert "does not answer" in await scene.away()
    assert scene.board.entries.keys() == {SANDBOX.key, MAIN.key}
