"""The whole agent beside a real dockerd: numbers against the kernel's files, finals, logs byte for byte."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.metrics import catalogue
from tests.integration.agents import Agent, Scrape
from tests.integration.engines import IMAGE, Dockerd, disk_of, wait_until
from tests.integration.oracle import Cgroup, Own, Values

pytestmark = [pytest.mark.root, pytest.mark.docker, pytest.mark.timeout(420)]

BASE_LABELS = {"id", "name", "image"}
# Told by engine and clock, or of the last minutes, not by a file of the cgroup.
# What no single reading of a kernel file tells; file systems are held against df and du elsewhere.
ELSEWHERE = (*catalogue.TIMES, *catalogue.DISK, catalogue.CPU_THROTTLED_RATIO)
MEASURED = {family.name for family in catalogue.ROW if family not in ELSEWHERE}
COUNTERS = {family.name for family in catalogue.ROW if family.kind is not catalogue.Kind.GAUGE}

# Every kernel that runs Docker offers at least so many values of a container.
FEWEST_VALUES = 25
SHORT_EXITS = 500
# Of so many ends at least this part has its final reading.
FINAL_PART = 0.99
BURN = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; times"

HOLD = 'BEGIN { held = sprintf("%20000000d", 1); system("sleep 600") }'
EAT = 'BEGIN { while (1) eaten[i++] = sprintf("%1000d", i) }'

# Options and command of each container that lives on; `quiet` ones do nothing once they stand.
CONTAINERS: dict[str, tuple[list[str], list[str]]] = {
    "busy": (["--cpus", "0.3"], ["sh", "-c", "while :; do :; done"]),
    "holder": (["--memory", "64m", "--memory-swap", "64m"], ["awk", HOLD]),
    "crowd": (["--pids-limit", "64"], ["sh", "-c", "for i in $(seq 20); do sleep 600 & done; wait"]),
    "cacher": (["--memory", "48m"], ["sh", "-c", "dd if=/dev/zero of=/tmp/f bs=1M count=20; sleep 600"]),
    "writer": ([], ["sh", "-c", "while :; do dd if=/dev/zero of=/disk/f bs=64k count=8 conv=fsync; sleep 0.1; done"]),
    "talker": ([], ["sh", "-c", "while :; do echo hello | nc -u -w 1 10.255.255.254 9; sleep 0.1; done"]),
    "idle": (["--memory-reservation", "8m", "--cpu-shares", "512", "--network", "none"], ["sleep", "600"]),
    "hostly": (["--network", "host"], ["sleep", "600"]),
    "guest": (["--network", "container:talker"], ["sleep", "600"]),
}  # fmt: skip
QUIET = ("holder", "crowd", "cacher", "idle", "hostly")
NETWORKED = {"busy", "holder", "crowd", "cacher", "writer", "talker"}


class Scene:
    """An agent, an engine, and the containers that live on."""

    def __init__(self, engine: Dockerd, agent: Agent) -> None:
        self.engine = engine
        self.agent = agent
        self.pids: dict[str, int] = {}

    def populate(self) -> None:
        """Start the containers and wait until the agent reads all of them."""
        for name, (options, command) in CONTAINERS.items():
            more = self._disk() if name == "writer" else []
            self.engine.run("--name", name, *options, *more, "--", *command)
        self.pids = {
            name: int(self.engine.docker("inspect", name, "--format", "{{.State.Pid}}"))
            for name in CONTAINERS
        }
        wait_until(lambda: self.agent.names() >= set(CONTAINERS), "the agent's word of all containers")
        wait_until(self._stand, "all containers at work")

    def _disk(self) -> list[str]:
        """Options for a directory on a disk, with a limit: some v1 kernels count nothing without one."""
        directory = f"{self.engine.directory}/disk"
        os.makedirs(directory, exist_ok=True)
        disk = disk_of(directory)
        return ["-v", f"{directory}:/disk", *(["--device-write-bps", f"{disk}:100mb"] if disk else [])]

    def _stand(self) -> bool:
        values = {name: Cgroup(self.pids[name]).values() for name in QUIET}
        threads, usage = ("container_threads", frozenset()), ("container_memory_usage_bytes", frozenset())
        return values["crowd"][threads] > 20 and all(
            values[name][usage] > 19e6 for name in ("holder", "cacher")
        )


@pytest.fixture(scope="module")
def scene(docker_engine: Dockerd) -> Iterator[Scene]:
    agent = Agent(
        {
            "inventory": {"docker": {"enabled": True, "socket": docker_engine.socket}},
            "metrics": {"keep_final": "30m", "keep_dead": "30m", "container_labels": ["team"]},
            "logs": {"start_at": "beginning"},
            "runtime": {"enabled": False},
        }
    )
    try:
        agent.start()
        scene = Scene(docker_engine, agent)
        scene.populate()
        yield scene
    finally:
        agent.close()
        docker_engine.remove_all()


def row_of(scrape: Scrape, name: str) -> dict[tuple[str, Own], float]:
    """What the agent exports of one container's row, by family and own labels."""
    return {
        (family, frozenset(label for label in labels if label[0] not in BASE_LABELS)): value
        for (family, labels), value in scrape.items()
        if family in MEASURED and ("name", name) in labels
    }


def expected(scene: Scene, name: str) -> Values:
    """The kernel's values for a container, without those of a network that another one owns."""
    values = Cgroup(scene.pids[name]).values()
    if name not in NETWORKED:
        values = {key: value for key, value in values.items() if not key[0].startswith("container_network_")}
    return values


def compare(scene: Scene, attempts: int = 30) -> None:
    """Hold every value of every container against the kernel's file before and after it in the same second.

    A counter never exceeds what the file says afterwards. Each value must lie between the two readings at
    least once: a gauge may leave them for a moment, but a wrong one never comes to lie there.
    """
    pending: dict[tuple[str, str, Own], str] = {}
    for attempt in range(attempts):
        began = time.monotonic()
        before = {name: expected(scene, name) for name in CONTAINERS}
        scrape = scene.agent.scrape()
        after = {name: expected(scene, name) for name in CONTAINERS}
        if time.monotonic() - began > 1.0:
            continue
        told = {name: row_of(scrape, name) for name in CONTAINERS}
        assert all(len(row) >= FEWEST_VALUES for row in told.values())
        if attempt == 0 or not pending:
            pending = {
                (name, *key): "never read"
                for name in CONTAINERS
                for key in told[name].keys() | after[name].keys()
            }
        for name, family, own in list(pending):
            value = told[name].get((family, own))
            low, high = sorted((before[name].get((family, own), 0.0), after[name].get((family, own), 0.0)))
            problem = f"{value} is not within {low} and {high}"
            if value is not None and (family, own) in after[name] and low - 1e-9 <= value <= high + 1e-9:
                del pending[name, family, own]
                continue
            assert value is None or family not in COUNTERS or value <= high + 1e-9, (
                f"{name} {family} {dict(own)}: {problem}"
            )
            pending[name, family, own] = problem
        if not pending:
            return
    lines = [
        f"{name} {family}{dict(own)}: {problem}"
        for (name, family, own), problem in sorted(pending.items(), key=str)
    ]
    raise AssertionError("\n".join(lines))


def test_every_value_is_the_kernels(scene: Scene) -> None:
    compare(scene)


def test_every_value_is_the_kernels_while_nothing_moves(scene: Scene) -> None:
    scene.engine.docker("pause", *CONTAINERS)
    try:
        wait_until(
            lambda: all(scene.agent.container(name)["state"] == "paused" for name in CONTAINERS),
            "paused states",
        )
        compare(scene)
    finally:
        scene.engine.docker("unpause", *CONTAINERS)
    wait_until(
        lambda: all(scene.agent.container(name)["state"] == "running" for name in CONTAINERS),
        "running states",
    )


def test_start_times_and_labels(scene: Scene) -> None:
    before = time.time()
    scrape = scene.agent.scrape()
    for name in CONTAINERS:
        id, started = scene.engine.docker("inspect", name, "--format", "{{.Id}} {{.State.StartedAt}}").split()
        path = f"{scene.engine.cgroup_parent}/{id}"
        whole = time.mktime(time.strptime(started[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        found = scrape.one(catalogue.START_TIME.name, id=path, name=name, image=IMAGE)
        assert found is not None and int(found) == int(whole)
        seen = scrape.one(catalogue.LAST_SEEN.name, name=name)
        assert seen is not None and before - 1 <= seen <= time.time()
        assert scrape.one("container_info", name=name, engine="docker", engine_id=id) == 1
        assert scrape.one("container_state", name=name, state="running") == 1


def test_the_host_has_the_hosts_network_and_followers_have_none(scene: Scene) -> None:
    scrape = scene.agent.scrape()
    owners = {dict(labels).get("name", "") for labels in scrape.of("container_network_receive_bytes_total")}
    assert owners & set(CONTAINERS) == NETWORKED
    assert scrape.of("container_network_receive_bytes_total", id="/")


def stats(engine: Dockerd) -> dict[str, dict[str, str]]:
    """`docker stats --no-stream` of all containers by name."""
    lines = engine.docker("stats", "--no-stream", "--format", "{{json .}}").splitlines()
    return {told["Name"]: told for line in lines if (told := json.loads(line))}


# The kernel charges memory ahead, up to so much for each of a few CPUs, and takes it back at any time.
CHARGES = 512 << 10
UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def amount(text: str) -> float:
    """Bytes of `12.5MiB`."""
    found = re.fullmatch(r"([0-9.]+)([a-zA-Z]+)", text.strip())
    assert found is not None, text
    return float(found[1]) * UNITS[found[2]]


def test_docker_stats_says_the_same(scene: Scene) -> None:
    began, before = time.monotonic(), scene.agent.scrape()
    told = stats(scene.engine)
    after, took = scene.agent.scrape(), time.monotonic() - began
    for name in CONTAINERS:
        usage, limit = told[name]["MemUsage"].split(" / ")
        if name in QUIET:
            assert int(told[name]["PIDs"]) == after.one("container_threads", name=name)
            working_set = after.one("container_memory_working_set_bytes", name=name)
            assert amount(usage) == pytest.approx(working_set, rel=0.01, abs=CHARGES)
        spec = after.one("container_spec_memory_limit_bytes", name=name)
        assert spec is not None
        if spec:
            assert amount(limit) == pytest.approx(spec, rel=0.01)
    used = [scrape.one("container_cpu_usage_seconds_total", name="busy") or 0.0 for scrape in (before, after)]
    percent = 100 * (used[1] - used[0]) / took
    assert float(told["busy"]["CPUPerc"].rstrip("%")) == pytest.approx(percent, abs=12)
    for direction, text in zip(("receive", "transmit"), told["talker"]["NetIO"].split(" / "), strict=True):
        low, high = (
            scrape.sum(f"container_network_{direction}_bytes_total", name="talker")
            for scrape in (before, after)
        )
        assert low * 0.98 - 1 <= amount(text) <= high * 1.02 + 1


def events(scene: Scene, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.agent.json("/api/v1/events", selector=f'{{name="{name}"}}')
    return found


def test_memory_that_ran_out_and_a_removal(scene: Scene) -> None:
    scene.engine.run(
        "--name",
        "eater",
        "--label",
        "team=hungry",
        "--memory",
        "16m",
        "--memory-swap",
        "16m",
        "--",
        "awk",
        EAT,
    )
    wait_until(lambda: any(event["type"] == "exit" for event in events(scene, "eater")), "the eater's end")
    assert (
        scene.engine.docker("inspect", "eater", "--format", "{{.State.OOMKilled}} {{.State.ExitCode}}")
        == "true 137"
    )
    assert [event["type"] for event in events(scene, "eater")] == ["start", "oom_kill", "exit"]
    end = events(scene, "eater")[-1]
    assert (end["reason"], end["exit_code"], end["signal"]) == ("oom", 137, 9)
    dead = scene.agent.container("eater")
    assert (dead["state"], dead["reason"], dead["oom_kills"]) == ("exited", "oom", 1)
    scrape = scene.agent.scrape()
    assert not scrape.of("container_memory_usage_bytes", name="eater")
    assert scrape.one("container_oom_events_total", name="eater") == 1
    assert scrape.one("container_oom_kills_total", name="eater") == 1
    assert scrape.one("container_exits_total", name="eater", reason="oom") == 1
    assert scrape.one("container_last_exit_code", name="eater") == 137
    scene.engine.docker("rm", "eater")
    wait_until(
        lambda: "eater" not in {one["name"] for one in scene.agent.json("/api/v1/containers")}, "the removal"
    )
    kept = scene.agent.scrape()
    for name in ("container_cpu_usage_seconds_total", "container_oom_events_total"):
        assert kept.one(name, name="eater") == scrape.one(name, name="eater")
    assert kept.one("container_exits_total", name="eater", reason="oom") == 1


@pytest.mark.parametrize(
    ("command", "code", "reason", "signal"),
    [("exit 0", 0, "completed", None), ("exit 3", 3, "error", None), ("kill -USR1 $$", 138, "signal", 10)],
)
def test_ends_are_told_with_code_and_reason(
    scene: Scene, command: str, code: int, reason: str, signal: int | None
) -> None:
    name = f"end{code}"
    scene.engine.run("--name", name, "--init", "--", "sh", "-c", command)
    wait_until(lambda: any(event["type"] == "exit" for event in events(scene, name)), "the end")
    end = events(scene, name)[-1]
    assert (end["exit_code"], end["reason"], end.get("signal"), end["observed"]) == (
        code,
        reason,
        signal,
        "live",
    )
    assert scene.agent.scrape().one("container_exits_total", name=name, reason=reason) == 1


# Lines that a log driver and a reader may stumble over: empty, blank, quoted, binary, long enough to be cut.
AWKWARD = r"""
printf 'plain\n\n   \n\ttab "quoted" back\\slash\n'
printf '{"level":"error","msg":"json","n":1}\n{"half":\n'
printf 'bell \a escape \033[31mred\033[0m nul \0 end\r\n'
printf 'gr\303\274\303\237e \342\202\254 broken \377\376 end\n'
head -c 50000 /dev/zero | tr '\0' x; printf '\n'
head -c 16384 /dev/zero | tr '\0' y; printf '\n'
seq 1 5000
printf 'to stderr\n' >&2; seq 1 200 >&2
printf 'without an end'
"""


def test_logs_are_dockers_byte_for_byte(scene: Scene) -> None:
    scene.engine.run("--name", "chatty", "--", "sh", "-c", AWKWARD)
    wait_until(lambda: any(event["type"] == "exit" for event in events(scene, "chatty")), "the end")
    expected = dict(zip(("stdout", "stderr"), scene.engine.docker_bytes("logs", "chatty"), strict=True))
    assert expected["stdout"].count(b"\n") > 5000 and expected["stderr"].count(b"\n") == 201
    for stream, told in expected.items():
        records = scene.agent.logs("chatty", stream=stream)
        # Docker leaves the last line's end to the container; a record has none.
        assert told.rstrip(b"\n") == "\n".join(record["message"] for record in records).encode()
        assert {record["stream"] for record in records} == {stream}
        times = [record["time"] for record in records]
        assert times == sorted(times)
    everything = scene.agent.logs("chatty")
    assert len(everything) == expected["stdout"].count(b"\n") + 1 + 201
    stamped = scene.engine.docker("logs", "--timestamps", "chatty").splitlines()
    assert everything[0]["time"].rstrip("Z") == stamped[0].split(" ")[0].rstrip("Z")


def test_log_counters_count_what_docker_wrote(scene: Scene) -> None:
    scene.engine.run("--name", "counted", "--", "sh", "-c", "seq 1 3000; seq 1 70 >&2; sleep 600")
    wait_until(lambda: scene.engine.docker_bytes("logs", "counted")[1].count(b"\n") == 70, "the output")
    wait_until(
        lambda: scene.agent.scrape().one("container_log_lines_total", name="counted", stream="stderr") == 70,
        "the counters",
    )
    scrape = scene.agent.scrape()
    assert scrape.one("container_log_lines_total", name="counted", stream="stdout") == 3000


def short_run(engine: Dockerd, number: int) -> float:
    """One short container; the CPU time that it says it used."""
    burns = number % 5 == 0
    command = ["sh", "-c", BURN] if burns else ["true"]
    said = engine.docker("run", "--rm", "--network", "none", "--name", f"short{number}", IMAGE, *command)
    used = re.findall(r"(\d+)m([\d.]+)s", said)
    assert not burns or len(used) == 4, said
    return sum(60 * int(minutes) + float(seconds) for minutes, seconds in used[:2])


def test_each_short_run_of_one_container_has_its_final_reading(scene: Scene) -> None:
    scene.engine.docker("create", "--name", "again", "--network", "none", IMAGE, "sh", "-c", BURN)
    finals: set[float | None] = set()
    for run in range(1, 11):
        scene.engine.docker("start", "--attach", "again")

        def ended(count: int = run) -> bool:
            return (
                scene.agent.scrape().one("container_exits_total", name="again", reason="completed") == count
            )

        wait_until(ended, f"the end of run {run}")
        finals.add(scene.agent.scrape().one("container_cpu_usage_seconds_total", name="again"))
    assert None not in finals
    # Each run has a cgroup of its own: a value seen twice is the run before's.
    assert len(finals) == 10
    assert scene.agent.scrape().one("container_restarts_total", name="again") == 9


@pytest.mark.timeout(900)
def test_short_lives_have_their_final_reading(scene: Scene) -> None:
    # One container takes a whole CPU; those that keep disk and bridge busy only make the engine slow.
    scene.engine.docker("update", "--cpus", "1", "busy")
    scene.engine.docker("pause", "writer", "talker")
    missed = scene.agent.scrape().one("deckwatch_final_sample_missed_total") or 0.0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: short_run(scene.engine, number), range(SHORT_EXITS)))
    names = [f"short{number}" for number in range(SHORT_EXITS)]

    def ends() -> dict[str, float]:
        found = scene.agent.scrape().of("container_exits_total", reason="completed")
        return {dict(labels)["name"]: value for labels, value in found.items()}

    wait_until(lambda: ends().keys() >= set(names), "the last end", 60)
    scrape = scene.agent.scrape()
    ended = ends()
    assert {ended[name] for name in names} == {1}
    finals = {name: scrape.one("container_cpu_usage_seconds_total", name=name) for name in names}
    have = [name for name in names if (finals[name] or 0) > 0]
    now_missed = (scrape.one("deckwatch_final_sample_missed_total") or 0.0) - missed
    assert len(have) >= FINAL_PART * SHORT_EXITS, f"{len(have)} of {SHORT_EXITS} have a final reading"
    assert SHORT_EXITS - len(have) <= now_missed <= (1 - FINAL_PART) * SHORT_EXITS
    # `times` counts in ticks of 10 ms, per process; the final reading holds all of it or came too early.
    early = [
        name for name, used in zip(names, said, strict=True) if name in have and finals[name] < used - 0.02
    ]
    assert len(early) <= (1 - FINAL_PART) * SHORT_EXITS, early
