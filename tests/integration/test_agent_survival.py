"""Nothing that a workload prints or how it ends is lost, whatever dies around it, and the agent tells it so.

Two workloads print numbered lines while the agent, its log worker, their monitors again and again, and the
zygote are killed with SIGKILL; a third ends meanwhile, while nobody looks.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.linux.process import start_time
from tests.integration.agents import Agent
from tests.integration.engines import cgroup_directories, wait_until
from tests.integration.shell import Shell
from tests.integration.workloads import Homes, script

LINES = 1_000_000
PRINTERS = ("one-1", "two-1")
PRINTER = f"""
BEGIN {{
    text = sprintf("%060d", 0)
    for (number = 0; number < {LINES}; number++) {{
        printf "%09d %s\\n", number, text
        if (number % 20000 == 0) {{ fflush(); system("sleep 0.3") }}
    }}
    fflush()
    system("exec sleep 1000")
}}
"""

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups and namespaces of workloads need root here"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def agent() -> Iterator[Agent]:
    parent = f"/deckwatch-test-survival-{os.getpid()}"
    one = Agent(
        {
            "runtime": {"on_exit": "stop", "cgroup_parent": parent},
            "inventory": {"docker": {"enabled": False}},
            "logs": {"start_at": "beginning"},
            "workloads": [printer("one"), printer("two")],
        }
    )
    try:
        one.start()
        yield one
    finally:
        if one.process is None:
            one.start()
        one.close()
    assert not cgroup_directories(parent)


def printer(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "rootfs": "host",
        "command": ["awk", PRINTER],
        "logs": {"max_size": "5Mi", "max_files": 100},
    }


def log_worker(agent: Agent) -> int:
    """The process that reads the logs, a child of the agent."""
    assert agent.process is not None
    children = (
        pathlib.Path(f"/proc/{agent.process.pid}/task/{agent.process.pid}/children").read_text().split()
    )
    found = [
        int(pid)
        for pid in children
        if b"agent.logs.worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(found) == 1, f"log workers among {children}: {found}"
    return found[0]


def counted(agent: Agent, name: str) -> float:
    return agent.scrape().sum("container_log_lines_total", name=name)


def ends_of_brief(agent: Agent) -> list[dict[str, Any]]:
    events = agent.json("/api/v1/events", since="1h")
    return [one for one in events if one["type"] == "exit" and one["container"]["name"] == "brief-1"]


def test_nothing_is_lost_or_doubled_whatever_is_killed(agent: Agent, tmp_path: pathlib.Path) -> None:
    homes = Homes(f"{agent.directory}/run", f"{agent.directory}/state")
    shell = Shell(agent.config)
    wait_until(lambda: all(homes.runs(name) for name in PRINTERS), "all started")
    brief = script("brief", "sleep 3; echo last words; exit 7", restart={"policy": "never"})
    (tmp_path / "brief.yaml").write_text(json.dumps([brief]))
    shell.out("apply", "-f", str(tmp_path / "brief.yaml"))
    assert homes.runs("brief-1")
    containers = {name: homes.container(name) for name in PRINTERS}

    agent.kill()
    assert homes.kill_monitor("brief-1")
    wait_until(lambda: not homes.runs("brief-1"), "the end of the brief workload")
    agent.start()
    wait_until(lambda: ends_of_brief(agent), "the word of its end")
    (end,) = ends_of_brief(agent)
    assert (end["exit_code"], end["reason"], end["observed"]) == (7, "error", "late")
    assert "exited (error 7)" in shell.out("ps", "-a", "--filter", "name=brief-1")
    assert json.loads(shell.out("inspect", "brief-1"))["exit_code"] == 7

    os.kill(log_worker(agent), signal.SIGKILL)
    killed = 0
    for turn in range(12):
        time.sleep(0.3)  # the rhythm of the kills, not a wait for anything
        killed += sum(homes.kill_monitor(name) for name in PRINTERS)
        if turn == 6:
            homes.kill_zygote()
    assert killed >= 12
    agent.kill()
    assert all(homes.last_number(name) < LINES - 1 for name in PRINTERS), "all was printed too early"
    agent.start()

    for name in PRINTERS:
        wait_until(lambda name=name: homes.last_number(name) == LINES - 1, f"the last line of {name}", 90)  # type: ignore[misc]
    for name in PRINTERS:
        pid, start = containers[name]
        assert start_time(pid) == start, f"{name} was started again"
        assert homes.container(name) == (pid, start)
        expected = 0
        for number in homes.numbers(name):
            assert number == expected, f"{name}: {number} where {expected} was due"
            expected += 1
        assert expected == LINES
        assert len(list(homes.log(name).iterdir())) > 10
    for name in PRINTERS:
        wait_until(lambda name=name: counted(agent, name) >= LINES, f"the count of {name}", 90)  # type: ignore[misc]
        assert counted(agent, name) == LINES
        assert shell.out("logs", "-n", "1", "-o", "raw", name).startswith(f"{LINES - 1:09} ")
        first = agent.get(f"/api/v1/containers/{name}/logs", direction="forward", limit="1")
        assert json.loads(first[1])["message"].startswith(f"{0:09} ")
    assert len(ends_of_brief(agent)) == 1
    assert [record["message"] for record in agent.logs("brief-1")] == ["last words"]
