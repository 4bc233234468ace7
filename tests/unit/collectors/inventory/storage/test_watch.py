"""A change in a storage is about its list, its database, or one container; ends are noted at once."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from collectors.inventory.directories import DirectoryWatch
from collectors.inventory.storage.conmon import Exit
from collectors.inventory.storage.lists import containers
from collectors.inventory.storage.watch import BLIND, RECOVERED, News, StorageWatch
from tests.unit.collectors.inventory.tree import BEGAN, Tree


class Watched:
    """A storage that is watched, and the ends that were noted."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.noted: list[tuple[str, Exit]] = []
        self.watch = StorageWatch(
            tree.root, tree.run, [f"{tree.temporary}/exits"], lambda id, end: self.noted.append((id, end)),
            clock=lambda: BEGAN + 9,
        )  # fmt: skip

    async def news(self) -> News:
        """All that has changed by now."""
        listing, database, ids = False, False, frozenset[str]()
        while (news := await self.watch.news(0.2)).any:
            listing, database, ids = listing or news.listing, database or news.database, ids | news.ids
        return News(listing, database, ids)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(Tree(tmp_path))
    with watched.watch:
        watched.watch.tops()
        yield watched


async def test_a_new_container_changes_the_list_and_its_start_itself(watched: Watched) -> None:
    tree = watched.tree
    id = tree.create("web")
    news = await watched.news()
    assert news.listing and news.ids == {id}
    (stored,) = containers(tree.root, tree.run)
    watched.watch.container(stored)
    tree.start(id, 41)
    assert await watched.news() == News(ids=frozenset({id}))
    with open(f"{os.path.dirname(tree.run_directory(id))}/healthcheck.log", "w", encoding="utf-8") as file:
        file.write("{}")
    assert await watched.news() == News(ids=frozenset({id}))


async def test_a_container_that_is_forgotten_tells_no_more(watched: Watched) -> None:
    tree = watched.tree
    id = tree.create("web")
    (stored,) = containers(tree.root, tree.run)
    watched.watch.container(stored, stored.directory)
    await watched.news()
    tree.state(id, "running")
    assert await watched.news() == News(ids=frozenset({id}))
    watched.watch.forget(stored)
    tree.state(id, "stopped")
    tree.start(id, 41)
    assert await watched.news() == News()


async def test_a_change_of_the_database_is_about_no_container(watched: Watched) -> None:
    watched.tree.database()
    assert await watched.news() == News(database=True)
    with open(f"{watched.tree.root}/db.sql-wal", "w", encoding="utf-8") as file:
        file.write("x")
    assert await watched.news() == News(database=True)


async def test_ends_are_noted_at_once_and_also_when_they_are_gone_again(watched: Watched) -> None:
    tree = watched.tree
    first, second = tree.create("first"), tree.create("second")
    tree.end(first, 41, 3, BEGAN + 5)
    tree.end(second, 42, None, BEGAN + 5)
    assert (await watched.news()).ids == {first, second}
    assert watched.noted == [(first, Exit(BEGAN + 5, 3)), (second, Exit(BEGAN + 9, None))]


async def test_conmon_may_tell_of_another_directory_for_ends(watched: Watched, tmp_path: Path) -> None:
    tree = watched.tree
    other = tmp_path / "elsewhere"
    other.mkdir()
    watched.watch.exits_in(str(other))
    assert str(other) in watched.watch.exits
    id = tree.create("web")
    tree.put(f"{other}/{id}", "7", BEGAN + 5)
    await watched.news()
    assert watched.noted == [(id, Exit(BEGAN + 5, 7))]


async def test_a_driver_that_comes_to_be_used_is_news(watched: Watched) -> None:
    os.mkdir(f"{watched.tree.root}/btrfs-containers")
    assert (await watched.news()).listing
    watched.watch.tops()
    watched.tree.put(f"{watched.tree.root}/btrfs-containers/volatile-containers.json", "[]")
    assert (await watched.news()).listing


async def test_a_watch_that_is_refused_is_said_once_and_taken_back(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    refused = [True]

    class Sometimes(DirectoryWatch):
        def add(self, directory: str, mask: int) -> bool:
            if refused[0]:
                self.degraded = "cannot watch: No space left on device"
            return not refused[0] and super().add(directory, mask)

    with structlog.testing.capture_logs() as lines:
        watch = StorageWatch(
            tree.root, tree.run, [], lambda id, end: None, watching=Sometimes, blind_every=0.01
        )
        with watch:
            for _ in range(3):
                watch.tops()
                assert await watch.news() == News(all=True)
            refused[0] = False
            watch.tops()
            assert await watch.news(0.01) == News()
    assert [line["event"] for line in lines] == [BLIND, RECOVERED]
