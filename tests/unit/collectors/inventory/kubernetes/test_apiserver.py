"""One list, then what changes; whatever ends a watch, what is known is true again soon."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from collectors.inventory.kubernetes.apiserver import RIGHTS, ApiServerSource
from collectors.inventory.kubernetes.client import Access
from collectors.inventory.merge import Inventory
from collectors.inventory.pods import Pods
from tests.kubeapi import Cluster, pod


class Node:
    """A node whose pods are watched."""

    def __init__(self, cluster: Cluster, directory: pathlib.Path) -> None:
        self.pods = Pods()
        asked = Access(cluster.url, str(directory / "token"), "/none", True, RIGHTS)
        self.source = ApiServerSource(asked, "node-1", self.pods)
        self.board = Inventory([self.source], lambda old, new: None)

    def name(self, uid: str) -> str | None:
        found = self.pods.of(uid)
        return found.name if found else None


@contextlib.asynccontextmanager
async def node(cluster: Cluster, directory: pathlib.Path) -> AsyncIterator[Node]:
    made = Node(cluster, directory)
    running = asyncio.ensure_future(made.board.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def questions(cluster: Cluster) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(asked).query) for asked in cluster.asked]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    made.put(pod("web-1", "u1", {"app": "a1"}))
    await made.start()
    yield made
    await made.stop()


async def test_pods_come_change_and_go(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: here.name("u1") and cluster.watches)
        cluster.put(pod("web-2", "u2", {"app": "a2"}))
        await until(lambda: here.name("u2"))
        cluster.put(pod("web-2", "u2", {"app": "a2"}, owner="Job/x"))
        await until(lambda: (found := here.pods.of("u2")) and found.owner == "Job/x")
        cluster.remove("u1")
        await until(lambda: not here.name("u1"))
        listed, watched = questions(cluster)
        assert listed["resourceVersion"] == ["0"] and "watch" not in listed
        assert watched["resourceVersion"] == ["101"] and watched["allowWatchBookmarks"] == ["true"]
        assert 240 <= int(watched["timeoutSeconds"][0]) <= 480


async def test_a_watch_goes_on_from_the_last_bookmark(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: here.name("u1") and cluster.watches)
        cluster.bookmark()
        cluster.end_watches()
        await until(lambda: len(cluster.asked) == 3 and cluster.watches)
        assert questions(cluster)[-1]["resourceVersion"] == ["102"]


@pytest.mark.parametrize("refused", [False, True])
async def test_a_version_that_is_gone_is_listed_anew(
    cluster: Cluster, tmp_path: pathlib.Path, refused: bool
) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: here.name("u1") and cluster.watches)
        cluster.pods = {"u3": pod("web-3", "u3", {"app": "a3"})}
        if refused:
            status = {"status": "Failure", "code": 410, "message": "too old"}
            cluster.say({"type": "ERROR", "object": status})
        else:
            cluster.oldest = cluster.version = 500
        cluster.end_watches()
        await until(lambda: here.name("u3"))
        assert not here.name("u1") and here.board.reasons() == {}


async def test_who_comes_back_has_its_pods_followed_again(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: here.name("u1") and cluster.watches)
        await cluster.stop()
        await until(lambda: "cannot reach" in here.board.reasons().get("api_server", ""))
        assert here.name("u1") == "web-1"
        await cluster.start(port=cluster.port)
        await until(lambda: not here.board.reasons())
        cluster.put(pod("web-2", "u2", {"app": "a2"}))
        await until(lambda: here.name("u2"))


async def test_a_refusal_names_the_rights_that_are_missing(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    cluster.refuse = 403
    async with node(cluster, tmp_path) as here:
        await until(here.board.reasons)
        assert "list and watch pods" in here.board.reasons()["api_server"] and here.board.complete


@pytest.mark.parametrize("line", [b"{nonsense}\n", b'{"type":"ADDED","object":{"metadata":3}}\n'])
async def test_nonsense_does_not_end_the_following(
    cluster: Cluster, tmp_path: pathlib.Path, line: bytes
) -> None:
    async with node(cluster, tmp_path) as here:
        await until(lambda: here.name("u1") and cluster.watches)
        for stream in cluster._streams:
            stream.put_nowait(line)
        await until(here.board.reasons)
        assert "something else than pods" in here.board.reasons()["api_server"]
        await until(lambda: cluster.watches and not here.board.reasons())
