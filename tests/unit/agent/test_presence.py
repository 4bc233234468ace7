"""Cgroups and engines are joined: who appears is followed, whoever made it."""

from __future__ import annotations

import asyncio
import os
import pathlib
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from agent.config.load import load
from agent.events import EventLog
from agent.exposition.finals import Finals
from agent.exposition.labels import base_labels
from agent.exposition.selfmetrics import SelfMetrics
from agent.lifecycle.counters import LifecycleCounters
from agent.presence import Presence
from agent.sources import sources_for
from collectors.metrics.sampler import Sampler
from runtime.linux import hierarchies

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
]

ENGINES = ("docker", "containerd", "crio", "podman", "kubernetes", "machines", "systemd")


class Scene:
    """A presence on this host that knows no engine, only the cgroups of the test's own."""

    def __init__(self, directory: pathlib.Path, *overrides: str) -> None:
        self.parent = f"/deckwatch-test-{os.getpid()}-{secrets.token_hex(4)}"
        config = load(
            None,
            (
                *(f"inventory.{engine}.enabled=false" for engine in ENGINES),
                f"inventory.cgroup.include=['{self.parent}/*']",
                *overrides,
            ),
        )
        self._trees = hierarchies.detect()
        self._sampler = Sampler(self._trees)
        self._counters = LifecycleCounters(str(directory / "counters"))
        self._events = EventLog(str(directory / "events"), max_events=10)
        self.changes = 0
        self.made: list[str] = []
        self.presence = Presence(
            config, self._trees, sources_for(config, self._trees), self._sampler,
            finals=Finals(60), counters=self._counters, events=self._events, self_metrics=SelfMetrics(),
            labels_of=base_labels, changed=self._changed,
        )  # fmt: skip

    def _changed(self) -> None:
        self.changes += 1

    def make(self, name: str = "") -> str:
        path = self.parent + name
        for tree in self._trees.all():
            os.mkdir(tree.directory(path))
        self.made.append(path)
        return path

    def remove(self, path: str) -> None:
        self.made.remove(path)
        for tree in self._trees.all():
            os.rmdir(tree.directory(path))

    def names(self) -> list[str]:
        return [one.name for one in self.presence.lifecycle.containers()]

    async def run(self, act: Callable[[], Any]) -> None:
        running = asyncio.ensure_future(self.presence.run())
        try:
            await self.until(lambda: self.presence.inventory.complete)
            await act()
        finally:
            running.cancel()
            await asyncio.wait([running])

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.002)

    def close(self) -> None:
        for path in reversed(list(self.made)):
            self.remove(path)
        self.presence.close()
        self._sampler.close()
        self._events.close()
        self._counters.close()


@pytest.fixture
async def scene(tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    one = Scene(tmp_path)
    yield one
    one.close()


async def test_a_cgroup_that_comes_is_a_container_until_it_goes(scene: Scene) -> None:
    async def act() -> None:
        scene.make()
        path = scene.make("/web")
        await scene.until(lambda: scene.names() == ["web"])
        assert scene.changes > 0
        scene.remove(path)
        await scene.until(lambda: not scene.names())

    await scene.run(act)


async def test_what_was_there_before_is_there_once_the_inventory_is_complete(scene: Scene) -> None:
    scene.make()
    scene.make("/old")

    async def act() -> None:
        assert scene.names() == ["old"]

    await scene.run(act)


async def test_only_what_is_asked_for_is_shown(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, """inventory.exclude=['{name="helper"}']""")
    try:
        scene.make()
        scene.make("/helper")
        scene.make("/web")

        async def act() -> None:
            assert scene.names() == ["web"]

        await scene.run(act)
    finally:
        scene.close()


async def test_whoever_is_in_no_list_is_a_newcomer_but_for_the_helpers_of_engines(scene: Scene) -> None:
    newcomers = scene.presence._newcomers

    async def act() -> None:
        scene.make()
        scene.make("/web")
        helper, other = scene.make("/web/libpod-conmon-abc"), scene.make("/web/other")
        await scene.until(lambda: {helper, other} <= scene.presence.watch.paths())
        assert (other in newcomers, helper in newcomers) == (True, False)

    await scene.run(act)
