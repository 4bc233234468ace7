"""The plain files there are, as they come, go and are rotated."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from agent.config.logsettings import LogFile, LogRule, Logs
from agent.logs.files import LogFiles
from agent.logs.rules import Rules
from collectors.model import LogSource

RULES = Rules(Logs(), lambda *_: None)


class Looking:
    """Files that are looked for, and how often there were others."""

    def __init__(self, *files: LogFile, every: float = 0.05, keep: float = 60.0, most: int = 1000) -> None:
        self.changes = 0
        self.files = LogFiles(files, self._changed, every=every, keep=keep, most=most)

    def _changed(self) -> None:
        self.changes += 1

    @property
    def paths(self) -> list[str]:
        return [target.source.path for target in self.files.targets("n", RULES)]

    async def until(self, *paths: pathlib.Path) -> None:
        async with asyncio.timeout(10):
            while sorted(self.paths) != sorted(map(str, paths)):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(looking: Looking) -> AsyncIterator[Looking]:
    task = asyncio.ensure_future(looking.files.run())
    try:
        yield looking
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_each_file_is_a_log_with_name_and_labels(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.log").touch()
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/x.log").touch()
    first = LogFile(path=f"{tmp_path}/app.log", name="my app", labels={"team": "a"})
    async with running(Looking(first, LogFile(path=f"{tmp_path}/**/*.log"))) as looking:
        await looking.until(tmp_path / "app.log", tmp_path / "deep/er/x.log")
        app, x = looking.files.targets("node-1", RULES)
    assert app.id == f"file:{tmp_path}/app.log"
    assert app.source == LogSource(path=f"{tmp_path}/app.log", format="plain")
    assert app.container == {
        "id": app.id,
        "name": "my app",
        "engine": "file",
        "node": "node-1",
        "labels": {"team": "a"},
    }
    assert x.container["name"] == "x"
    assert looking.files.labels(app.id) == f'id="{app.id}",name="my app",image=""'
    assert looking.files.labels("/other") is None
    assert looking.changes == 1


async def test_rules_count_for_files_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.log").touch()
    rules = Rules(Logs(rules=(LogRule(selector='{name="app"}', parser="logfmt"),)), lambda *_: None)
    async with running(Looking(LogFile(path=f"{tmp_path}/*.log"))) as looking:
        await looking.until(tmp_path / "app.log")
        [target] = looking.files.targets("n", rules)
    assert target.rule.parser == "logfmt"


async def test_what_was_rotated_packed_or_is_no_file_is_no_log_of_its_own(tmp_path: pathlib.Path) -> None:
    for name in ("app.log", "app.log.1", "app.log.2.gz", "app.log-20261124", "other.gz", "x.tmp", "web-01"):
        (tmp_path / name).touch()
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    async with running(Looking(LogFile(path=f"{tmp_path}/*"))) as looking:
        await looking.until(tmp_path / "app.log", tmp_path / "web-01")


async def test_a_link_of_somebody_else_is_not_followed(tmp_path: pathlib.Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to own files as two users")
    (tmp_path / "secret").touch()
    for name, owner in (("theirs.log", 65534), ("roots.log", 0)):
        (tmp_path / name).symlink_to(tmp_path / "secret")
        os.lchown(tmp_path / name, owner, owner)
    async with running(Looking(LogFile(path=f"{tmp_path}/*.log"))) as looking:
        await looking.until(tmp_path / "roots.log")


async def test_a_directory_that_is_made_anew_is_watched_again(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "a.log").touch()
    looking = Looking(LogFile(path=f"{tmp_path}/*/*.log"), every=600)
    async with running(looking):
        await looking.until(directory / "a.log")
        (directory / "a.log").unlink()
        directory.rmdir()
        directory.mkdir()
        (directory / "b.log").touch()
        await looking.until(directory / "a.log", directory / "b.log")


async def test_a_file_that_appears_is_seen_at_once(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.log").touch()
    async with running(Looking(LogFile(path=f"{tmp_path}/*.log"), every=600)) as looking:
        await looking.until(tmp_path / "a.log")
        (tmp_path / "b.log").touch()
        await looking.until(tmp_path / "a.log", tmp_path / "b.log")
    assert looking.changes == 2


async def test_a_file_that_is_renamed_and_made_anew_stays(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.log").touch()
    async with running(Looking(LogFile(path=f"{tmp_path}/*"))) as looking:
        await looking.until(tmp_path / "a.log")
        os.rename(tmp_path / "a.log", tmp_path / "a.log.1")
        (tmp_path / "mark").touch()
        await looking.until(tmp_path / "a.log", tmp_path / "mark")


async def test_a_file_that_is_gone_for_long_is_left(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.log").touch()
    async with running(Looking(LogFile(path=f"{tmp_path}/*.log"), keep=0.1)) as looking:
        await looking.until(tmp_path / "a.log")
        (tmp_path / "a.log").unlink()
        await looking.until()


async def test_other_files_are_looked_for_when_the_configuration_says_so(tmp_path: pathlib.Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).touch()
    async with running(Looking(LogFile(path=f"{tmp_path}/a.*"), every=600)) as looking:
        await looking.until(tmp_path / "a.log")
        looking.files.configure((LogFile(path=f"{tmp_path}/b.*"),))
        await looking.until(tmp_path / "b.log")
        looking.files.configure(())
        await looking.until()


async def test_no_more_files_than_may_be_are_read(tmp_path: pathlib.Path) -> None:
    for name in ("a.log", "b.log", "c.log"):
        (tmp_path / name).touch()
    async with running(Looking(LogFile(path=f"{tmp_path}/*.log"), most=2)) as looking:
        await looking.until(tmp_path / "a.log", tmp_path / "b.log")
