"""The client makes a zygote, keeps one, and will not use one of another version."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from runtime.container import sealed
from runtime.linux.process import start_time
from runtime.supervision.zygote_client import ROOT, ZygoteClient, ZygoteError
from tests.unit.runtime.supervision.beds import until


def known(run: pathlib.Path) -> dict[str, int]:
    try:
        return dict(json.loads((run / "zygote/zygote.json").read_text()))
    except FileNotFoundError:
        return {}


@contextlib.asynccontextmanager
async def client_of(run: pathlib.Path) -> AsyncIterator[ZygoteClient]:
    client = ZygoteClient(str(run), "", sys.executable)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.run())
        try:
            yield client
        finally:
            with contextlib.suppress(ZygoteError):
                await client.leave()
            task.cancel()


async def test_a_zygote_that_dies_is_made_again(tmp_path: pathlib.Path) -> None:
    async with client_of(tmp_path) as client:
        with pytest.raises(ZygoteError, match="name a replica"):
            await client.fork("start", "No such name")
        first = known(tmp_path)["pid"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: known(tmp_path)["pid"] != first)
        channel = None
        (tmp_path / "replicas/web-1").mkdir(parents=True)
        channel = await client.fork("start", "web-1")
        event = await asyncio.get_running_loop().sock_recv(channel, 4096)
        assert b"start.json" in event
        channel.close()


async def test_a_zygote_of_this_version_is_adopted_and_another_is_not(tmp_path: pathlib.Path) -> None:
    sealed.launch(os.path.realpath(sys.executable), [ROOT, str(tmp_path), "", "another version"])
    other = known(tmp_path)
    async with client_of(tmp_path):
        await until(lambda: known(tmp_path)["pid"] != other["pid"])
        mine = known(tmp_path)["pid"]
        async with client_of(tmp_path) as second:
            with pytest.raises(ZygoteError):
                await second.fork("start", "")
            assert known(tmp_path)["pid"] == mine
            assert start_time(mine) != 0


async def test_a_failing_launch_is_what_a_request_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.supervision.zygote_client.LIMIT", 1.0)
    (tmp_path / "run").write_text("")
    client = ZygoteClient(str(tmp_path / "run"), "", sys.executable)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.run())
        with pytest.raises(ZygoteError, match="cannot start the zygote"):
            await client.fork("start", "web-1")
        task.cancel()
