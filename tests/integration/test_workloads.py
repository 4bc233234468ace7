"""The whole agent with workloads of its own on this kernel: limits, numbers, ends, logs.

The same tests run from the host's cgroup namespace and from a private one, on v1, hybrid and v2 alike.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.metrics import catalogue
from runtime.linux import hierarchies
from tests.integration.agents import Agent
from tests.integration.engines import remove_cgroups, wait_until
from tests.integration.oracle import Cgroup, Values
from tests.integration.shell import Shell
from tests.integration.workloads import Homes, script

PARENT = f"/deckwatch-test-workloads-{os.getpid()}"
HOME = f"/deckwatch-test-agent-{os.getpid()}"
HIERARCHIES = hierarchies.detect() if os.path.isdir("/sys/fs/cgroup") else None
# User-Mode Linux, where the tests meet a v2-only kernel, forks ten times as slowly.
LIMIT = 120.0 if HIERARCHIES is not None and HIERARCHIES.mode == "v2" else 30.0
PRIVATE = ["unshare", "--cgroup", "--mount"]

HOLD = 'BEGIN { held = sprintf("%20000000d", 1); print "holding"; fflush(); system("exec sleep 1000") }'
# All in one system call: a program that runs while it eats has its own text taken from it, and brought back,
# for minutes where the disk is slow, before the kernel gives up and kills.
EAT = ["busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"]
ONCE = {"restart": {"policy": "never"}}
WORKLOADS: list[dict[str, Any]] = [
    {
        "name": "holder",
        "rootfs": "host",
        "command": ["busybox", "awk", HOLD],
        "resources": {"cpus": 0.5, "memory": "64Mi", "pids": 32},
    },
    {
        "name": "eater",
        "rootfs": "host",
        "command": EAT,
        "resources": {"memory": "24Mi"},
        **ONCE,
    },
    script("crowd", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait", resources={"pids": 6}, **ONCE),
    script(
        "failing",
        "echo trying; exit 3",
        restart={"policy": "on-failure", "max": 2, "backoff": {"min": "100ms", "max": "200ms"}},
    ),
    script("talker", "echo out; echo err >&2; cat /proc/self/cgroup; trap 'exit 0' TERM; sleep 1000 & wait"),
]
BASE_LABELS = {"id", "name", "image"}
# Told by the runtime and the clock, not by a file of the cgroup.
# What a file of the cgroup tells: not what engine and clock do, nor what is told of the last minutes.
MEASURED = {
    family.name
    for family in catalogue.ROW
    if family not in (*catalogue.TIMES, *catalogue.DISK, catalogue.CPU_THROTTLED_RATIO)
}

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
    pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox (package busybox-static)"),
]


def in_a_namespace() -> list[str]:
    """A command that goes into a cgroup of its own, makes that the root of a namespace, and runs the agent."""
    assert HIERARCHIES is not None
    # A v1 cpuset takes nobody before it has CPUs, and no number is read from it.
    trees = [tree for tree in HIERARCHIES.all() if tree.version == 2 or "cpuset" not in tree.controllers]
    directories = " ".join(tree.directory(HOME) for tree in trees)
    enter = (
        f'for at in {directories}; do mkdir -p $at && echo $$ >$at/cgroup.procs || exit 1; done; exec "$@"'
    )
    return ["sh", "-c", enter, "sh", *PRIVATE]


@pytest.fixture(scope="module", params=["the host's", "a private"])
def agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    one = Agent(
        {
            "runtime": {"on_exit": "stop", "cgroup_parent": PARENT},
            "inventory": {"docker": {"enabled": False}},
            "logs": {"start_at": "beginning"},
            "workloads": WORKLOADS,
        },
        before=in_a_namespace() if request.param == "a private" else (),
        patience=LIMIT,
    )
    try:
        one.start()
        wait_until(lambda: known(one) == {f"{spec['name']}-1" for spec in WORKLOADS}, "all workloads", LIMIT)
        yield one
    finally:
        one.close()
        remove_cgroups(HOME)


def known(agent: Agent) -> set[str]:
    """Names of all containers, also of those that have ended."""
    return {one["name"] for one in agent.json("/api/v1/containers", all="1") if one["name"]}


@pytest.fixture
def homes(agent: Agent) -> Homes:
    return Homes(f"{agent.directory}/run", f"{agent.directory}/state")


def ended(agent: Agent, name: str, state: str = "exited") -> dict[str, Any]:
    """A container once it is in a state of no return and its reason is known.

    The kernel tells of an end some milliseconds before the exit record says why.
    """

    def there() -> bool:
        found = agent.json("/api/v1/containers", all="1")
        return any(one["name"] == name and one["state"] == state and one["reason"] for one in found)

    try:
        wait_until(there, f"{name} {state}", LIMIT)
    except AssertionError as error:
        events = [one for one in agent.json("/api/v1/events") if one["container"]["name"] == name]
        raise AssertionError(
            f"{error}: {agent.container(name)} after {events}; {agent.log()[-1500:]}"
        ) from None
    return agent.container(name)


def row_of(agent: Agent, name: str) -> Values:
    """What the agent exports of one container's row, by family and own labels."""
    return {
        (family, frozenset(label for label in labels if label[0] not in BASE_LABELS)): value
        for (family, labels), value in agent.scrape().items()
        if family in MEASURED and ("name", name) in labels
    }


def test_the_agent_sees_the_cgroups_from_where_it_should(
    agent: Agent, request: pytest.FixtureRequest
) -> None:
    assert agent.process is not None
    own = os.stat(f"/proc/{agent.process.pid}/ns/cgroup").st_ino
    private = "a private" in request.node.name
    assert (own != os.stat("/proc/self/ns/cgroup").st_ino) == private
    seen = subprocess.run(
        ["nsenter", "--cgroup", f"--target={agent.process.pid}", "cat", f"/proc/{agent.process.pid}/cgroup"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (HOME in seen.stdout) is False
    assert (HOME in pathlib.Path(f"/proc/{agent.process.pid}/cgroup").read_text()) == private
    found = agent.container("holder-1")
    assert found["id"] == f"{PARENT}/workloads/holder-1"


def test_every_value_is_the_kernels_and_the_limits_are_in_force(agent: Agent, homes: Homes) -> None:
    wait_until(lambda: agent.logs("holder-1"), "the held memory", LIMIT)
    cgroup = Cgroup(homes.container("holder-1")[0])
    pids = [int(pid) for pid in (cgroup.read("pids", "cgroup.procs") or "").split()]
    assert len(pids) == 3
    for pid in reversed(pids):
        os.kill(pid, signal.SIGSTOP)
    try:
        differing: Values = {}

        def agree() -> bool:
            before, told, after = cgroup.values(), row_of(agent, "holder-1"), cgroup.values()
            differing.clear()
            differing.update(
                {
                    key: told.get(key, -1)
                    for key in told.keys() | after.keys()
                    if told.get(key) != pytest.approx(after.get(key), abs=1e-9)
                }
            )
            return before == after and not differing

        try:
            wait_until(agree, "agreement", LIMIT)
        except AssertionError as error:
            raise AssertionError(f"{error}: {differing}") from None
        row = row_of(agent, "holder-1")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    none = frozenset[tuple[str, str]]()
    assert row["container_spec_memory_limit_bytes", none] == 64 << 20
    assert row["container_threads_max", none] == 32
    assert row["container_spec_cpu_quota", none] / row["container_spec_cpu_period", none] == pytest.approx(
        0.5
    )
    assert row["container_memory_rss", none] > 19e6
    assert row["container_processes", none] == 3


def test_memory_that_runs_out_is_told_as_such(agent: Agent) -> None:
    eater = ended(agent, "eater-1")
    assert (eater["reason"], eater["oom_kills"]) == ("oom", 1)
    scrape = agent.scrape()
    assert scrape.one("container_exits_total", name="eater-1", reason="oom") == 1
    assert scrape.one("container_oom_kills_total", name="eater-1") == 1
    events = [one for one in agent.json("/api/v1/events") if one["container"]["name"] == "eater-1"]
    assert [one["type"] for one in events] in (["start", "oom_kill", "exit"], ["start", "exit", "oom_kill"])


def test_a_crowd_is_stopped_at_its_number(agent: Agent) -> None:
    crowd = ended(agent, "crowd-1")
    assert (crowd["exit_code"], crowd["reason"]) == (2, "error")
    assert "fork" in agent.logs("crowd-1")[-1]["message"]


def test_a_failure_is_tried_again_so_often_as_told(agent: Agent) -> None:
    failing = ended(agent, "failing-1", "crash_loop")
    assert (failing["exit_code"], failing["restarts"], failing["run"]) == (3, 2, 3)
    wait_until(lambda: len(agent.logs("failing-1")) == 3, "its lines", LIMIT)
    assert [(one["message"], one["run"]) for one in agent.logs("failing-1")] == [
        ("trying", 1),
        ("trying", 2),
        ("trying", 3),
    ]
    scrape = agent.scrape()
    assert scrape.one("container_restarts_total", name="failing-1") == 2
    assert scrape.one("container_exits_total", name="failing-1", reason="error") == 3


def test_its_lines_are_there_and_its_cgroups_are_its_own(agent: Agent) -> None:
    wait_until(lambda: len(agent.logs("talker-1")) > 2, "its lines", LIMIT)
    records = agent.logs("talker-1")
    assert ("stdout", "out") in [(one["stream"], one["message"]) for one in records]
    assert ("stderr", "err") in [(one["stream"], one["message"]) for one in records]
    paths = {one["message"].split(":", 2)[2] for one in records if one["message"][0].isdigit()}
    assert paths == {"/"}
    wait_until(
        lambda: agent.scrape().sum("container_log_lines_total", name="talker-1") == len(records),
        "the count of its lines",
        LIMIT,
    )


def test_stop_and_start_over_the_socket(agent: Agent, homes: Homes) -> None:
    shell = Shell(agent.config)
    assert shell.out("stop", "talker") == "talker: stopped\n"
    talker = ended(agent, "talker-1")
    assert talker["reason"] == "stopped"
    records = sorted((homes.state / "workloads/talker-1/exits").iterdir())
    record = json.loads(records[-1].read_text())
    assert record["run"] == talker["run"]
    assert not any(os.path.isdir(tree.directory(talker["id"])) for tree in hierarchies.detect().all())
    assert shell.out("start", "talker") == "talker-1: running\n"
    assert agent.container("talker-1")["run"] == talker["run"] + 1


def test_it_leaves_nothing_behind(agent: Agent) -> None:
    assert agent.stop() == 0
    assert not any(os.path.isdir(tree.directory(PARENT)) for tree in hierarchies.detect().all())
    agent.start()
