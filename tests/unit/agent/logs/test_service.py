from __future__ import annotations

import asyncio
import json
import os
import pathlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import msgspec
import pytest

from agent.exposition.columns import Deferred
from agent.logs.service import LogService, QueryRefused
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.rule import LogMetric, Rule
from collectors.metrics.catalogue import LOG_BYTES, LOG_DROPPED, LOG_LAG, LOG_LINES, LOG_MESSAGES
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    (tmp_path / "logs").mkdir()
    return LogFile(tmp_path / "logs" / "x.log")


@pytest.fixture
async def logs(tmp_path: pathlib.Path) -> AsyncIterator[LogService]:
    one = LogService(state_dir=str(tmp_path / "state"), run_dir=str(tmp_path / "run"), start_at="beginning")
    task = asyncio.ensure_future(one.run())
    yield one
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def target(log: LogFile, id: str = "/x") -> LogTarget:
    return LogTarget(
        id=id, source=LogSource(path=str(log.path), format="cri"), container={"id": id, "name": id[1:]}
    )


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def values(logs: LogService) -> dict[str, dict[str, float]]:
    sections = logs.sections(lambda id: f'id="{id}"')
    return {family.name: dict(samples) for family, samples in sections if isinstance(samples, Sequence)}


async def test_what_was_counted_stands_in_the_catalogues_families(logs: LogService, log: LogFile) -> None:
    log.write("INFO a", "b")
    logs.set_targets([target(log)])
    await until(lambda: values(logs)[LOG_LINES.name].get('id="/x",stream="stdout"'))
    assert values(logs) == {
        LOG_BYTES.name: {'id="/x",stream="stdout"': 9, 'id="/x",stream="stderr"': 0},
        LOG_LINES.name: {'id="/x",stream="stdout"': 2, 'id="/x",stream="stderr"': 0},
        LOG_MESSAGES.name: {'id="/x",level="info"': 1, 'id="/x",level="unknown"': 1},
        LOG_DROPPED.name: {},
        LOG_LAG.name: {'id="/x"': 0},
    }
    assert all(not samples for _, samples in logs.sections(lambda id: None))
    logs.set_targets([])
    assert all(not samples for samples in values(logs).values())


async def test_metrics_from_messages_are_families_of_their_own(logs: LogService, log: LogFile) -> None:
    log.write("GET /a", "PUT /b", "GET /c")
    rule = Rule(metrics=(LogMetric(name="gets", grep="^GET"),))
    logs.set_targets([msgspec.structs.replace(target(log), rule=rule)])

    def made() -> str:
        sections = logs.sections(lambda id: f'id="{id}"')
        texts = [make(False) for _, one in sections if isinstance(one, Deferred) for make in one.makers]
        return "".join(texts)

    await until(lambda: made() == 'container_log_metric_gets_total{id="/x"} 2\n')
    assert logs.sections(lambda id: None)[-1][0] is LOG_LAG


async def test_what_rotated_away_unread_has_an_unknown_size(logs: LogService, log: LogFile) -> None:
    log.numbers(1)
    logs.set_targets([target(log)])
    await until(lambda: values(logs)[LOG_LINES.name].get('id="/x",stream="stdout"'))
    log.path.write_bytes(b"")
    await until(lambda: values(logs)[LOG_DROPPED.name])
    assert values(logs)[LOG_DROPPED.name] == {'id="/x",reason="rotated_away",size="unknown"': 1}


async def test_a_query_reads_the_files(logs: LogService, log: LogFile) -> None:
    log.numbers(10)
    lines = [json.loads(line) async for line in logs.query(LogQuery(targets=[target(log)], limit=2))]
    assert [line["message"] for line in lines] == ["number 9", "number 8"]


async def test_a_stream_survives_a_worker_that_is_killed(logs: LogService, log: LogFile) -> None:
    log.time = time.time_ns()
    logs.set_targets([target(log)])
    messages: list[str] = []

    async def follow() -> None:
        async for _, line in logs.stream(LogQuery(targets=[target(log)], since=time.time() - 60)):
            messages.append(json.loads(line)["message"])

    following = asyncio.ensure_future(follow())
    await until(lambda: logs.worker_pid)
    log.numbers(3)
    await until(lambda: len(messages) == 3)
    os.kill(logs.worker_pid or 0, signal.SIGKILL)
    log.numbers(3)
    await until(lambda: logs.restarts == 1 and logs.worker_pid)
    log.numbers(3)
    await until(lambda: len(messages) >= 9)
    following.cancel()
    assert messages == [f"number {number}" for number in range(9)]


async def test_a_stream_takes_in_what_matches_later(logs: LogService, log: LogFile) -> None:
    query = LogQuery(targets=[], tail_per_container=10)
    stream = logs.stream(query, match=lambda one: one.id == "/web")
    first = asyncio.ensure_future(anext(stream))
    await until(lambda: logs.worker_pid)
    log.time = time.time_ns()
    log.numbers(1)
    logs.set_targets([target(log, "/web"), target(log, "/db")])
    log.time = time.time_ns()
    log.numbers(1)
    _, line = await asyncio.wait_for(first, 10)
    assert json.loads(line)["container"]["name"] == "web"
    await stream.aclose()


async def test_a_bad_cursor_and_too_many_streams_are_refused(
    logs: LogService, log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(QueryRefused, match="not a cursor") as refused:
        await anext(logs.stream(LogQuery(), "nonsense"))
    assert refused.value.reason == "cursor"
    monkeypatch.setattr("agent.logs.service.MAX_STREAMS", 0)
    with pytest.raises(QueryRefused) as refused:
        await anext(logs.stream(LogQuery()))
    assert refused.value.reason == "busy"


async def test_targets_are_what_was_set_last(logs: LogService, log: LogFile) -> None:
    logs.set_targets([target(log)])
    assert list(logs.targets) == [target(log)]
