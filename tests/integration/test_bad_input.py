"""What a hostile or broken host does to the whole agent: one clear line, and the rest works."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from agent.exposition.escaping import LONGEST_VALUE
from collectors.logs.entry import MAX_ENTRY
from runtime.linux import hierarchies
from tests.integration.agents import Agent
from tests.integration.engines import Dockerd, remove_cgroups, wait_until
from tests.integration.prometheus import findings
from tests.integration.shell import Shell
from tests.integration.workloads import script

PARENT = f"/deckwatch-test-bad-{os.getpid()}"
QUIET = {"inventory": {"docker": {"enabled": False}}, "runtime": {"enabled": False}}
TICKING = "while :; do echo tick; sleep 0.1; done"
STUBBORN = """
head -c 10000000 /dev/zero | tr '\\0' x; echo
head -c 5000 /dev/zero; echo
printf '{"half": "json\\n'
printf 'broken \\377\\376 text\\n'
echo last
exec sleep 1000
"""

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: cgroups and mounts of its own"),
]


@contextlib.contextmanager
def running(settings: dict[str, Any], **more: Any) -> Iterator[Agent]:
    """A whole agent for the length of a block."""
    agent = Agent(settings, **more)
    try:
        agent.start()
        yield agent
    finally:
        agent.close()


def conditions(agent: Agent) -> dict[str, str]:
    """What `/-/ready` says is wrong, by code."""
    return {one["code"]: one["text"] for one in json.loads(agent.get("/-/ready")[1])["conditions"]}


def test_a_socket_that_nobody_answers(tmp_path: pathlib.Path) -> None:
    path = f"{tmp_path}/docker.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with running(QUIET | {"inventory": {"docker": {"enabled": True, "socket": path}}}) as agent:
        wait_until(lambda: "engine_unavailable" in conditions(agent), "the word of the engine")
        assert path in conditions(agent)["engine_unavailable"]
        assert agent.scrape().one("deckwatch_inventory_available", source="docker") == 0
        assert agent.scrape().sum("container_cpu_usage_seconds_total", id="/") > 0
        assert agent.log().count("docker_away") == 1


def test_a_port_that_is_taken_leaves_the_other_listeners() -> None:
    agent = Agent(QUIET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        file = pathlib.Path(agent.config)
        settings = yaml.safe_load(file.read_text())
        settings["server"]["listen"].insert(0, address)
        file.write_text(yaml.safe_dump(settings))
        try:
            agent.start()
            assert address in conditions(agent)["listener_failed"]
            assert agent.log().count(f"cannot listen on {address}") == 1
            assert Shell(agent.config).out("ps") != ""
        finally:
            agent.close()


def test_a_disk_that_fills_up_and_is_emptied() -> None:
    flapping = script("flap", "sleep 0.3; exit 1", restart={"policy": "always", "max": 1000,
                      "backoff": {"min": "100ms", "max": "300ms"}})  # fmt: skip
    agent = Agent(
        {
            "inventory": {"docker": {"enabled": False}},
            "runtime": {"on_exit": "stop", "cgroup_parent": PARENT},
            "workloads": [script("ticker", TICKING), flapping],
        }
    )
    state = f"{agent.directory}/state"
    os.makedirs(state)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", state], check=True)
        agent.start()
        wait_until(lambda: "ticker-1" in agent.names() and agent.logs("ticker-1"), "its lines")
        filler = pathlib.Path(f"{state}/filler")
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        wait_until(lambda: "disk_full" in conditions(agent), "the word of the disk", 60)
        assert set(conditions(agent)) <= {"disk_full", "workload_failed"}
        before = agent.scrape().sum("container_cpu_usage_seconds_total", name="ticker-1")
        assert before > 0 and agent.container("ticker-1")["state"] == "running"
        wait_until(
            lambda: agent.scrape().sum("container_cpu_usage_seconds_total", name="ticker-1") > before,
            "work of the ticker",
        )
        filler.unlink()
        wait_until(lambda: "disk_full" not in conditions(agent), "the end of the word", 60)
        told = len(agent.json("/api/v1/events", limit="10000"))
        wait_until(lambda: len(agent.json("/api/v1/events", limit="10000")) > told, "new events", 60)
        last = agent.logs("ticker-1")[-1]["time"]
        wait_until(lambda: agent.logs("ticker-1")[-1]["time"] > last, "new lines", 60)
        assert "Traceback" not in agent.log()
    finally:
        agent.close()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_cgroup_that_may_not_be_read_costs_only_what_it_hides() -> None:
    trees = hierarchies.detect()
    memory = trees.of("memory")
    assert memory is not None
    names = [f"{PARENT}-cgroup/{name}" for name in ("closed", "open")]
    sleepers: list[subprocess.Popen[bytes]] = []
    try:
        for name in names:
            entered = []
            for tree in trees.all():
                os.makedirs(tree.directory(name))
                if tree.version == 2 or "cpuset" not in tree.controllers:
                    entered.append(tree.directory(name))
            sleepers.append(subprocess.Popen(["sleep", "1000"]))
            for directory in entered:
                pathlib.Path(f"{directory}/cgroup.procs").write_text(str(sleepers[-1].pid))
        os.chmod(f"{memory.directory(names[0])}/memory.stat", 0)
        settings = QUIET | {
            "inventory": {"docker": {"enabled": False}, "cgroup": {"include": [f"{PARENT}-cgroup/*"]}}
        }
        bare = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
        with running(settings, before=bare) as agent:
            wait_until(lambda: agent.scrape().of("container_memory_rss", id=names[1]), "numbers of the other")
            scrape = agent.scrape()
            for name in names:
                assert scrape.of("container_cpu_usage_seconds_total", id=name)
                assert scrape.of("container_threads", id=name)
            assert not scrape.of("container_memory_rss", id=names[0])
            wait_until(
                lambda: agent.scrape().sum("deckwatch_collector_errors_total", collector="memory") > 0,
                "errors",
            )
            assert agent.log().count("Permission denied") <= 1
    finally:
        for sleeper in sleepers:
            sleeper.send_signal(signal.SIGKILL)
            sleeper.wait()
        wait_until(lambda: remove_cgroups(f"{PARENT}-cgroup") is None, "removal")


def test_what_a_workload_prints_cannot_stop_its_log() -> None:
    settings = {
        "inventory": {"docker": {"enabled": False}},
        "runtime": {"on_exit": "stop", "cgroup_parent": PARENT},
        "logs": {"start_at": "beginning"},
        "workloads": [script("stubborn", STUBBORN)],
    }
    with running(settings) as agent:
        wait_until(lambda: "stubborn-1" in agent.names(), "the workload")
        wait_until(
            lambda: [one["message"] for one in agent.logs("stubborn-1")][-1:] == ["last"], "the last line", 60
        )
        long, empty, half, broken, _ = agent.logs("stubborn-1")
        assert 0 < len(long["message"]) <= MAX_ENTRY and set(long["message"]) == {"x"}
        assert len(empty["message"]) == 5000
        assert half["message"] == '{"half": "json'
        assert broken["message"] == "broken \ufffd\ufffd text"
        assert Shell(agent.config).out("logs", "-n", "1", "-o", "raw", "stubborn-1") == "last\n"
        wait_until(
            lambda: agent.scrape().sum("container_log_lines_total", name="stubborn-1") == 5,
            "the count of lines",
        )


def test_a_workload_that_cannot_be_is_refused_with_key_and_remedy() -> None:
    bad = script("bad", "true", resources={"io": {"weight": 100}})
    settings = {
        "inventory": {"docker": {"enabled": False}},
        "runtime": {"on_exit": "stop", "cgroup_parent": PARENT},
        "workloads": [bad, script("good", TICKING)],
    }
    with running(settings) as agent:
        wait_until(lambda: "good-1" in agent.names(), "the other workload")
        wait_until(lambda: "workload_failed" in conditions(agent), "the refusal")
        assert "bad" in conditions(agent)["workload_failed"]
        assert "resources.io" in conditions(agent)["workload_failed"]


@pytest.mark.docker
def test_labels_and_names_cannot_break_the_exposition(dockerd: Dockerd) -> None:
    hostile = 'say "hi"\\ {evil="1"} 5\n# TYPE x gauge\nx 1\r\n'
    dockerd.run("--name", "hostile", "--label", f"evil={hostile}", "--label", f"long={'y' * 100_000}",
                "--label", 'a"b\n=c', "--", "sleep", "600")  # fmt: skip
    settings = {
        "inventory": {"docker": {"enabled": True, "socket": dockerd.socket}},
        "runtime": {"enabled": False},
        "metrics": {"container_labels": ["evil", "long"], "series_labels": ["evil"]},
    }
    with running(settings) as agent:
        wait_until(lambda: agent.scrape().of("container_threads", name="hostile"), "its numbers")
        scrape = agent.scrape()
        (info,) = (dict(labels) for labels in scrape.of("container_info", name="hostile"))
        assert info["container_label_evil"] == hostile
        assert len(info["container_label_long"]) <= LONGEST_VALUE
        (series,) = (dict(labels) for labels in scrape.of("container_threads", name="hostile"))
        assert series["container_label_evil"] == hostile
        assert scrape.sum("deckwatch_label_values_cut_total") > 0
        if shutil.which("promtool"):
            assert findings(agent.get("/metrics")[1]) == set()


@pytest.mark.docker
def test_garbage_in_dockers_log_file_is_marked_and_passed(dockerd: Dockerd) -> None:
    gate = "while [ ! -e /tmp/go ]; do sleep 0.1; done"
    id = dockerd.run("--name", "garbled", "--", "sh", "-c", f"echo first; {gate}; echo last; sleep 600")
    settings = {
        "inventory": {"docker": {"enabled": True, "socket": dockerd.socket}},
        "runtime": {"enabled": False},
        "logs": {"start_at": "beginning"},
    }
    with running(settings) as agent:
        wait_until(lambda: agent.names() and agent.logs("garbled"), "the first line")
        path = dockerd.docker("inspect", id, "--format", "{{.LogPath}}")
        with open(path, "ab") as file:
            file.write(
                bytes(3000)
                + b'\n{"log":"half\n\xff\xfe\x00 no json\n'
                + b'{"log":"'
                + b"z" * 10_000_000
                + b"\n"
            )
        dockerd.docker("exec", "garbled", "sh", "-c", ": >/tmp/go")
        wait_until(lambda: agent.logs("garbled")[-1]["message"] == "last", "the last line", 60)
        records = agent.logs("garbled")
        assert records[0]["message"] == "first"
        assert all(len(one["message"]) <= MAX_ENTRY for one in records)
        wait_until(
            lambda: agent.scrape().sum("container_log_lines_total", name="garbled") >= len(records),
            "the counts",
        )
