"""The whole agent beside a real containerd and its CRI: pods as the kubelet makes them, and plain containers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from collectors.inventory.cri.socket import CriSocket
from collectors.inventory.merge import Inventory
from collectors.inventory.pods import Pods
from collectors.metrics import catalogue
from runtime.linux import mountinfo
from runtime.linux.hierarchies import detect
from tests.integration import containerd as engines
from tests.integration.agents import Agent, Scrape
from tests.integration.between import Row, compare
from tests.integration.containerd import IMAGE, PAUSE, Containerd, Pod, Wish
from tests.integration.engines import disk_of, or_skip, wait_until
from tests.integration.oracle import Cgroup, Values

pytestmark = [pytest.mark.root, pytest.mark.containerd, pytest.mark.timeout(300)]

BASE_LABELS = {"id", "name", "image", "namespace", "pod", "container"}
NETWORK = "container_network_receive_bytes_total"
LIFE = {"namespace": "shop", "pod": "mortal"}

HOLD = 'BEGIN { held = sprintf("%20000000d", 1); system("sleep 600") }'
EAT = 'BEGIN { while (1) eaten[i++] = sprintf("%1000d", i) }'
TALK = "while :; do echo hello | nc -u -w 1 10.255.255.254 9; sleep 0.1; done"
CROWD = "for i in $(seq 20); do sleep 600 & done; wait"
LINES = "seq 1 300; seq 1 50 >&2; head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'caf\\303\\251\\n'; sleep 600"


class Scene:
    """An engine, an agent, and pods that live on."""

    def __init__(self, engine: Containerd, agent: Agent) -> None:
        self.engine = engine
        self.agent = agent
        disk = f"{engine.directory}/disk"
        os.makedirs(disk, exist_ok=True)
        write = "while :; do dd if=/dev/zero of=/disk/f bs=64k count=8 conv=fsync; sleep 0.1; done"
        self.work = engine.run_pod(
            "work",
            [
                Wish("busy", ["sh", "-c", "while :; do :; done"], cpus=0.3),
                Wish("holder", ["awk", HOLD], memory=64 << 20),
                Wish("crowd", ["sh", "-c", CROWD]),
                Wish("talker", ["sh", "-c", TALK]),
                Wish("writer", ["sh", "-c", write], mounts=[(disk, "/disk")]),
            ],
            namespace="shop",
            labels={"app": "work"},
            annotations={"prometheus.io/scrape": "true", "prometheus.io/port": "9100"},
        )
        self.hostly = engine.run_pod("hostly", [Wish("main", ["sleep", "600"])], host_network=True)
        engine.run_plain("plain", "sleep", "600")
        self.ids = {"sandbox": self.work.sandbox} | self.work.ids | {"hostly": self.hostly.ids["main"]}
        self.pids = {name: engine.pid(id) for name, id in self.ids.items()}
        self._limit_writes(disk)
        wait_until(
            lambda: agent.names() >= {*self.ids.values(), "plain"} - {self.work.sandbox}, "all containers"
        )
        wait_until(self._stand, "all containers at work")

    def _limit_writes(self, directory: str) -> None:
        """A limit that is never reached: some v1 kernels count nothing without one."""
        device = os.stat(disk_of(directory) or "/dev/null").st_rdev
        writer = Cgroup(self.pids["writer"])
        if device and writer.is_v1("blkio"):
            limit = f"{os.major(device)}:{os.minor(device)} 104857600"
            with open(
                f"/sys/fs/cgroup/blkio{self.path('writer')}/blkio.throttle.write_bps_device", "w"
            ) as file:
                file.write(limit)

    def path(self, name: str) -> str:
        """The cgroup of one of the pod's containers."""
        return f"{self.work.config.linux.cgroup_parent}/{self.ids[name]}"

    def _stand(self) -> bool:
        threads, usage = ("container_threads", frozenset()), ("container_memory_usage_bytes", frozenset())
        crowd, holder = (Cgroup(self.pids[name]).values() for name in ("crowd", "holder"))
        return crowd[threads] > 20 and holder[usage] > 19e6

    def events(self, selector: str) -> list[dict[str, Any]]:
        """Lifecycle events, the oldest first."""
        found: list[dict[str, Any]] = self.agent.json("/api/v1/events", selector=selector)
        return found

    def ended(self, selector: str, times: int = 1) -> list[dict[str, Any]]:
        """The events once so many runs have ended."""
        wait_until(
            lambda: sum(event["type"] == "exit" for event in self.events(selector)) >= times,
            f"{times} ends of {selector}",
        )
        return self.events(selector)


def settings(
    engine: Containerd, *, disk: dict[str, Any] | None = None, **containerd: object
) -> dict[str, Any]:
    """What an agent beside the engine is configured with; `disk` is its `metrics.disk`."""
    here = {"enabled": True, "socket": engine.socket, "state": engine.state, "root": engine.root}
    return {
        "inventory": {"containerd": here | containerd, "docker": {"enabled": False}},
        "metrics": {"keep_final": "30m", "keep_dead": "30m", "container_labels": ["app"], "disk": disk or {}},
        "logs": {"start_at": "beginning"},
        "runtime": {"enabled": False},
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[Containerd]:
    yield from or_skip(engines.containerd())


@pytest.fixture(scope="module")
def scene(engine: Containerd) -> Iterator[Scene]:
    agent = Agent(settings(engine))
    try:
        agent.start()
        yield Scene(engine, agent)
    finally:
        agent.close()


def row_of(scene: Scene, scrape: Scrape, name: str) -> Row:
    """What the agent exports of one container's row, by family and own labels."""
    measured = {family.name for family in catalogue.ROW}
    own = {
        (family, frozenset(label for label in labels if label[0] not in BASE_LABELS)): value
        for (family, labels), value in scrape.items()
        if family in measured and ("name", scene.ids[name]) in labels
    }
    known = {family for family, _ in Cgroup(scene.pids[name]).values()}
    return {key: value for key, value in own.items() if key[0] in known}


def kernels(scene: Scene, name: str) -> Values:
    """The kernel's values, without those of a network that the sandbox owns or the host."""
    values = Cgroup(scene.pids[name]).values()
    if name != "sandbox":
        values = {key: value for key, value in values.items() if not key[0].startswith("container_network_")}
    return values


def test_every_value_is_the_kernels(scene: Scene) -> None:
    counters = {family.name for family in catalogue.ROW if family.kind is not catalogue.Kind.GAUGE}
    compare(
        list(scene.ids),
        scene.agent.scrape,
        lambda scrape, name: row_of(scene, scrape, name),
        lambda name: kernels(scene, name),
        counters,
    )


def test_labels_are_as_the_kubelet_writes_them(scene: Scene) -> None:
    scrape = scene.agent.scrape()
    for name, id in scene.work.ids.items():
        found = scrape.of("container_memory_usage_bytes", id=scene.path(name))
        assert [dict(labels) for labels in found] == [
            {
                "id": scene.path(name),
                "name": id,
                "image": IMAGE,
                "namespace": "shop",
                "pod": "work",
                "container": name,
            }
        ]
        assert scrape.one("container_info", name=id, engine="containerd", container_label_app="work") == 1
        started = scrape.one("container_start_time_seconds", name=id)
        assert started == pytest.approx(scene.engine.status(id).started_at / 1e9, abs=1e-3)
    sandbox = scrape.of("container_memory_usage_bytes", id=scene.path("sandbox"))
    assert [dict(labels) for labels in sandbox] == [
        {
            "id": scene.path("sandbox"),
            "name": scene.work.sandbox,
            "image": PAUSE,
            "namespace": "shop",
            "pod": "work",
            "container": "",
        }
    ]


def test_a_pod_has_one_set_of_network_series(scene: Scene) -> None:
    scrape = scene.agent.scrape()
    (labels,) = scrape.of(NETWORK, pod="work")
    assert dict(labels) | {"interface": "eth0", "container": "", "name": scene.work.sandbox} == dict(labels)
    assert not scrape.of(NETWORK, pod="hostly")
    assert scrape.of(NETWORK, id="/")
    before = scrape.one("container_network_transmit_packets_total", pod="work", interface="eth0")
    wait_until(
        lambda: (
            scene.agent.scrape().one("container_network_transmit_packets_total", pod="work", interface="eth0")
            != before
        ),
        "packets of the talker",
    )


def unmounted() -> str:
    """A v1 hierarchy that exists and is not mounted here; empty without one."""
    mounted = {option for mount in mountinfo.read() for option in mount.super_options}
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        names = [name for line in file for name in line.split(":")[1].split(",") if name]
    return next((name for name in names if name not in mounted), "")


def test_the_cri_says_the_same(scene: Scene) -> None:
    if missing := unmounted():
        pytest.skip(f"the engine cannot read statistics while {missing} is mounted elsewhere alone")
    before = scene.agent.scrape()
    told = {name: scene.engine.stats(id) for name, id in scene.work.ids.items()}
    busy = {"name": scene.ids["busy"], "cpu": "total"}
    used = before.one("container_cpu_usage_seconds_total", **busy)
    # A reading that is younger than 100 ms is given out again.
    wait_until(
        lambda: scene.agent.scrape().one("container_cpu_usage_seconds_total", **busy) != used, "a new reading"
    )
    after = scene.agent.scrape()
    for name, (seconds, working_set) in told.items():
        low, high = (
            scrape.one("container_cpu_usage_seconds_total", name=scene.ids[name], cpu="total")
            for scrape in (before, after)
        )
        assert low is not None and high is not None and low - 1e-6 <= seconds <= high + 1e-6
        if name in ("holder", "crowd"):
            ours = after.one("container_memory_working_set_bytes", name=scene.ids[name])
            # The kernel charges ahead, up to so much for each of a few CPUs.
            assert working_set == pytest.approx(ours, rel=0.01, abs=512 << 10)


def lines_of(path: str) -> list[tuple[str, str]]:
    """Stream and message of each whole line in a CRI log, partial ones joined."""
    found: list[tuple[str, str]] = []
    parts: dict[str, str] = {}
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            _, stream, tag, content = line.rstrip("\n").split(" ", 3)
            parts[stream] = parts.get(stream, "") + content
            if tag == "F":
                found.append((stream, parts.pop(stream)))
    return found


def test_logs_are_those_in_the_file(scene: Scene) -> None:
    pod = scene.engine.run_pod("writer", [Wish("main", ["sh", "-c", LINES])], namespace="logs")
    try:
        id = pod.ids["main"]
        wait_until(
            lambda: os.path.exists(pod.log("main")) and len(lines_of(pod.log("main"))) == 352, "the lines"
        )
        wait_until(
            lambda: id in scene.agent.names() and len(scene.agent.logs(id)) == 352, "the agent's lines"
        )
        told = [(record["stream"], record["message"]) for record in scene.agent.logs("logs/writer/main")]
        assert sorted(told) == sorted(lines_of(pod.log("main")))
        sizes = {
            stream: sum(len(line.encode()) + 1 for which, line in told if which == stream)
            for stream in ("stdout", "stderr")
        }
        counted = "container_log_bytes_total"
        wait_until(
            lambda: all(
                scene.agent.scrape().one(counted, name=id, stream=stream) == size
                for stream, size in sizes.items()
            ),
            f"counts of {sizes}",
        )
    finally:
        scene.engine.remove_pod(pod)


@pytest.fixture
def mortal(scene: Scene) -> Iterator[Pod]:
    """A pod whose containers end."""
    pod = scene.engine.run_pod("mortal", [], namespace="shop")
    yield pod
    scene.engine.remove_pod(pod)


def life(name: str) -> str:
    return f'{{namespace="shop", pod="mortal", container="{name}"}}'


def test_an_exit_code_and_a_restart(scene: Scene, mortal: Pod) -> None:
    command = ["sh", "-c", "echo run; exit 3"]
    first = scene.engine.start_container(mortal, Wish("again", command))
    scene.ended(life("again"))
    second = scene.engine.restart(mortal, "again")
    events = scene.ended(life("again"), 2)
    assert [event["type"] for event in events] == ["start", "exit", "start", "restart", "exit"]
    assert {(event["exit_code"], event["reason"]) for event in events if event["type"] == "exit"} == {
        (3, "error")
    }
    assert [event["run"] for event in events] == [1, 1, 2, 2, 2]
    scrape = scene.agent.scrape()
    assert scrape.one("container_restarts_total", container="again", **LIFE) == 1
    assert scrape.one("container_exits_total", container="again", reason="error", **LIFE) == 2
    assert scrape.one("container_last_exit_code", container="again", **LIFE) == 3
    listed = {one["engine_id"]: one for one in scene.agent.json("/api/v1/containers", all="1")}
    for id in (first, second):
        status = scene.engine.status(id)
        assert (listed[id]["state"], listed[id]["exit_code"]) == ("exited", status.exit_code)
    assert (listed[second]["restarts"], listed[second]["container"]) == (1, "again")
    wait_until(
        lambda: [record["message"] for record in scene.agent.logs(second)] == ["run"], "the second run's line"
    )


def test_memory_that_ran_out(scene: Scene, mortal: Pod) -> None:
    id = scene.engine.start_container(mortal, Wish("eater", ["awk", EAT], memory=16 << 20))
    events = scene.ended(life("eater"))
    assert [event["type"] for event in events] == ["start", "oom_kill", "exit"]
    assert (events[-1]["reason"], events[-1]["exit_code"], events[-1]["signal"]) == ("oom", 137, 9)
    dead = scene.agent.container(id)
    assert (dead["state"], dead["reason"], dead["oom_kills"]) == ("exited", "oom", 1)
    scrape = scene.agent.scrape()
    assert scrape.one("container_oom_events_total", name=id) == 1
    assert scrape.one("container_oom_kills_total", container="eater", **LIFE) == 1
    assert not scrape.of("container_memory_usage_bytes", name=id)
    usage = scrape.one("container_cpu_usage_seconds_total", name=id, cpu="total")
    assert usage is not None and usage > 0


def test_the_state_is_that_of_the_newest_attempt(scene: Scene, mortal: Pod) -> None:
    old = scene.engine.start_container(mortal, Wish("phoenix", ["false"]))
    scene.ended(life("phoenix"))
    mortal.wishes["phoenix"] = Wish("phoenix", ["sleep", "600"])
    new = scene.engine.restart(mortal, "phoenix")
    wait_until(lambda: new in scene.agent.names(), "the second attempt")
    scene.engine.remove_container(old)
    wait_until(
        lambda: old not in {one["engine_id"] for one in scene.agent.json("/api/v1/containers")}, "the removal"
    )
    state = scene.agent.scrape().of("container_state", container="phoenix", **LIFE)
    assert {dict(labels)["state"] for labels, value in state.items() if value} == {"running"}


def test_a_stopped_container_and_one_that_is_paused(scene: Scene, mortal: Pod) -> None:
    id = scene.engine.start_container(mortal, Wish("sleeper", ["sleep", "600"]))
    wait_until(lambda: id in scene.agent.names(), "the sleeper")
    scene.engine.ctr("-n", "k8s.io", "tasks", "pause", id)
    wait_until(lambda: scene.agent.container(id)["state"] == "paused", "the pause")
    scene.engine.ctr("-n", "k8s.io", "tasks", "resume", id)
    wait_until(lambda: scene.agent.container(id)["state"] == "running", "the resumption")
    scene.engine.stop_container(id)
    events = scene.ended(life("sleeper"))
    assert [event["type"] for event in events] == ["start", "pause", "resume", "exit"]
    assert (events[-1]["exit_code"], events[-1]["signal"]) == (137, 9)


def test_a_sandbox_tells_no_story(scene: Scene, mortal: Pod) -> None:
    assert scene.events(f'{{name="{scene.work.sandbox}"}}') == []
    assert scene.work.sandbox not in scene.agent.names()
    assert scene.agent.container(scene.work.sandbox)["state"] == "running"


def test_a_plain_container(scene: Scene) -> None:
    scene.engine.run_plain("ends", "sh", "-c", "exit 7", options=["--label", "app=plain"])
    try:
        events = scene.ended('{name="ends"}')
        assert [event["type"] for event in events] == ["start", "exit"]
        assert (events[-1]["exit_code"], events[-1]["reason"], events[-1]["observed"]) == (7, "error", "live")
        scene.engine.ctr("-n", engines.PLAIN_NAMESPACE, "tasks", "delete", "ends")
        scene.engine.ctr("-n", engines.PLAIN_NAMESPACE, "tasks", "start", "-d", "ends")
        again = scene.ended('{name="ends"}', 2)
        assert [event["type"] for event in again] == ["start", "exit", "start", "restart", "exit"]
        told = scene.agent.container("ends")
        assert (told["engine_id"], told["image"], told["labels"]["app"]) == (
            f"{engines.PLAIN_NAMESPACE}/ends", IMAGE, "plain",
        )  # fmt: skip
        scrape = scene.agent.scrape()
        path = f"{scene.engine.cgroup_parent}/{engines.PLAIN_NAMESPACE}/plain"
        assert scrape.one("container_memory_usage_bytes", name="plain", id=path, image=IMAGE)
        assert scrape.one("container_last_exit_code", name="ends") == 7
    finally:
        scene.engine.remove_plain("ends")
    wait_until(
        lambda: "ends" not in {one["name"] for one in scene.agent.json("/api/v1/containers")}, "its removal"
    )


def test_a_pod_that_asks_to_be_scraped_is_one_target(scene: Scene) -> None:
    address = f"{scene.engine.address(scene.work)}:9100"
    groups = scene.agent.json("/sd/targets")
    found = [group["labels"] for group in groups if group["targets"] == [address]]
    assert [labels["__meta_deckwatch_pod"] for labels in found] == ["work"]


def test_containers_outlive_their_engine(scene: Scene) -> None:
    pod = scene.engine.run_pod("keeper", [Wish("main", ["sleep", "600"])], namespace="shop")
    try:
        id = pod.ids["main"]
        wait_until(lambda: id in scene.agent.names(), "the keeper")
        before = scene.agent.container(id)
        scene.engine.stop_engine()
        wait_until(lambda: "engine_unavailable" in scene.agent.get("/-/ready")[1].decode(), "the condition")
        assert scene.agent.container(id) == before
        assert scene.agent.scrape().one("container_memory_usage_bytes", name=id)
        scene.engine.start_engine()
        wait_until(lambda: "engine_unavailable" not in scene.agent.get("/-/ready")[1].decode(), "its end", 60)
        assert scene.agent.container(id) == before
        assert [event["type"] for event in scene.events('{pod="keeper"}')] == ["start"]
    finally:
        scene.engine.remove_pod(pod)


def test_what_ended_while_the_agent_was_away(engine: Containerd) -> None:
    agent = Agent(settings(engine))
    command = ["sh", "-c", "while [ ! -e /flag/go ]; do sleep 0.05; done; exit 5"]
    flag = f"{engine.directory}/flag"
    os.makedirs(flag)
    pod = engine.run_pod("away", [Wish("main", command, mounts=[(flag, "/flag")])], namespace="shop")
    try:
        agent.start()
        id = pod.ids["main"]
        wait_until(lambda: id in agent.names(), "the container")
        agent.stop()
        with open(f"{flag}/go", "w", encoding="ascii"):
            pass
        wait_until(lambda: engine.status(id).finished_at, "the end")
        again = engine.restart(pod, "main")
        wait_until(lambda: engine.status(again).finished_at, "the next end")
        agent.start()
        wait_until(lambda: len(agent.json("/api/v1/events", selector='{pod="away"}')) >= 4, "late events")
        events = agent.json("/api/v1/events", selector='{pod="away"}')
        assert {event["observed"] for event in events} == {"late"}
        told = [(event["type"], event["run"], event.get("exit_code")) for event in events]
        assert told == [("exit", 1, 5), ("start", 2, None), ("restart", 2, None), ("exit", 2, 5)]
    finally:
        agent.close()
        engine.remove_pod(pod)


def test_names_without_rights_to_the_socket(engine: Containerd, scene: Scene) -> None:
    agent = Agent(settings(engine, socket=f"{engine.directory}/absent.sock"))
    pod = None
    try:
        agent.start()
        assert agent.names() >= {*scene.work.ids.values(), "plain"}
        told = agent.container("shop/work/busy")
        assert (told["image"], told["id"]) == (IMAGE, scene.path("busy"))
        assert "names come from" in agent.get("/-/ready")[1].decode()
        wait_until(lambda: agent.scrape().of(NETWORK, pod="work"), "the pod's network")
        (labels,) = agent.scrape().of(NETWORK, pod="work")
        assert dict(labels)["container"] == ""
        pod = engine.run_pod(
            "quiet", [Wish("main", ["sh", "-c", "echo said; sleep 2; exit 9"])], namespace="shop"
        )
        selector = '{pod="quiet"}'
        wait_until(
            lambda: (
                [event["type"] for event in agent.json("/api/v1/events", selector=selector)]
                == ["start", "exit"]
            ),
            "a life from the disk",
        )
        end = agent.json("/api/v1/events", selector=selector)[-1]
        assert (end["exit_code"], end["reason"]) == (9, "error")
        wait_until(lambda: [one["message"] for one in agent.logs(pod.ids["main"])] == ["said"], "its line")
    finally:
        agent.close()
        if pod is not None:
            engine.remove_pod(pod)


def test_an_agent_that_starts_late_finds_what_runs_with_its_beginning(
    engine: Containerd, scene: Scene
) -> None:
    agent = Agent(settings(engine))
    try:
        agent.start()
        assert agent.names() >= {*scene.work.ids.values(), "plain"}
        for id in scene.work.ids.values():
            assert agent.container(id)["started_at"] == scene.agent.container(id)["started_at"]
        assert agent.json("/api/v1/events") == []
        assert time.time() > scene.engine.status(scene.work.ids["busy"]).started_at / 1e9
    finally:
        agent.close()


def test_the_use_of_a_writable_layer_is_what_the_engine_counts(engine: Containerd) -> None:
    fill = ["sh", "-c", "dd if=/dev/zero of=/tmp/f bs=1M count=20; sleep 600"]
    pod = None
    agent = Agent(settings(engine, disk={"period": "1s"}))
    try:
        pod = engine.run_pod("filler", [Wish("main", fill)])
        agent.start()
        id = pod.ids["main"]
        wait_until(
            lambda: (agent.scrape().one("container_fs_usage_bytes", name=id) or 0) >= 20 << 20,
            "the use of a writable layer",
            90,
        )
        counted = engine.layer(id)
        assert 20 << 20 <= counted < 21 << 20
        assert agent.scrape().one("container_fs_usage_bytes", name=id) == counted
    finally:
        agent.close()
        if pod is not None:
            engine.remove_pod(pod)


async def test_a_cri_socket_alone_tells_of_pods(engine: Containerd, scene: Scene) -> None:
    board = Inventory([SimpleNamespace(name="crio")], lambda old, new: None)
    socket = CriSocket("crio", engine.socket, "inventory.crio.socket", detect(), Pods(), list_every=0.1)
    answered: list[int] = []
    following = asyncio.ensure_future(socket.follow(board, answered.append))
    pod = None
    try:
        async with asyncio.timeout(60):
            while not answered:
                await asyncio.sleep(0.05)
            for name, id in scene.work.ids.items():
                entry = board.by_engine_id(id)
                assert entry is not None
                assert (entry.container.id, entry.pid) == (scene.path(name), scene.pids[name])
                assert (entry.container.pod, entry.container.container) == ("work", name)
            sandbox = board.by_engine_id(scene.work.sandbox)
            assert sandbox is not None and sandbox.pid == scene.pids["sandbox"]
            assert sandbox.addresses == (await asyncio.to_thread(engine.address, scene.work),)
            wish = Wish("main", ["sh", "-c", "exit 4"])
            pod = await asyncio.to_thread(engine.run_pod, "brief", [wish])
            while (entry := board.by_engine_id(pod.ids["main"])) is None or entry.container.exit_code is None:
                await asyncio.sleep(0.05)
            assert entry.container.exit_code == 4
    finally:
        following.cancel()
        await asyncio.wait([following])
        if pod is not None:
            await asyncio.to_thread(engine.remove_pod, pod)
