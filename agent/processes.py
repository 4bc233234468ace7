"""The processes of one container, as `top` and the page show them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

_SLICE = 0.005


async def describe(pids: Iterable[int]) -> list[dict[str, Any]]:
    """pid, ppid, user, state, threads, rss (bytes), cpu_seconds, started_at and command of each, by pid.

    A process that ends meanwhile is left out; what may not be read of one is None.
    """
    import psutil  # whoever never asks does not pay for it

    found = []
    begun = time.monotonic()
    for pid in sorted(pids):
        try:
            found.append(_describe(psutil.Process(pid)))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if time.monotonic() - begun > _SLICE:
            await asyncio.sleep(0)
            begun = time.monotonic()
    return found


def _describe(process: psutil.Process) -> dict[str, Any]:
    with process.oneshot():
        times = process.cpu_times()
        return {
            "pid": process.pid,
            "ppid": process.ppid(),
            "user": process.username(),
            "state": process.status(),
            "threads": process.num_threads(),
            "rss": process.memory_info().rss,
            "cpu_seconds": round(times.user + times.system, 3),
            "started_at": process.create_time(),
            "command": _command(process),
        }


def _command(process: psutil.Process) -> str:
    import psutil

    try:
        return " ".join(process.cmdline()) or f"[{process.name()}]"
    except psutil.AccessDenied:
        return f"[{process.name()}]"
