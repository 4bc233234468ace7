"""Logs end to end: a writer that rotates, a worker that is killed, and every line counted once."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from agent.logs.service import LogService
from collectors.logs.counters import Counters
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.metrics.catalogue import LOG_BYTES, LOG_DROPPED, LOG_LINES
from collectors.model import LogSource
from tests.integration import conmon

ID = "/test/web"


def target(path: pathlib.Path, format: str = "cri") -> LogTarget:
    return LogTarget(
        id=ID,
        source=LogSource(path=str(path), format=format),
        container={"id": ID, "name": "web", "labels": {}},
    )


def service(directory: pathlib.Path) -> LogService:
    return LogService(
        state_dir=str(directory / "state"), run_dir=str(directory / "run"), start_at="beginning"
    )


@asynccontextmanager
async def running(logs: LogService) -> AsyncIterator[LogService]:
    task = asyncio.ensure_future(logs.run())
    try:
        yield logs
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


def counted(logs: LogService) -> Counters:
    counters = Counters()
    for family, samples in logs.sections(lambda id: ""):
        for labels, value in samples:
            name = labels.split('"')[1] if labels else ""
            if family is LOG_BYTES:
                counters.bytes[name] = int(value)
            elif family is LOG_LINES:
                counters.lines[name] = int(value)
            elif family is LOG_DROPPED:
                counters.dropped[name] = int(value)
    return counters


async def written(*arguments: str) -> list[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.logwriter", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [int(word) for word in output.split()]


@pytest.mark.parametrize("arguments", [(), ("--numbered",)], ids=["rising", "numbered"])
async def test_rotation_each_fifth_of_a_second_while_the_worker_is_killed(
    tmp_path: pathlib.Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "current.log"
    logs = service(tmp_path)
    logs.set_targets([target(path)])
    async with running(logs):
        writer = asyncio.ensure_future(written(str(path), *arguments))
        kills = 0
        while not writer.done():
            await asyncio.sleep(0.35)
            if logs.worker_pid:
                with suppress(ProcessLookupError):
                    os.kill(logs.worker_pid, signal.SIGKILL)
                kills += 1
        stdout, stderr, stdout_bytes, stderr_bytes = await writer
        assert kills >= 3
        assert stdout > 5000
        await until(lambda: sum(counted(logs).lines.values()) >= stdout + stderr)
        await until(lambda: logs.worker_pid is not None)
    assert counted(logs) == Counters(
        bytes={"stdout": stdout_bytes, "stderr": stderr_bytes}, lines={"stdout": stdout, "stderr": stderr}
    )
    found = [
        json.loads(line)["message"]
        async for line in logs.query(LogQuery(targets=[target(path)], direction="forward", limit=1_000_000))
    ]
    for stream, count in (("stdout", stdout), ("stderr", stderr)):
        numbers = [int(message.split()[1]) for message in found if message.startswith(stream)]
        assert numbers == list(range(count))


async def messages(logs: LogService, path: pathlib.Path, **words: object) -> list[str]:
    query = LogQuery(targets=[target(path)], direction="forward", limit=100_000, **words)  # type: ignore[arg-type]
    return [json.loads(line)["message"] async for line in logs.query(query)]


@pytest.mark.root
@pytest.mark.skipif(bool(conmon.missing()), reason=conmon.missing())
async def test_what_conmon_writes_is_joined_and_counted(tmp_path: pathlib.Path) -> None:
    script = (
        'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; echo err >&2;'
        " printf 'slow'; sleep 0.2; printf ' joined\\n'; printf '%20000s\\n' long; printf tail"
    )
    logs = service(tmp_path)
    async with running(logs):
        with conmon.container(tmp_path, script) as path:
            logs.set_targets([target(path)])
            await until(lambda: counted(logs).lines == {"stdout": 3002, "stderr": 1})
            expected = [f"line {number}" for number in range(3000)] + [
                "slow joined",
                f"{'long':>20000}",
                "tail",
            ]
            assert await messages(logs, path, stream="stdout") == expected
            assert await messages(logs, path, stream="stderr") == ["err"]
            assert counted(logs).bytes["stdout"] == sum(len(line) + 1 for line in expected[:-1])


@pytest.mark.root
@pytest.mark.skipif(bool(conmon.missing()), reason=conmon.missing())
async def test_what_conmon_destroys_at_its_rotation_was_read_before(tmp_path: pathlib.Path) -> None:
    script = (
        "until [ -e /go ]; do sleep 0.05; done; echo line 0; i=1;"
        ' while [ $i -lt 200 ]; do echo "line $i of those that are gone soon"; i=$((i+1)); sleep 0.02; done'
    )
    logs = service(tmp_path)
    async with running(logs):
        with conmon.container(tmp_path, script, "--log-size-max", "4000") as path:
            logs.set_targets([target(path)])
            seen: list[str] = []

            async def follow() -> None:
                async for _, line in logs.stream(LogQuery(targets=[target(path)], since=0)):
                    seen.append(json.loads(line)["message"])

            following = asyncio.ensure_future(follow())
            await until(lambda: any(samples for _, samples in logs.sections(lambda id: "")))
            (path.parent / "rootfs/go").touch()
            await until(lambda: counted(logs).lines["stdout"] == 200)
            await until(lambda: len(seen) >= 200)
            following.cancel()
            assert [int(message.split()[1]) for message in seen] == list(range(200))
            assert path.stat().st_size < 5000
    assert counted(logs).dropped == {}
