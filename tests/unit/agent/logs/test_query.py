from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys

import pytest

from agent.logs.query import Queries, QueryLimits, QueryRefused
from collectors.logs.loki.query import LokiQuery
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


def target(path: pathlib.Path) -> LogTarget:
    return LogTarget(id="/x", source=LogSource(path=str(path), format="cri"), container={"name": "x"})


def python(tmp_path: pathlib.Path, body: str) -> str:
    """An interpreter that does something else than it is told."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


async def test_records_come_line_by_line(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.write(*("é" * 100_000 for _ in range(5)))
    log.numbers(5000)
    queries = Queries(QueryLimits(), str(tmp_path), sys.executable)
    lines = [
        line
        async for line in queries.lines(
            LogQuery(targets=[target(log.path)], limit=10_000, direction="forward")
        )
    ]
    assert len(lines) == 5005
    assert json.loads(lines[0])["message"] == "é" * 100_000
    assert json.loads(lines[-1])["message"] == "number 4999"


async def test_a_refusal_of_the_process_arrives_as_it_is(tmp_path: pathlib.Path) -> None:
    queries = Queries(QueryLimits(), str(tmp_path), sys.executable)
    with pytest.raises(QueryRefused, match="RE2") as refused:
        await anext(queries.lines(LogQuery(grep="(")))
    assert refused.value.reason == "pattern"


async def test_one_that_takes_too_long_is_killed(tmp_path: pathlib.Path) -> None:
    slow = python(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    queries = Queries(QueryLimits(timeout=0.5), str(tmp_path), slow)
    with pytest.raises(QueryRefused, match=r"longer than 0\.5 s") as refused:
        await anext(queries.lines(LogQuery()))
    assert refused.value.reason == "timeout"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_one_that_dies_is_told_with_its_last_line(tmp_path: pathlib.Path) -> None:
    queries = Queries(
        QueryLimits(),
        str(tmp_path),
        python(tmp_path, "echo Traceback >&2; echo 'MemoryError: x' >&2; exit 7"),
    )
    with pytest.raises(QueryRefused, match="status 7: MemoryError: x") as refused:
        await anext(queries.lines(LogQuery()))
    assert refused.value.reason == "failed"


async def test_more_than_may_run_at_once_are_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.logs.query._PATIENCE", 0.1)
    slow = python(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    queries = Queries(QueryLimits(concurrency=1), str(tmp_path), slow)
    first = asyncio.ensure_future(anext(queries.lines(LogQuery())))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.01)
    with pytest.raises(QueryRefused, match=r"query\.concurrency") as refused:
        await anext(queries.lines(LogQuery()))
    assert refused.value.reason == "busy"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_who_stops_listening_ends_the_process_and_frees_the_place(tmp_path: pathlib.Path) -> None:
    noisy = python(tmp_path, f"echo $$ > {tmp_path}/pid; exec yes '{{}}'")
    queries = Queries(QueryLimits(concurrency=1), str(tmp_path), noisy)
    for _ in range(2):
        lines = queries.lines(LogQuery())
        assert await anext(lines) == b"{}"
        await lines.aclose()
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_who_stops_listening_while_much_waits_for_it_ends_the_process_too(
    tmp_path: pathlib.Path,
) -> None:
    noisy = python(tmp_path, f"echo $$ > {tmp_path}/pid; exec yes '{{}}'")
    queries = Queries(QueryLimits(concurrency=1), str(tmp_path), noisy)
    lines = queries.lines(LogQuery())
    assert await anext(lines) == b"{}"
    pid = int((tmp_path / "pid").read_text())
    blocked = 0
    async with asyncio.timeout(20):
        while blocked < 20:  # nothing takes what it writes any more
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2]
            blocked = blocked + 1 if state == "S" else 0
            await asyncio.sleep(0.01)
    await asyncio.wait_for(lines.aclose(), 10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_log_that_cannot_be_read_is_told_behind_the_others_records(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(3)
    (tmp_path / "broken.log").mkdir()
    broken = LogTarget(
        id="/y", source=LogSource(path=str(tmp_path / "broken.log"), format="cri"), container={"name": "y"}
    )
    query = LogQuery(targets=[target(log.path), broken], direction="forward")
    queries = Queries(QueryLimits(), str(tmp_path), sys.executable)
    lines = []
    with pytest.raises(QueryRefused, match=r"one container's log is left out: .*broken") as refused:
        async for line in queries.lines(query):
            lines.append(line)
    assert refused.value.reason == "incomplete" and len(lines) == 3
    assert len([line async for line in queries.lines(query, lenient=True)]) == 3


async def test_answers_of_loki_s_api_come_in_pieces_and_wait_for_their_turn(tmp_path: pathlib.Path) -> None:
    queries = Queries(QueryLimits(concurrency=1), str(tmp_path), sys.executable)
    question = LokiQuery(kind="query", query="vector(1)+vector(1)", end=2_000_000_000)

    async def asked() -> list[bytes]:
        return [piece async for piece in queries.loki(question)]

    for pieces in await asyncio.gather(*(asked() for _ in range(3))):
        assert json.loads(b"\n".join(pieces))["data"]["result"] == [{"metric": {}, "value": [2, "2"]}]
    with pytest.raises(QueryRefused, match="parse error at line 1, col 1") as refused:
        await anext(queries.loki(LokiQuery(kind="query", query=")")))
    assert refused.value.reason == "pattern"


async def test_many_panels_do_not_keep_others_from_their_turn(tmp_path: pathlib.Path) -> None:
    """Each process notes its beginning; the query of another is begun third at the latest."""
    noting = python(
        tmp_path,
        f'case "$*" in *--loki*) echo panel;; *) echo other;; esac >> {tmp_path}/begun; exec cat >/dev/null',
    )
    queries = Queries(QueryLimits(concurrency=1), str(tmp_path), noting)

    async def panel() -> None:
        async for _ in queries.loki(LokiQuery(kind="query")):
            pass

    async def other() -> None:
        async for _ in queries.lines(LogQuery()):
            pass

    panels = [asyncio.ensure_future(panel()) for _ in range(8)]
    await asyncio.sleep(0)
    await asyncio.gather(other(), *panels)
    begun = (tmp_path / "begun").read_text().split()
    assert (len(begun), begun.index("other") <= 2) == (9, True)


async def test_what_reads_no_log_waits_for_no_log(tmp_path: pathlib.Path) -> None:
    slow = python(tmp_path, 'case "$*" in *--loki*) cat; echo;; *) exec sleep 60;; esac')
    queries = Queries(QueryLimits(concurrency=1), str(tmp_path), slow)
    running = asyncio.ensure_future(anext(queries.lines(LogQuery())))
    await asyncio.sleep(0)
    pieces = [piece async for piece in queries.loki(LokiQuery(kind="labels"))]
    assert json.loads(pieces[0])["kind"] == "labels"
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
