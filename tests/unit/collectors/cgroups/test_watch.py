"""The watch over cgroups, on directories of any file system and on this kernel's hierarchies."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import pathlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from collectors.cgroups import watch as module
from collectors.cgroups.watch import CgroupWatch
from runtime.linux import hierarchies
from runtime.linux.hierarchies import Hierarchies, Hierarchy
from runtime.linux.inotify import Inotify


class Told:
    """What the watch has said."""

    def __init__(self) -> None:
        self.words: list[tuple[str, str]] = []

    def watch(self, trees: Hierarchies, interval: float = 60.0) -> CgroupWatch:
        return CgroupWatch(
            trees,
            lambda path: self.words.append(("created", path)),
            lambda path: self.words.append(("removed", path)),
            lambda reason: self.words.append(("rescan", reason)),
            interval=interval,
        )

    async def until(self, *words: tuple[str, str]) -> None:
        async with asyncio.timeout(10):
            while not set(words) <= set(self.words):
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(watch: CgroupWatch, told: Told) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run())
        await told.until(("rescan", "start"))
        yield
        task.cancel()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def trees(tmp_path: pathlib.Path) -> Hierarchies:
    """A recorded hybrid host: a systemd tree, a unified one and memory's."""
    v1 = {}
    for name in ("name=systemd", "memory"):
        (tmp_path / name).mkdir()
        v1[name] = Hierarchy(1, frozenset((name,)), str(tmp_path / name))
    (tmp_path / "unified").mkdir()
    return Hierarchies(v1, Hierarchy(2, frozenset(), str(tmp_path / "unified")))


async def test_what_is_there_at_the_start_is_known_but_not_reported(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told
) -> None:
    (tmp_path / "unified/a/b").mkdir(parents=True)
    (tmp_path / "memory/a").mkdir()
    watch = told.watch(trees)
    async with running(watch, told):
        assert watch.paths() == {"/a", "/a/b"}
        assert watch.depth == 2
        assert watch.watches == 6
        assert told.words == [("rescan", "start")]


async def test_one_report_for_a_cgroup_that_is_made_in_several_trees(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told
) -> None:
    watch = told.watch(trees)
    async with running(watch, told):
        for tree in ("name=systemd", "unified", "memory"):
            (tmp_path / tree / "c").mkdir()
        await told.until(("created", "/c"))
        for tree in ("name=systemd", "unified"):
            (tmp_path / tree / "c").rmdir()
        (tmp_path / "unified/last").mkdir()
        await told.until(("created", "/last"))
        assert watch.paths() == {"/c", "/last"}
        (tmp_path / "memory/c").rmdir()
        await told.until(("removed", "/c"))
        assert told.words[1:] == [("created", "/c"), ("created", "/last"), ("removed", "/c")]


async def test_cgroups_made_inside_one_before_it_was_watched(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told
) -> None:
    async with running(told.watch(trees), told):
        (tmp_path / "unified/a/b/c").mkdir(parents=True)
        await told.until(("created", "/a/b/c"))
        (tmp_path / "unified/a/b/c/d").mkdir()
        await told.until(("created", "/a/b/c/d"))
        assert [word for word in told.words if word[0] == "created"] == [
            ("created", path) for path in ("/a", "/a/b", "/a/b/c", "/a/b/c/d")
        ]


async def test_one_that_is_gone_at_once_is_reported_both_ways(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told
) -> None:
    async with running(told.watch(trees), told):
        for _ in range(3):
            (tmp_path / "unified/brief").mkdir()
            (tmp_path / "unified/brief").rmdir()
        (tmp_path / "unified/end").mkdir()
        await told.until(("created", "/end"))
        assert told.words[1:-1] == [("created", "/brief"), ("removed", "/brief")] * 3


def losing_events(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Make the queue overflow at each event while `on`."""
    lost = {"on": False}
    events = Inotify.events

    def lossy(self: Inotify) -> Iterator[tuple[int, int, str]]:
        waiting = list(events(self))
        return iter([(-1, 0x4000, "")] if lost["on"] and waiting else waiting)

    monkeypatch.setattr(Inotify, "events", lossy)
    return lost


async def test_a_full_queue_is_made_good_by_a_rescan(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = told.watch(trees)
    (tmp_path / "unified/old").mkdir()
    lost = losing_events(monkeypatch)
    async with running(watch, told):
        lost["on"] = True
        (tmp_path / "unified/new/deep").mkdir(parents=True)
        (tmp_path / "unified/old").rmdir()
        await told.until(("created", "/new/deep"), ("removed", "/old"), ("rescan", "overflow"))
        assert watch.counts["overflow"] >= 1
        lost["on"] = False
        (tmp_path / "unified/new/deep/er").mkdir()
        await told.until(("created", "/new/deep/er"))


async def test_without_watches_it_walks_again_and_again_until_it_gets_them(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = {"on": True}
    real = Inotify.watch

    def refusing(self: Inotify, directory: str, mask: int) -> int:
        if refuse["on"]:
            raise OSError(errno.ENOSPC, "no space", directory)
        return real(self, directory, mask)

    monkeypatch.setattr(Inotify, "watch", refusing)
    watch = told.watch(trees, interval=0.01)
    async with running(watch, told):
        assert "max_user_watches" in watch.degraded
        (tmp_path / "memory/found").mkdir()
        await told.until(("created", "/found"))
        refuse["on"] = False
        async with asyncio.timeout(10):
            while watch.degraded:
                await asyncio.sleep(0.001)
        rescans = watch.counts["rescan_degraded"]
        (tmp_path / "memory/found/by_event").mkdir()
        await told.until(("created", "/found/by_event"))
        assert watch.counts["rescan_degraded"] == rescans


async def test_a_renamed_cgroup_changes_its_path(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told
) -> None:
    (tmp_path / "memory/before/child").mkdir(parents=True)
    async with running(told.watch(trees), told):
        (tmp_path / "memory/before").rename(tmp_path / "memory/after")
        await told.until(
            ("created", "/after"),
            ("created", "/after/child"),
            ("removed", "/before"),
            ("removed", "/before/child"),
        )
        (tmp_path / "memory/after/child/more").mkdir()
        await told.until(("created", "/after/child/more"))


async def test_thousands_are_walked_in_slices(
    trees: Hierarchies, tmp_path: pathlib.Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        (tmp_path / f"unified/{number}").mkdir()
    monkeypatch.setattr(module, "_SLICE", 0.0)
    watch = told.watch(trees)
    turns = 0
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run())
        while ("rescan", "start") not in told.words:
            turns += 1
            await asyncio.sleep(0)
        task.cancel()
    assert len(watch.paths()) == 1000
    assert turns > 500


def watched_by_kernel() -> set[tuple[int, int]]:
    """Device and inode of each directory that this process has the kernel watch; see proc(5)."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/self/fdinfo/{descriptor}") as file:
            for line in file:
                if line.startswith("inotify "):
                    parts = dict(word.split(":") for word in line.split()[1:])
                    found.add((int(parts["sdev"], 16), int(parts["ino"], 16)))
    return found


def identities(directories: list[str]) -> set[tuple[int, int]]:
    """The same of directories, with the device as the kernel writes it there."""
    found = [os.stat(directory) for directory in directories]
    return {(os.major(one.st_dev) << 20 | os.minor(one.st_dev), one.st_ino) for one in found}


def _directories(trees: Hierarchies, path: str) -> list[str]:
    return [hierarchy.directory(path) for hierarchy in trees.all()]


@pytest.fixture
def cgroup() -> Iterator[Callable[[], str]]:
    """A cgroup of an own name in every hierarchy of this kernel."""
    trees = hierarchies.detect()
    path = f"/deckwatch-test-{os.getpid()}-{uuid.uuid4().hex[:12]}"

    def make() -> str:
        for directory in _directories(trees, path):
            os.mkdir(directory)
        return path

    yield make
    for directory in _directories(trees, path):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(directory)


@pytest.mark.root
@pytest.mark.inside_cgroup2
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups")
async def test_this_kernel_tells_of_its_cgroups(cgroup: Callable[[], str], told: Told) -> None:
    trees = hierarchies.detect()
    watch = told.watch(trees)
    async with running(watch, told):
        path = cgroup()
        await told.until(("created", path))
        for directory in _directories(trees, path):
            os.rmdir(directory)
        await told.until(("removed", path))
        assert told.words.count(("created", path)) == told.words.count(("removed", path)) == 1
        assert path not in watch.paths()


@pytest.mark.root
@pytest.mark.inside_cgroup2
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups")
async def test_no_watch_outlives_its_cgroup(cgroup: Callable[[], str], told: Told) -> None:
    trees = hierarchies.detect()
    async with running(told.watch(trees), told):
        path = cgroup()
        await told.until(("created", path))
        made = identities(_directories(trees, path))
        assert made & watched_by_kernel()
        for directory in _directories(trees, path):
            os.rmdir(directory)
        await told.until(("removed", path))
        assert not made & watched_by_kernel()


@pytest.mark.root
@pytest.mark.inside_cgroup2
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups")
async def test_one_made_anew_while_the_queue_was_full_is_watched(
    cgroup: Callable[[], str], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees = hierarchies.detect()
    lost = losing_events(monkeypatch)
    async with running(told.watch(trees), told):
        path = cgroup()
        await told.until(("created", path))
        gone = identities(_directories(trees, path))
        lost["on"] = True
        for directory in _directories(trees, path):
            os.rmdir(directory)
        cgroup()
        await told.until(("rescan", "overflow"))
        lost["on"] = False
        inner = [f"{directory}/inner" for directory in _directories(trees, path)]
        for directory in inner:
            os.mkdir(directory)
        try:
            await told.until(("created", f"{path}/inner"))
        finally:
            for directory in inner:
                os.rmdir(directory)
        assert not gone & watched_by_kernel()
