"""Bundles that come and go on disk, with real processes in them."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.containerd.bundles import Bundles
from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import Ref
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.containerd.runs import ContainerdRuns
from collectors.inventory.pods import Pods
from collectors.model import State
from runtime.linux.hierarchies import detect
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    PLAIN,
    SANDBOX,
    SECOND,
    Noted,
    config,
    pod_config,
    until,
    write_bundle,
    write_note,
)


class Scene:
    def __init__(self, directory: pathlib.Path) -> None:
        self.state, self.root = f"{directory}/state", f"{directory}/root"
        self.board = Noted()
        self.disk = ContainerdDisk(self.state, self.root)
        self.pods = Pods()
        self.follower = Follower(ContainerdRuns(self.board), detect(), self.pods)
        self.bundles = Bundles(self.disk, self.follower, rescan_every=0.1)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.task: asyncio.Task[None] | None = None

    def process(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["sleep", "600"])
        self.processes.append(process)
        return process

    async def follow(self) -> None:
        await self.bundles.survey()
        self.task = asyncio.ensure_future(self.bundles.follow())

    async def reached(self, ref: Ref, state: State) -> None:
        await until(lambda: ref.key in self.board.entries)
        await until(lambda: self.board.entries[ref.key].container.state is state)


@pytest.fixture
async def scene(tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    if scene.task is not None:
        scene.task.cancel()
        await asyncio.wait([scene.task])
    for process in scene.processes:
        process.kill()
        process.wait()


async def test_what_is_there_and_what_comes(scene: Scene) -> None:
    write_bundle(scene.state, SANDBOX, pod_config(SANDBOX), pid=scene.process().pid)
    await scene.follow()
    assert scene.board.states(SANDBOX) == ["running"]
    write_bundle(scene.state, MAIN, pod_config(MAIN))
    await scene.reached(MAIN, State.CREATED)
    write_note(scene.root, MAIN, StartedAt=10 * SECOND)
    process = scene.process()
    write_bundle(scene.state, MAIN, pod_config(MAIN), pid=process.pid)
    await scene.reached(MAIN, State.RUNNING)
    entry = scene.board.entries[MAIN.key]
    assert (entry.container.namespace, entry.container.pod, entry.container.container) == (
        "shop", "web", "main",
    )  # fmt: skip
    assert (entry.container.image, entry.container.started_at) == ("reg/web:1", 10.0)


async def test_an_end_that_the_cri_noted_after_the_bundle_went(scene: Scene) -> None:
    directory = write_bundle(scene.state, MAIN, pod_config(MAIN), pid=scene.process().pid)
    write_note(scene.root, MAIN, StartedAt=10 * SECOND)
    await scene.follow()
    shutil.rmtree(directory)
    write_note(scene.root, MAIN, StartedAt=10 * SECOND, FinishedAt=20 * SECOND, ExitCode=7)
    await scene.reached(MAIN, State.EXITED)
    assert scene.board.entries[MAIN.key].container.exit_code == 7
    shutil.rmtree(f"{scene.root}/io.containerd.grpc.v1.cri/containers/{MAIN.id}")
    await until(lambda: MAIN.key not in scene.board.entries)
    assert scene.board.states(MAIN) == ["running", "exited", "gone"]


async def test_a_process_that_ends_while_its_bundle_stays(scene: Scene) -> None:
    process = scene.process()
    directory = write_bundle(scene.state, PLAIN, config(PLAIN), pid=process.pid)
    await scene.follow()
    process.kill()
    process.wait()
    await scene.reached(PLAIN, State.EXITED)
    assert scene.board.entries[PLAIN.key].container.exit_code is None
    shutil.rmtree(directory)
    await until(lambda: PLAIN.key not in scene.board.entries)


async def test_a_namespace_that_is_new(scene: Scene) -> None:
    write_bundle(scene.state, PLAIN, config(PLAIN), pid=scene.process().pid)
    await scene.follow()
    other = Ref("other", "web")
    write_bundle(scene.state, other, config(other), pid=scene.process().pid)
    await scene.reached(other, State.RUNNING)
    assert scene.board.entries.keys() == {"default/web", "other/web"}
