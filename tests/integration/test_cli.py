"""The command line against a whole agent: what a person types, and what bad input gets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.agents import Agent
from tests.integration.engines import wait_until
from tests.integration.shell import Shell
from tests.integration.workloads import script as workload

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: cgroups of its own"),
]

COUNTING = "i=0; while :; do i=$((i + 1)); echo line $i; sleep 0.05; done"


def rewrite(agent: Agent, change: dict[str, Any]) -> None:
    """Change keys of the agent's configuration file."""
    path = Path(agent.config)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))


@pytest.fixture
def agent() -> Iterator[Agent]:
    one = Agent(
        {
            "runtime": {"on_exit": "stop", "cgroup_parent": f"/deckwatch-cli-{os.getpid()}"},
            "workloads": [workload("clock", COUNTING)],
        }
    )
    try:
        one.start()
        wait_until(lambda: b'"running"' in one.get("/api/v1/containers")[1], "the workload to run", 20)
        yield one
    finally:
        one.close()


@pytest.fixture
def shell(agent: Agent) -> Shell:
    return Shell(agent.config)


def codes(agent: Agent) -> set[str]:
    """Codes of the conditions that `/-/ready` names."""
    return {one["code"] for one in json.loads(agent.get("/-/ready")[1])["conditions"]}


def test_a_first_look(agent: Agent, shell: Shell) -> None:
    header, line = shell.out("ps").splitlines()
    assert header.startswith("NAME") and line.split()[:2] == ["clock-1", "running"]
    wait_until(lambda: len(shell.out("logs", "-n", "3", "clock-1").splitlines()) == 3, "three lines", 20)
    assert re.fullmatch(r"line \d+", shell.out("logs", "-n", "1", "clock-1").strip())
    assert "start     clock-1 (run 1)" in shell.out("events")
    found = json.loads(shell.out("inspect", "clock-1"))
    assert found["id"].endswith("/workloads/clock-1") and found["replica"]["pid"] > 0
    matrix = {one["subject"]: one for one in json.loads(shell.out("doctor", "-o", "json"))}
    assert matrix["agent"]["text"].endswith("ready")
    assert shell.out("config", "check") == f"{agent.config}: in order, 1 workload\n"


def test_workloads_from_apply_to_rm(agent: Agent, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(yaml.safe_dump([workload("hello", "echo hi; exec sleep 1000", replicas=2)]))
    assert shell.out("apply", "-f", str(file), "--dry-run") == "hello: would create\n"
    assert shell.out("apply", "-f", str(file)) == "hello: created\nhello-1: running\nhello-2: running\n"
    assert shell.out("scale", "hello=1") == "hello-1: running\n"
    assert shell.out("stop", "hello") == "hello: stopped\n"
    agent.stop()
    agent.start()
    assert "exited (stopped 143)" in shell.out("ps", "-a", "--filter", "name=hello-1")
    assert shell.out("start", "hello") == "hello-1: running\n"
    assert shell.out("rm", "hello") == "hello: removed\n"
    assert "no workload hello" in shell.fail(1, "stop", "hello")


def test_what_cannot_be_is_one_line_with_the_reason(agent: Agent, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(yaml.safe_dump([workload("bad", "x", image="web:1") | {"rootfs": None}]))
    done = shell.run("apply", "-f", str(file))
    assert done.returncode == 1
    assert "image" in done.stderr and len(done.stderr.splitlines()) == 1
    refused = shell.fail(1, "rm", "clock")
    assert agent.config in refused and len(refused.splitlines()) == 1
    assert "did you mean clock" in shell.fail(1, "logs", "clok")
    assert "did you mean '--follow'" in shell.fail(2, "logs", "--folow")
    assert "not in this version" in shell.fail(1, "top")


def test_following_goes_on_over_a_restart_of_the_agent_and_takes_in_new_ones(
    agent: Agent, shell: Shell, tmp_path: Path
) -> None:
    rewrite(agent, {"runtime": {"on_exit": "keep", "cgroup_parent": f"/deckwatch-cli-{os.getpid()}"}})
    agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    output = tmp_path / "followed"

    def numbers(name: str) -> list[int]:
        return [int(number) for number in re.findall(rf"{name} \| line (\d+)", output.read_text())]

    try:
        with shell.following(output, "logs", "-f"):
            wait_until(lambda: len(numbers("clock-1")) > 10, "the first lines", 20)
            agent.stop()
            agent.start()
            seen = len(numbers("clock-1"))
            wait_until(lambda: len(numbers("clock-1")) > seen + 10, "lines after the restart", 30)
            file = tmp_path / "w.yaml"
            file.write_text(yaml.safe_dump([workload("late", COUNTING)]))
            shell.out("apply", "-f", str(file))
            wait_until(lambda: len(numbers("late-1")) > 3, "lines of the new one", 20)
        for name in ("clock-1", "late-1"):
            found = numbers(name)
            assert found == list(range(1, len(found) + 1))
    finally:
        rewrite(agent, {"runtime": {"on_exit": "stop", "cgroup_parent": f"/deckwatch-cli-{os.getpid()}"}})
        if agent.process is not None:
            agent.stop()
        agent.start()


def test_a_reload_takes_a_good_file_and_refuses_a_bad_one(agent: Agent, shell: Shell) -> None:
    good = Path(agent.config).read_text()
    Path(agent.config).write_text(good + "nonsense: 1\nquery: {timeout: soon}\n")
    errors = shell.fail(2, "config", "check").splitlines()
    assert len(errors) == 2 and all(agent.config in error for error in errors)
    agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    wait_until(lambda: "reload_failed" in codes(agent), "the refusal", 20)
    assert "nonsense: unknown key" in agent.log()
    Path(agent.config).write_text(good)
    rewrite(agent, {"workloads": [workload("clock", COUNTING), workload("more", COUNTING)]})
    agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    wait_until(lambda: "more-1" in agent.names(), "the new workload", 20)
    assert "reload_failed" not in codes(agent)


def test_a_second_agent_on_the_same_state_and_a_port_in_use(agent: Agent, shell: Shell) -> None:
    assert re.fullmatch(r"deckwatch: another agent .*\n", shell.fail(1, "run"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        rewrite(
            agent,
            {
                "server": {
                    "listen": [address, f"127.0.0.1:{agent.port}"],
                    "socket": f"{agent.directory}/run/deckwatch.sock",
                }
            },
        )
        agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
        wait_until(lambda: "listener_failed" in codes(agent), "the refusal", 20)
    assert f"cannot listen on {address}: Address already in use" in agent.log()
    assert shell.out("ps").count("\n") == 2


def test_it_leaves_nothing_behind(agent: Agent) -> None:
    agent.scrape()
    assert agent.stop() == 0
    parent = f"deckwatch-cli-{os.getpid()}"
    assert not [where for where, names, _ in os.walk("/sys/fs/cgroup") if parent in names]
    left = subprocess.run(["pgrep", "-f", agent.directory], capture_output=True, text=True, check=False)
    assert left.stdout == ""
    assert set(os.listdir(f"{agent.directory}/run")) <= {"lock", "format.json"}
