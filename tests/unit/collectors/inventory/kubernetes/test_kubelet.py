"""A kubelet is asked now and then, soon after news, and not at all too often."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import time
from collections.abc import AsyncIterator, Callable

import pytest

from collectors.inventory.kubernetes.client import Access
from collectors.inventory.kubernetes.kubelet import RIGHTS, KubeletSource
from collectors.inventory.merge import Inventory
from collectors.inventory.pods import Pods
from collectors.model import Container, Entry
from tests.kubeapi import Cluster, pod

RUNNING = Entry(container=Container(id="/kubepods/podu1/a1", name="a1", engine="containerd", engine_id="a1"))


class Engine:
    """An engine that lists one container without a word about Kubernetes."""

    name = "containerd"

    async def run(self, board: object) -> None:
        await asyncio.Event().wait()


class Node:
    """A kubelet, the source that asks it, and the board it tells."""

    def __init__(self, cluster: Cluster, directory: pathlib.Path, every: tuple[float, float]) -> None:
        self.pods = Pods()
        asked = Access(cluster.url, str(directory / "token"), "/none", True, RIGHTS)
        self.source = KubeletSource(asked, self.pods, every=every, soon=(0.05, 0.1), at_most_every=0.05)
        self.board = Inventory([Engine(), self.source], lambda old, new: None)
        self.board.put("containerd", RUNNING)

    @property
    def container(self) -> Container:
        return self.board.entries()[RUNNING.container.id].container


@contextlib.asynccontextmanager
async def node(
    cluster: Cluster, directory: pathlib.Path, every: tuple[float, float] = (60, 60)
) -> AsyncIterator[Node]:
    made = Node(cluster, directory, every)
    running = asyncio.ensure_future(made.board.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    await made.start()
    yield made
    await made.stop()


async def test_its_pods_fill_what_the_engine_left_empty(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    cluster.put(pod("web-1", "u1", {"app": "a1"}, owner="ReplicaSet/web", labels={"app": "web"}, restarts=3))
    async with node(cluster, tmp_path) as here:
        await until(lambda: here.container.pod)
        told = here.container
        assert (told.namespace, told.pod, told.container, told.owner) == (
            "shop", "web-1", "app", "ReplicaSet/web",
        )  # fmt: skip
        assert (told.image, told.labels, told.restarts) == ("registry/app:1", {"app": "web"}, 3)
        known = here.pods.of("u1")
        assert known is not None and known.name == "web-1"
        assert "kubelet" not in here.board.reasons()


async def test_news_are_asked_for_soon_and_again_until_it_knows_them(
    cluster: Cluster, tmp_path: pathlib.Path
) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: len(cluster.asked) == 1)
        here.source.news()
        await until(lambda: len(cluster.asked) == 2)
        cluster.put(pod("web-1", "u1", {"app": "a1"}))  # a moment after its cgroup
        await until(lambda: here.container.pod)


async def test_many_news_are_one_question(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: len(cluster.asked) == 1)
        began = time.monotonic()
        while time.monotonic() - began < 0.5:
            here.source.news()
            await asyncio.sleep(0.001)
        assert 2 <= len(cluster.asked) <= 1 + 0.5 / 0.05 + 1


async def test_what_was_told_stays_while_it_is_away(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    cluster.put(pod("web-1", "u1", {"app": "a1"}))
    async with node(cluster, tmp_path, every=(0.01, 0.02)) as here:
        await until(lambda: here.container.pod)
        cluster.refuse = 403
        await until(lambda: "kubelet" in here.board.reasons())
        assert "answers 403; allow" in here.board.reasons()["kubelet"]
        assert "nodes/proxy" in here.board.reasons()["kubelet"] and here.container.pod == "web-1"
        cluster.refuse = 0
        cluster.remove("u1")
        await until(lambda: not here.container.pod)
        assert "kubelet" not in here.board.reasons()
