"""A source that has a socket, loses it, and never had one."""

from __future__ import annotations

import asyncio
import os
import pathlib
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.containerd.source import ContainerdSource
from collectors.inventory.grpc.containerd_v1 import NAMESPACES
from collectors.inventory.pods import Pods
from collectors.model import State
from runtime.linux.hierarchies import detect
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    PLAIN,
    SANDBOX,
    SECOND,
    Containerd,
    Noted,
    config,
    pod_config,
    until,
    write_bundle,
    write_note,
)


class Scene:
    def __init__(self, directory: pathlib.Path) -> None:
        self.engine = Containerd(f"{directory}/containerd.sock")
        self.state, self.root = f"{directory}/state", f"{directory}/root"
        self.board = Noted()
        self.source = ContainerdSource(
            self.engine.path, self.state, self.root, detect(), Pods(), layers_every=0.05
        )
        self.task: asyncio.Task[None] | None = None

    def run(self) -> None:
        self.task = asyncio.ensure_future(self.source.run(self.board))

    def bundles(self) -> None:
        """The same pod on disk that the engine has."""
        for ref in (SANDBOX, MAIN):
            write_bundle(self.state, ref, pod_config(ref), pid=os.getpid())
        write_note(self.root, MAIN, StartedAt=10 * SECOND)

    async def connected(self) -> None:
        await until(lambda: self.board.complete and not self.board.reason)


@pytest.fixture
async def scene(tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    scene.engine.add_pod()
    scene.engine.create(MAIN)
    scene.engine.run(MAIN)
    yield scene
    assert scene.task is not None
    scene.task.cancel()
    await asyncio.wait([scene.task])
    await scene.engine.stop()


async def test_a_host_without_containerd(scene: Scene) -> None:
    scene.run()
    await until(lambda: scene.board.complete)
    assert "no such file; start the engine, or set inventory.containerd.socket" in scene.board.reason
    assert scene.board.entries == {}


async def test_an_engine_that_appears(scene: Scene) -> None:
    scene.run()
    await until(lambda: scene.board.reason)
    await scene.engine.start()
    await scene.connected()
    assert scene.board.entries.keys() == {SANDBOX.key, MAIN.key}


async def test_bundles_take_the_place_of_an_engine_that_stops(scene: Scene) -> None:
    scene.bundles()
    await scene.engine.start()
    scene.run()
    await scene.connected()
    before = dict(scene.board.entries)
    await scene.engine.stop()
    await until(lambda: "names come from" in scene.board.reason)
    write_bundle(scene.state, PLAIN, config(PLAIN), pid=os.getpid())
    await until(lambda: PLAIN.key in scene.board.entries)
    assert {key: scene.board.entries[key] for key in before} == before
    scene.engine.add(PLAIN, config(PLAIN), team="x")
    scene.engine.run(PLAIN)
    await scene.engine.start()
    await scene.connected()
    await until(lambda: scene.board.entries[PLAIN.key].container.labels == {"team": "x"})
    assert scene.board.states(MAIN) == scene.board.states(PLAIN) == ["running"]


async def test_bundles_alone(scene: Scene) -> None:
    scene.bundles()
    scene.run()
    await until(lambda: scene.board.complete)
    assert scene.board.entries[MAIN.key].container.pod == "web"
    await until(lambda: "names come from" in scene.board.reason)


async def test_a_socket_that_hangs_does_not_keep_the_bundles_waiting(scene: Scene) -> None:
    scene.bundles()
    scene.engine.hanging = {f"{NAMESPACES}List"}
    await scene.engine.start()
    scene.run()
    await until(lambda: MAIN.key in scene.board.entries)
    assert scene.board.entries[MAIN.key].container.state is State.RUNNING
    assert scene.board.complete


async def test_writable_layers_are_counted_while_somebody_asks(scene: Scene) -> None:
    scene.engine.layers = {MAIN.id: 4096}
    await scene.engine.start()
    scene.run()
    await scene.connected()
    assert scene.source.writable_layers() == {}
    id = scene.board.entries[MAIN.key].container.id
    await until(lambda: scene.source.writable_layers() == {id: 4096})
    await scene.engine.stop()
    await until(lambda: scene.source.writable_layers() == {})


def test_an_agent_without_containerd_imports_no_grpc_library() -> None:
    code = (
        "import sys; import agent.sources, collectors.inventory.containerd.source;"
        "print([name for name in sys.modules if name.split('.')[0] in ('grpclib', 'h2', 'google')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
