"""The source waits for a storage that is not there, and knows where an ordinary user's lies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from collectors.inventory import podman
from collectors.inventory.merge import Inventory
from collectors.inventory.podman import AWAY, FOUND, PodmanSource, places
from collectors.model import State
from tests.unit.collectors.inventory.tree import Tree


def test_root_uses_what_is_configured() -> None:
    assert places("/a", "/b", 0, {"XDG_RUNTIME_DIR": "/x"}) == ("/a", "/b", ("/run/libpod",))


def test_an_ordinary_users_own_storage_stands_for_the_systems() -> None:
    system = podman.SYSTEM_ROOT, podman.SYSTEM_RUN
    assert places(*system, 1000, {"HOME": "/home/u"}) == (
        "/home/u/.local/share/containers/storage", "/run/user/1000/containers",
        ("/run/user/1000/libpod/tmp", "/run/libpod"),
    )  # fmt: skip
    own = places(*system, 1000, {"XDG_DATA_HOME": "/d", "XDG_RUNTIME_DIR": "/r"})
    assert own[:2] == ("/d/containers/storage", "/r/containers")
    assert places("/a", "/b", 1000, {})[:2] == ("/a", "/b")


async def test_a_storage_may_come_later(tmp_path: Path) -> None:
    source = PodmanSource(
        f"{tmp_path}/late/root", f"{tmp_path}/late/run", f"{tmp_path}/s", Tree(tmp_path / "other").hierarchies,
        look_again=0.01,
    )  # fmt: skip
    board = Inventory([source], lambda old, new: None)

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    with structlog.testing.capture_logs() as lines:
        task = asyncio.ensure_future(board.run())
        await until(lambda: "cannot read the storage" in board.reasons().get("podman", ""))
        assert board.complete
        tree = Tree(tmp_path / "late")
        tree.create("web")
        await until(lambda: not board.reasons())
        assert [one.container.state for one in board.entries().values()] == [State.CREATED]
        task.cancel()
        await asyncio.wait([task])
    assert [line["event"] for line in lines] == [AWAY, FOUND]
