"""The whole agent in one process: it starts, answers, takes a new configuration, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import secrets
import socket
import subprocess
from collections.abc import AsyncIterator

import aiohttp
import pytest

from agent.config.load import load
from agent.service import Service
from runtime.linux import hierarchies
from runtime.linux.errors import DeckwatchError

CONFIG = """
node: here
paths: {{state: {directory}/state, run: {directory}/run}}
server: {{listen: ["127.0.0.1:{port}"]}}
inventory: {{docker: {{enabled: false}}}}
runtime: {{on_exit: stop, cgroup_parent: /{parent}}}
workloads:
  - name: talker
    rootfs: host
    command: [/bin/sh, -c, 'echo hello from inside; sleep 600']
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.asynccontextmanager
async def running(path: pathlib.Path) -> AsyncIterator[Service]:
    service = Service(load(str(path)), str(path), ())
    task = asyncio.ensure_future(service.run())
    try:
        async with asyncio.timeout(30):
            while not service.doors.ready() and not task.done():
                await asyncio.sleep(0.01)
        yield service
    finally:
        service.stop()
        async with asyncio.timeout(30):
            await task


@pytest.fixture
def file(tmp_path: pathlib.Path) -> tuple[pathlib.Path, int]:
    port = free_port()
    path = tmp_path / "deckwatch.yaml"
    path.write_text(
        CONFIG.format(
            directory=tmp_path, port=port, parent=f"deckwatch-test-{os.getpid()}-{secrets.token_hex(4)}"
        )
    )
    return path, port


async def wait_for(session: aiohttp.ClientSession, url: str, text: str) -> str:
    async with asyncio.timeout(30):
        while True:
            async with session.get(url) as response:
                body = await response.text()
            if text in body:
                return body
            await asyncio.sleep(0.05)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to limit a workload")
async def test_it_shows_a_workload_from_start_to_end(
    file: tuple[pathlib.Path, int], tmp_path: pathlib.Path
) -> None:
    path, port = file
    base = f"http://127.0.0.1:{port}"
    async with running(path), aiohttp.ClientSession() as session:
        metrics = await wait_for(session, f"{base}/metrics", 'name="talker-1",image="",cpu="total"')
        assert "container_memory_working_set_bytes" in metrics and "deckwatch_build_info" in metrics
        await wait_for(session, f"{base}/api/v1/logs", "hello from inside")
        await wait_for(session, f"{base}/metrics", 'name="talker-1",image="",stream="stdout"} 1')
        events = await wait_for(session, f"{base}/api/v1/events", '"start"')
        assert "talker-1" in events
        await wait_for(session, f"{base}/api/v1/containers/talker/processes", "sleep")
        path.write_text(path.read_text().replace("name: talker", "name: other"))
        service_events = await _reload_and_wait(path, session, base)
        assert "talker-1" in service_events
    assert not [entry for entry in os.listdir(tmp_path / "run") if entry.endswith(".sock")]
    parent = path.read_text().split("cgroup_parent: /")[1].split("}")[0]
    assert not [
        tree for tree in os.listdir("/sys/fs/cgroup") if os.path.exists(f"/sys/fs/cgroup/{tree}/{parent}")
    ]


async def _reload_and_wait(path: pathlib.Path, session: aiohttp.ClientSession, base: str) -> str:
    connector = aiohttp.UnixConnector(str(path.parent / "run/deckwatch.sock"))
    async with (
        aiohttp.ClientSession(connector=connector) as control,
        control.post("http://agent/-/reload") as answer,
    ):
        assert answer.status == 200, await answer.text()
    await wait_for(session, f"{base}/metrics", 'name="other-1",image="",cpu="total"')
    return await wait_for(session, f"{base}/api/v1/events", '"exit"')


async def test_a_bad_configuration_changes_nothing(file: tuple[pathlib.Path, int]) -> None:
    path, _ = file
    path.write_text(path.read_text().replace("workloads:", "other:").split("other:")[0])
    async with running(path) as service:
        before = service.doors.config
        path.write_text("node: [")
        with pytest.raises(DeckwatchError):
            await service.doors.reload()
        assert service.doors.config is before
        assert "reload_failed" in [one.code for one in service.doors.conditions()]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups")
async def test_a_plain_cgroup_stays_in_the_scrapes_when_its_process_has_ended(
    file: tuple[pathlib.Path, int],
) -> None:
    path, port = file
    parent = f"/deckwatch-test-{os.getpid()}-{secrets.token_hex(4)}"
    directories = [tree.directory(parent) for tree in hierarchies.detect().all()]
    path.write_text(
        path.read_text()
        .split("runtime:")[0]
        .replace(
            "{docker: {enabled: false}}", f"{{docker: {{enabled: false}}, cgroup: {{include: [{parent}]}}}}"
        )
        + "runtime: {enabled: false}\n"
    )
    series = f'container_last_seen{{id="{parent}"'
    async with running(path), aiohttp.ClientSession() as session:
        try:
            for directory in directories:
                os.mkdir(directory)
            process = subprocess.Popen(["sleep", "60"])
            with open(f"{hierarchies.detect().directory('pids', parent)}/cgroup.procs", "w") as procs:
                procs.write(str(process.pid))
            await wait_for(
                session,
                f"http://127.0.0.1:{port}/metrics",
                f'container_processes{{id="{parent}",name="{parent[1:]}",image=""}} 1',
            )
            process.kill()
            process.wait()
            await wait_for(
                session,
                f"http://127.0.0.1:{port}/metrics",
                f'container_processes{{id="{parent}",name="{parent[1:]}",image=""}} 0',
            )
            assert series in await wait_for(
                session, f"http://127.0.0.1:{port}/metrics", "deckwatch_build_info"
            )
        finally:
            for directory in directories:
                os.rmdir(directory)
