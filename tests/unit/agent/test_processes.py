"""The processes of one container."""

from __future__ import annotations

import os
import subprocess
import sys

from agent.processes import describe


async def test_each_process_is_described_and_the_gone_left_out() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gone = subprocess.Popen(["true"])
    gone.wait()
    try:
        found = {one["pid"]: one for one in await describe([child.pid, os.getpid(), gone.pid])}
    finally:
        child.communicate()
    assert set(found) == {child.pid, os.getpid()}
    assert found[child.pid]["ppid"] == os.getpid()
    assert "input()" in found[child.pid]["command"]
    assert found[os.getpid()]["rss"] > 1_000_000 and found[os.getpid()]["threads"] >= 1
