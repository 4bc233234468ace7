"""Changes in directories are told in order, to who waits and at once, by the real inotify."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from collectors.inventory.directories import IN_CLOSE_WRITE, Change, DirectoryWatch
from runtime.linux.inotify import IN_CREATE, IN_MOVED_TO


async def until(watch: DirectoryWatch, condition: Callable[[list[Change]], bool]) -> list[Change]:
    """Changes until a condition holds of them."""
    seen: list[Change] = []
    while not condition(seen):
        changes = await watch.changes(10)
        assert changes.seen, "no change came"
        seen += changes.seen
    return seen


async def test_changes_come_in_order_and_each_name_once(tmp_path: Path) -> None:
    at_once: list[Change] = []
    with DirectoryWatch(at_once.append) as watch:
        assert watch.add(str(tmp_path), IN_CREATE)
        for name in ("b", "a", "b"):
            (tmp_path / name).write_text("x")
            if name == "b":
                (tmp_path / name).unlink()
        seen = await until(watch, lambda seen: len(seen) >= 2)
    assert seen == [Change(str(tmp_path), "b"), Change(str(tmp_path), "a")]
    assert at_once == [Change(str(tmp_path), name) for name in ("b", "a", "b")]


async def test_a_file_that_stays_open_does_not_tell_of_each_write(tmp_path: Path) -> None:
    with DirectoryWatch() as watch, (tmp_path / "log").open("w") as log:
        watch.add(str(tmp_path), IN_CLOSE_WRITE)
        log.write("line")
        log.flush()
        (tmp_path / "written").write_text("x")
        assert await until(watch, bool) == [Change(str(tmp_path), "written")]


async def test_nothing_is_told_after_the_limit_and_a_wake_ends_the_wait(tmp_path: Path) -> None:
    with DirectoryWatch() as watch:
        assert await watch.changes(0.01) == ((), False)
        watch.wake()
        assert await watch.changes(60) == ((), False)


async def test_a_directory_made_anew_is_watched_anew(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    with DirectoryWatch() as watch:
        assert not watch.add(str(inner), IN_CREATE)
        inner.mkdir()
        assert watch.add(str(tmp_path), IN_CREATE) and watch.add(str(inner), IN_CREATE)
        inner.rmdir()
        os.mkdir(f"{tmp_path}/after")
        await until(watch, bool)
        inner.mkdir()
        assert watch.add(str(inner), IN_CREATE)
        (inner / "x").touch()
        assert Change(str(inner), "x") in await until(watch, lambda seen: Change(str(inner), "x") in seen)
        assert watch.degraded == ""


async def test_a_discarded_directory_tells_no_more(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with DirectoryWatch() as watch:
        watch.add(str(first), IN_MOVED_TO | IN_CREATE)
        watch.add(str(second), IN_CREATE)
        watch.discard(str(first))
        (first / "a").touch()
        (second / "b").touch()
        assert await until(watch, bool) == [Change(str(second), "b")]


async def test_more_names_than_can_be_kept_are_lost_and_it_is_said(tmp_path: Path) -> None:
    with DirectoryWatch(names_limit=2) as watch:
        watch.add(str(tmp_path), IN_CREATE)
        for name in "abc":
            (tmp_path / name).touch()
        seen, lost = await watch.changes(10)
    assert lost and len(seen) == 2


async def test_a_watch_that_is_entered_again_begins_anew(tmp_path: Path) -> None:
    watch = DirectoryWatch()
    for name in ("first", "second"):
        with watch:
            assert watch.add(str(tmp_path), IN_CREATE)
            (tmp_path / name).touch()
            assert await until(watch, bool) == [Change(str(tmp_path), name)]


async def test_what_cannot_be_watched_is_said_until_it_is_tried_again(tmp_path: Path) -> None:
    with DirectoryWatch() as watch:
        assert not watch.add(str(tmp_path / ("x" * 300)), IN_CREATE)
        assert "File name too long" in watch.degraded
        watch.try_again()
        assert watch.degraded == ""
        assert watch.add(str(tmp_path), IN_CREATE) and watch.degraded == ""
