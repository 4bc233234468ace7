"""The whole agent beside a real Podman: numbers against the kernel's files, ends, restarts, logs byte for byte."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agents import Agent, Scrape
from tests.integration.engines import disk_of, wait_until
from tests.integration.oracle import Cgroup, Own, Values
from tests.integration.podman import IMAGE, Podman

pytestmark = [pytest.mark.root, pytest.mark.podman, pytest.mark.timeout(300)]

BASE_LABELS = {"id", "name", "image"}
FEWEST_VALUES = 25

HOLD = 'BEGIN { held = sprintf("%20000000d", 1); system("sleep 600") }'
EAT = 'BEGIN { while (1) eaten[i++] = sprintf("%1000d", i) }'
NONE = ["--network", "none"]

# Options and command of each container that lives on.
CONTAINERS: dict[str, tuple[list[str], list[str]]] = {
    "busy": (["--cpus", "0.2", *NONE], ["sh", "-c", "while :; do :; done"]),
    "holder": (["--memory", "64m", "--memory-swap", "64m", *NONE], ["awk", HOLD]),
    "crowd": (["--pids-limit", "64", *NONE], ["sh", "-c", "for i in $(seq 20); do sleep 600 & done; wait"]),
    "writer": (NONE, ["sh", "-c", "while :; do dd if=/dev/zero of=/disk/f bs=64k count=8 conv=fsync; sleep 0.1; done"]),
    "talker": ([], ["sh", "-c", "while :; do echo hello | nc -u -w 1 10.88.0.1 9; sleep 0.1; done"]),
    "hostly": (["--network", "host"], ["sleep", "600"]),
    "guest": (["--network", "container:talker"], ["sleep", "600"]),
}  # fmt: skip
# Those whose network namespace is their own, and has more than a loopback.
NETWORKED = {"talker"}


class Scene:
    """An agent, a Podman, and the containers that live on."""

    def __init__(self, podman: Podman, agent: Agent) -> None:
        self.podman = podman
        self.agent = agent
        self.pids: dict[str, int] = {}

    def populate(self) -> None:
        """Start the containers and wait until the agent reads all of them."""
        for name, (options, command) in CONTAINERS.items():
            more = self._disk() if name == "writer" else []
            self.podman.run("--name", name, *options, *more, "--", *command)
        self.pids = {name: self.podman.pid(name) for name in CONTAINERS}
        wait_until(lambda: self.agent.names() >= set(CONTAINERS), "the agent's word of all containers")

    def _disk(self) -> list[str]:
        """Options for a directory on a disk, with a limit: some v1 kernels count nothing without one."""
        directory = f"{self.podman.directory}/disk"
        os.makedirs(directory, exist_ok=True)
        disk = disk_of(directory)
        return ["-v", f"{directory}:/disk", *(["--device-write-bps", f"{disk}:100mb"] if disk else [])]

    def kernel(self, name: str) -> Values:
        """The kernel's values for a container, without those of a network that another one owns."""
        values = Cgroup(self.pids[name]).values()
        network = name in NETWORKED
        return {key: value for key, value in values.items() if network or "_network_" not in key[0]}


def agent_for(podman: Podman) -> Agent:
    place = {"root": podman.root, "run": podman.run_root, "socket": podman.socket}
    return Agent(
        {
            "inventory": {"docker": {"enabled": False}, "podman": {"enabled": True} | place},
            "metrics": {"keep_final": "30m", "keep_dead": "30m", "container_labels": ["team"]},
            "logs": {"start_at": "beginning"},
            "runtime": {"enabled": False},
        }
    )


@pytest.fixture(scope="module")
def scene(podman_storage: Podman) -> Iterator[Scene]:
    agent = agent_for(podman_storage)
    try:
        agent.start()
        scene = Scene(podman_storage, agent)
        scene.populate()
        yield scene
    finally:
        agent.close()
        podman_storage.remove_all()


def row_of(scrape: Scrape, name: str) -> dict[tuple[str, Own], float]:
    """What the agent exports of one container, by family and own labels."""
    return {
        (family, frozenset(label for label in labels if label[0] not in BASE_LABELS)): value
        for (family, labels), value in scrape.items()
        if ("name", name) in labels
    }


def test_every_value_is_the_kernels(scene: Scene) -> None:
    # Each value lies between two readings of the kernel's file at least once.
    pending = {(name, *key) for name in CONTAINERS for key in scene.kernel(name)}
    assert len(pending) >= FEWEST_VALUES * len(CONTAINERS)
    for _ in range(30):
        before = {name: scene.kernel(name) for name in CONTAINERS}
        scrape = scene.agent.scrape()
        after = {name: scene.kernel(name) for name in CONTAINERS}
        told = {name: row_of(scrape, name) for name in CONTAINERS}
        for name, family, own in list(pending):
            value = told[name].get((family, own))
            ends = [values[name].get((family, own)) for values in (before, after)]
            if value is not None and None not in ends:
                low, high = sorted(end for end in ends if end is not None)
                if low - 1e-9 <= value <= high + 1e-9:
                    pending.discard((name, family, own))
        if not pending:
            return
    raise AssertionError(sorted(pending, key=str))


def test_what_the_containers_do_is_seen(scene: Scene) -> None:
    def moves(family: str, name: str) -> bool:
        return scene.agent.scrape().sum(family, name=name) > before.sum(family, name=name)

    before = scene.agent.scrape()
    for family, name in (
        ("container_cpu_usage_seconds_total", "busy"),
        ("container_cpu_cfs_throttled_periods_total", "busy"),
        ("container_fs_writes_bytes_total", "writer"),
        ("container_network_transmit_bytes_total", "talker"),
    ):
        wait_until(lambda family=family, name=name: moves(family, name), f"more {family} of {name}")
    assert (before.one("container_memory_rss", name="holder") or 0) > 19e6
    assert before.one("container_spec_memory_limit_bytes", name="holder") == 64 << 20
    assert before.one("container_threads", name="crowd") == 21
    assert before.one("container_threads_max", name="crowd") == 64


def test_names_ids_and_start_times(scene: Scene) -> None:
    scrape = scene.agent.scrape()
    for name in CONTAINERS:
        id = scene.podman.podman("inspect", name, "--format", "{{.Id}}")
        path = f"{scene.podman.cgroup_parent}/libpod-{id}"
        started = scrape.one("container_start_time_seconds", id=path, name=name, image=IMAGE)
        told = json.loads(scene.podman.podman("inspect", name))[0]["State"]["StartedAt"]
        whole = time.mktime(time.strptime(told[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        assert started == pytest.approx(whole, abs=1.5)
        assert scrape.one("container_info", name=name, engine="podman", engine_id=id) == 1
        assert scrape.one("container_state", name=name, state="running") == 1


def test_a_network_is_its_owners_alone(scene: Scene) -> None:
    scrape = scene.agent.scrape()
    owners = {dict(labels).get("name", "") for labels in scrape.of("container_network_receive_bytes_total")}
    assert owners & set(CONTAINERS) == NETWORKED


UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def amount(text: str) -> float:
    """Bytes of `12.5MB`."""
    found = re.fullmatch(r"([0-9.]+)([a-zA-Z]+)", text.strip())
    assert found is not None, text
    return float(found[1]) * UNITS[found[2]]


def test_podman_stats_says_the_same(scene: Scene) -> None:
    before = scene.agent.scrape()
    lines = json.loads(scene.podman.podman("stats", "--no-stream", "--format", "json"))
    after = scene.agent.scrape()
    told = {line["name"]: line for line in lines}
    for name in ("holder", "crowd"):
        assert int(told[name]["pids"]) == after.one("container_threads", name=name)
    usage, limit = (amount(text) for text in told["holder"]["mem_usage"].split(" / "))
    assert usage == pytest.approx(after.one("container_memory_usage_bytes", name="holder"), rel=0.05)
    assert limit == pytest.approx(after.one("container_spec_memory_limit_bytes", name="holder"), rel=0.01)
    # Podman says how much CPU time as text with a unit; it lies between the two readings, of which the later
    # may be 100 ms older than its scrape.
    seconds = duration(told["busy"]["cpu_time"])
    low, high = (
        scrape.one("container_cpu_usage_seconds_total", name="busy") or 0.0 for scrape in (before, after)
    )
    assert low - 0.01 <= seconds <= high + 0.11


def duration(text: str) -> float:
    """Seconds of `1m2.5s` and `20ms`."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)(ms|µs|ns|h|m|s)", text))


def events(scene: Scene, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.agent.json("/api/v1/events", selector=f'{{name="{name}"}}')
    return found


def ended(scene: Scene, name: str, times: int = 1) -> dict[str, Any]:
    """The last end of a container, once it has ended so many times."""
    wait_until(
        lambda: sum(event["type"] == "exit" for event in events(scene, name)) >= times, f"the end of {name}"
    )
    return [event for event in events(scene, name) if event["type"] == "exit"][-1]


def test_memory_that_ran_out_and_a_removal(scene: Scene) -> None:
    scene.podman.run("--name", "eater", *NONE, "--memory", "16m", "--memory-swap", "16m", "--", "awk", EAT)
    end = ended(scene, "eater")
    assert (end["reason"], end["exit_code"], end["signal"]) == ("oom", 137, 9)
    wait_until(lambda: len(events(scene, "eater")) >= 3, "all events")
    assert [event["type"] for event in events(scene, "eater")] == ["start", "oom_kill", "exit"]
    scrape = scene.agent.scrape()
    assert not scrape.of("container_memory_usage_bytes", name="eater")
    assert scrape.one("container_oom_kills_total", name="eater") == 1
    assert scrape.one("container_exits_total", name="eater", reason="oom") == 1
    scene.podman.podman("rm", "eater")
    wait_until(
        lambda: "eater" not in {one["name"] for one in scene.agent.json("/api/v1/containers")}, "the removal"
    )
    kept = scene.agent.scrape()
    family = "container_cpu_usage_seconds_total"
    assert kept.one(family, name="eater") == scrape.one(family, name="eater") is not None


@pytest.mark.parametrize(("code", "reason"), [(0, "completed"), (3, "error")])
def test_ends_are_told_with_code_and_reason(scene: Scene, code: int, reason: str) -> None:
    name = f"end{code}"
    scene.podman.run("--name", name, *NONE, "--", "sh", "-c", f"exit {code}")
    end = ended(scene, name)
    assert (end["exit_code"], end["reason"], end["observed"]) == (code, reason, "live")
    assert [event["type"] for event in events(scene, name)] == ["start", "exit"]
    assert scene.agent.scrape().one("container_exits_total", name=name, reason=reason) == 1
    told = scene.podman.podman("inspect", name, "--format", "{{.State.ExitCode}}")
    assert int(told) == code


def test_a_kill_is_told_with_its_signal(scene: Scene) -> None:
    scene.podman.run("--name", "killed", *NONE, "--", "sleep", "600")
    wait_until(lambda: scene.agent.names() >= {"killed"}, "the container")
    scene.podman.podman("kill", "-s", "KILL", "killed")
    end = ended(scene, "killed")
    assert (end["exit_code"], end["signal"], end["reason"]) == (137, 9, "signal")


def test_a_restart_policy_counts_restarts(scene: Scene) -> None:
    again = ["--name", "again", *NONE, "--restart", "on-failure:2"]
    scene.podman.run(*again, "--", "sh", "-c", "sleep 0.3; exit 4")
    ended(scene, "again", 3)
    types = [event["type"] for event in events(scene, "again")]
    assert (types.count("start"), types.count("exit"), types.count("restart")) == (3, 3, 2)
    scrape = scene.agent.scrape()
    assert scrape.one("container_restarts_total", name="again") == 2
    assert scrape.one("container_exits_total", name="again", reason="error") == 3


# A loop that takes some 10 ms of CPU time, in a container that is removed as it ends.
BURN = "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done"
SHORT_LIVES = 20


def test_short_lives_have_their_end_and_their_final_reading(scene: Scene) -> None:
    names = [f"short{number}" for number in range(SHORT_LIVES)]
    for name in names:
        options = scene.podman.options("--rm", "--name", name, *NONE, "--", "sh", "-c", BURN)
        scene.podman.podman("run", *options)

    def ends() -> set[str]:
        found = scene.agent.scrape().of("container_exits_total", reason="completed")
        return {dict(labels)["name"] for labels, count in found.items() if count == 1}

    wait_until(lambda: ends() >= set(names), "the last end")
    scrape = scene.agent.scrape()
    used = [scrape.one("container_cpu_usage_seconds_total", name=name) or 0.0 for name in names]
    # One may be missed on a machine that is busy with other work.
    assert sum(seconds > 0 for seconds in used) >= SHORT_LIVES - 1, used


def test_pause_and_resume_are_events(scene: Scene) -> None:
    scene.podman.podman("pause", "crowd")
    wait_until(lambda: scene.agent.container("crowd")["state"] == "paused", "the pause")
    scene.podman.podman("unpause", "crowd")
    wait_until(lambda: scene.agent.container("crowd")["state"] == "running", "the end of the pause")
    assert [event["type"] for event in events(scene, "crowd")][-2:] == ["pause", "resume"]


# Lines that a log driver and a reader may stumble over: empty, blank, quoted, long enough to be cut.
AWKWARD = r"""
printf 'plain\n\n   \n\ttab "quoted" back\\slash\n'
printf 'gr\303\274\303\237e \342\202\254\n'
head -c 50000 /dev/zero | tr '\0' x; printf '\n'
seq 1 3000
printf 'to stderr\n' >&2; seq 1 200 >&2
printf 'without an end'
"""


def test_logs_are_podmans_byte_for_byte(scene: Scene) -> None:
    scene.podman.run("--name", "chatty", *NONE, "--", "sh", "-c", AWKWARD)
    ended(scene, "chatty")
    expected = dict(zip(("stdout", "stderr"), scene.podman.podman_bytes("logs", "chatty"), strict=True))
    assert expected["stdout"].count(b"\n") > 3000 and expected["stderr"].count(b"\n") == 201
    for stream, told in expected.items():
        records = scene.agent.logs("chatty", stream=stream)
        assert told.rstrip(b"\n") == "\n".join(record["message"] for record in records).encode()
    wait_until(
        lambda: scene.agent.scrape().one("container_log_lines_total", name="chatty", stream="stderr") == 201,
        "the counters",
    )


def test_the_service_adds_labels_and_pods(scene: Scene) -> None:
    scene.podman.serve()
    try:
        scene.podman.pod("shop")
        scene.podman.run("--name", "web", "--pod", "shop", "--label", "team=a", "--", "sleep", "600")
        wait_until(lambda: scene.agent.names() >= {"web"}, "the pod's container")
        wait_until(lambda: scene.agent.container("web")["labels"].get("team") == "a", "its labels")
        labels = scene.agent.container("web")["labels"]
        assert labels["io.podman.pod.name"] == "shop"
        infra = f"{labels['io.podman.pod.id'][:12]}-infra"
        scrape = scene.agent.scrape()
        assert scrape.one("container_info", name="web", container_label_team="a") == 1
        owners = {dict(one).get("name") for one in scrape.of("container_network_receive_bytes_total")}
        assert infra in owners and "web" not in owners
    finally:
        scene.podman.stop_serving()


def test_an_agent_that_returns_tells_no_end_twice(podman: Podman) -> None:
    agent = agent_for(podman)
    try:
        agent.start()
        podman.run("--name", "stays", *NONE, "--", "sleep", "600")
        podman.run("--name", "told", *NONE, "--", "sh", "-c", "exit 3")
        podman.run("--name", "missed", *NONE, "--", "sh", "-c", "sleep 2; exit 4")
        scene = Scene(podman, agent)
        ended(scene, "told")
        wait_until(lambda: agent.names() >= {"stays", "missed"}, "both containers")
        agent.stop()
        podman.podman("wait", "missed")
        agent.start()
        end = ended(scene, "missed")
        assert end["observed"] == "late"
        for name in ("told", "missed"):
            assert [event["type"] for event in events(scene, name)] == ["start", "exit"]
        assert [event["type"] for event in events(scene, "stays")] == ["start"]
    finally:
        agent.close()
