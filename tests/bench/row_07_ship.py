"""Row 7: tail, assemble, parse, redact, Loki JSON with gzip, acknowledged; against the bare loop that splits lines.

Repeat: `python -m tests.bench.row_07_ship`. The log worker runs alone, as the agent starts it; its whole CPU time counts,
counting of lines and levels included. The peer is a process of its own that only acknowledges. The lines are CRI, half
JSON and half text, with nanosecond timestamps and trace ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from agent.logs.service import LogService
from agent.shipping.plan import Plan
from collectors.logs.record import LogTarget
from collectors.logs.times import SECOND, render
from collectors.model import LogSource
from tests.bench.table import Result

LINES = 400_000
RUNS = 5
TARGET = 180_000
MEMORY = 64 << 20
AWAY = 20.0
BEGAN = 1_795_486_577 * SECOND
PEER = """
import asyncio, sys
from aiohttp import web
async def take(request):
    await request.read()
    return web.Response(status=204 if not sys.argv[2:] else 503)
app = web.Application(client_max_size=1 << 30)
app.router.add_post('/loki/api/v1/push', take)
web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None)
"""


def line(number: int, generator: random.Random) -> str:
    """One line of some 220 bytes."""
    at = BEGAN + number * 1_000_000
    trace = generator.randbytes(16).hex()
    if number % 2:
        text = (
            f'{{"ts":"{render(at)}","level":"info","msg":"handled request","path":"/api/v1/items/{number}",'
            f'"status":200,"trace_id":"{trace}"}}'
        )
    else:
        text = f"{render(at)} INFO worker-3 handled request /api/v1/items/{number} in 12.5ms trace_id={trace} status=200"
    return f"{render(at)} {'stderr' if number % 7 == 0 else 'stdout'} F {text}\n"


def write(directory: str, files: int, lines: int = LINES) -> list[LogTarget]:
    """Logs of so many containers with so many lines in all."""
    generator = random.Random(1)
    found: list[LogTarget] = []
    for index in range(files):
        path = os.path.join(directory, f"{index}.log")
        with open(path, "w") as file:
            file.writelines(line(number, generator) for number in range(index, lines, files))
        container = {
            "name": f"app-{index}",
            "namespace": "default",
            "pod": f"app-{index}-x",
            "container": "app",
        }
        source = LogSource(path=path, format="cri")
        found.append(LogTarget(id=f"/{index}", source=source, container=container, sinks=("loki",)))
    return found


def bare(directory: str) -> float:
    """CPU seconds of a loop that reads the files and splits their lines, as the reference."""
    began = time.process_time()
    count = 0
    for name in os.listdir(directory):
        if name.endswith(".log"):
            with open(os.path.join(directory, name), "rb", buffering=0) as file:
                rest = b""
                while data := file.read(256 * 1024):
                    *lines, rest = (rest + data).split(b"\n")
                    for one in lines:
                        one.split(b" ", 3)
                    count += len(lines)
    assert count == LINES
    return time.process_time() - began


@asynccontextmanager
async def peer(*words: str) -> AsyncIterator[str]:
    """A peer that acknowledges everything, or refuses everything; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PEER, str(port), *words])
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def worker(state: str, url: str) -> AsyncIterator[tuple[LogService, psutil.Process]]:
    """A log worker that ships to a URL."""
    logs = LogService(
        state_dir=state, run_dir=os.path.join(state, "run"), start_at="beginning",
        plan=Plan(sinks=[("loki", {"url": url, "backoff_max": 1.0})], node="bench", spool=os.path.join(state, "spool")),
    )  # fmt: skip
    running = asyncio.ensure_future(logs.run())
    try:
        while logs.worker_pid is None:
            await asyncio.sleep(0.01)
        yield logs, psutil.Process(logs.worker_pid)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def used(process: psutil.Process) -> float:
    """CPU seconds of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def shipped(targets: list[LogTarget], lines: int = LINES) -> float:
    """CPU seconds of the worker from its start until the peer has every line."""
    with tempfile.TemporaryDirectory() as state:
        async with peer() as url, worker(state, url) as (logs, process):
            logs.set_targets(targets)
            while sum(sink.records for sink in logs.sinks) < lines:
                await asyncio.sleep(0.05)
            return used(process)


async def idle_cpu() -> float:
    """CPU seconds that the worker takes to start, with its sink open and nothing to do."""
    with tempfile.TemporaryDirectory() as state:
        async with peer() as url, worker(state, url) as (_, process):
            await asyncio.sleep(2)
            return used(process)


async def memory(targets: list[LogTarget]) -> tuple[float, float]:
    """PSS in bytes of the worker idle, and the most while its sink refuses for a while with everything to send."""
    with tempfile.TemporaryDirectory() as state:
        async with peer("refuse") as url, worker(state, url) as (logs, process):
            await asyncio.sleep(2)
            idle = process.memory_full_info().pss
            logs.set_targets(targets)
            most, end = idle, time.monotonic() + AWAY
            while time.monotonic() < end:
                most = max(most, process.memory_full_info().pss)
                await asyncio.sleep(0.25)
            return float(idle), float(most)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as directory:
        targets = write(directory, 10)
        ours: list[float] = []
        reference: list[float] = []
        for _ in range(RUNS):
            reference.append(bare(directory))
            ours.append(asyncio.run(shipped(targets)))
        start = asyncio.run(idle_cpu())
        rate = LINES / statistics.median(ours)
        print(Result("7", "lines shipped per CPU-second (inverse ratio)", TARGET / rate, 1.0, "×", 1.0,
                     f"{TARGET:,} lines per CPU-s", f"{rate:,.0f} lines/CPU-s, start included; "
                     f"{LINES / (statistics.median(ours) - start):,.0f} without; "
                     f"{statistics.median(ours) / statistics.median(reference):.1f} × the bare split loop"))  # fmt: skip
        idle, most = asyncio.run(memory(targets))
        print(Result("7", f"memory above idle, sink away for {AWAY:g} s", (most - idle) / (1 << 20), MEMORY / (1 << 20),
                     "MiB", 1.0, "64 MiB", f"idle {idle / (1 << 20):.0f} MiB PSS"))  # fmt: skip


if __name__ == "__main__":
    main()
