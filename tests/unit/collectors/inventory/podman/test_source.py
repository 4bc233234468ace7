"""The source waits for a storage that is not there, and knows where an ordinary user's lies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from collectors.inventory.merge import Inventory
from collectors.inventory.podman import source as podman
from collectors.inventory.podman.source import AWAY, FOUND, Places, PodmanSource, places_of
from collectors.model import State
from tests.unit.collectors.inventory.tree import Tree

SYSTEM = podman.SYSTEM_ROOT, podman.SYSTEM_RUN, podman.SYSTEM_SOCKET


def test_root_uses_what_is_configured() -> None:
    found = places_of("/a", "/b", "/s", 0, {"XDG_RUNTIME_DIR": "/x"})
    assert found == Places("/a", "/b", "/s", ("/run/libpod",))


def test_an_ordinary_users_own_places_stand_for_the_systems() -> None:
    assert places_of(*SYSTEM, 1000, {"HOME": "/home/u"}) == Places(
        "/home/u/.local/share/containers/storage", "/run/user/1000/containers", "/run/user/1000/podman/podman.sock",
        ("/run/user/1000/libpod/tmp", "/run/libpod"),
    )  # fmt: skip
    own = places_of(*SYSTEM, 1000, {"XDG_DATA_HOME": "/d", "XDG_RUNTIME_DIR": "/r"})
    assert own[:3] == ("/d/containers/storage", "/r/containers", "/r/podman/podman.sock")
    assert places_of("/a", "/b", "/s", 1000, {})[:3] == ("/a", "/b", "/s")


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
