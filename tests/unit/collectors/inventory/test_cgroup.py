"""Globs choose plain cgroups; the watch's calls reach the board."""

from __future__ import annotations

import asyncio
import os
import re
import time

import pytest

from collectors.inventory.cgroup import CgroupSource, translated
from collectors.inventory.merge import Inventory
from runtime.linux.hierarchies import Hierarchies, Hierarchy, detect


@pytest.mark.parametrize(
    ("glob", "path", "selected"),
    [
        ("/system.slice/*.service", "/system.slice/ssh.service", True),
        ("/system.slice/*.service", "/system.slice/a/ssh.service", False),
        ("/system.slice/**", "/system.slice/a/ssh.service", True),
        ("/job?", "/job1", True),
        ("/job?", "/job/", False),
        ("/a.b", "/aXb", False),
        ("/a", "/ab", False),
    ],
)
def test_globs_stay_within_a_component_unless_doubled(glob: str, path: str, selected: bool) -> None:
    assert bool(re.fullmatch(translated(glob), path)) is selected


async def test_without_globs_nothing_is_selected() -> None:
    source = CgroupSource([], detect())
    source.reset(["/", "/a", ""])
    board = Inventory([source], lambda old, new: None)
    async with running(board):
        assert board.complete
        assert not board.entries()


async def test_selected_paths_come_and_go_with_the_cgroups() -> None:
    source = CgroupSource(["/jobs/*"], detect())
    source.reset(["/jobs", "/jobs/one", "/other/two"])
    board = Inventory([source], lambda old, new: None)
    async with running(board):
        assert [one.container.name for one in board.entries().values()] == ["one"]
        source.created("/jobs/three")
        source.created("/else/four")
        source.removed("/jobs/one")
        source.removed("/else/four")
        assert list(board.entries()) == ["/jobs/three"]
        source.reset(["/jobs/five"])
        assert list(board.entries()) == ["/jobs/five"]


async def test_the_directory_tells_when_it_was_made(tmp_path: object) -> None:
    tree = Hierarchies({}, Hierarchy(2, frozenset(), str(tmp_path)))
    os.mkdir(f"{tmp_path}/job")
    source = CgroupSource(["/*"], tree)
    source.reset(["/job", "/gone"])
    board = Inventory([source], lambda old, new: None)
    async with running(board):
        started = board.entries()["/job"].container.started_at
        assert started is not None and abs(started - time.time()) < 5
        assert board.entries()["/gone"].container.started_at is None


class running:
    """An inventory that runs for the length of a block, and has settled when the block begins."""

    def __init__(self, board: Inventory) -> None:
        self._board = board

    async def __aenter__(self) -> None:
        self._task = asyncio.ensure_future(self._board.run())
        async with asyncio.timeout(5):
            while not self._board.complete:
                await asyncio.sleep(0)

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
