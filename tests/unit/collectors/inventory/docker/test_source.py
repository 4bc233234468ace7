"""The source follows an engine through absence, return, hanging containers and lost events."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from collectors.inventory.docker import source as docker
from collectors.inventory.docker.api import Actor, DockerEvent
from collectors.inventory.docker.source import AWAY, CONNECTED, NO_ANSWER, DockerSource, Lanes, Position
from collectors.inventory.merge import Inventory
from collectors.model import Entry, Health, Limits, LogSource, Reason, State
from runtime.linux.hierarchies import detect
from tests.unit.collectors.inventory.engine import Engine

# The engine's minute (see Engine.add) in nanoseconds.
MINUTE = 1767225600 * 10**9
SECOND = 10**9


class Followed:
    """An inventory of one engine that runs, and what changed in it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.changes: list[tuple[str, str]] = []
        ticks = itertools.count(MINUTE + 20 * SECOND, 2 * SECOND)
        self.source = DockerSource(engine.path, detect(), clock=lambda: next(ticks))
        self.board = Inventory([self.source], self._changed)
        self.lines: list[MutableMapping[str, object]] = []

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        entry = new or old
        assert entry is not None
        self.changes.append((entry.container.name, str(entry.container.state) if new else "gone"))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, looking whenever something may have moved."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)

    def states(self) -> dict[str, State]:
        return {one.container.name: one.container.state for one in self.board.entries().values()}


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    engine = Engine(f"{tmp_path}/d.sock")
    followed = Followed(engine)
    with structlog.testing.capture_logs() as followed.lines:
        task = asyncio.ensure_future(followed.board.run())
        yield followed
        task.cancel()
        await asyncio.wait([task])
    await engine.stop()


async def test_an_absent_engine_is_one_line_and_its_coming_another(followed: Followed) -> None:
    await followed.until(lambda: followed.board.complete)
    assert "cannot reach" in followed.board.reasons()["docker"]
    followed.engine.add("a")
    await followed.engine.start()
    await followed.until(lambda: "a" in followed.states() and not followed.board.reasons())
    await followed.engine.stop()
    await followed.until(lambda: "No such file" in followed.board.reasons().get("docker", ""))
    assert followed.states() == {"a": State.RUNNING}
    await followed.engine.start()
    await followed.until(lambda: not followed.board.reasons())
    assert [line["event"] for line in followed.lines] == [AWAY, CONNECTED, AWAY, CONNECTED]


async def connected(followed: Followed) -> None:
    """Start the engine and wait until its events are followed."""
    await followed.engine.start()
    await followed.until(lambda: bool(followed.engine.streams) and not followed.board.reasons())


async def test_each_container_is_inspected_once(followed: Followed) -> None:
    for id in "abc":
        followed.engine.add(id)
    await connected(followed)
    assert sorted(path for path in followed.engine.asked if path.startswith("/containers/") and path != "/containers/json") == [
        "/containers/a/json", "/containers/b/json", "/containers/c/json",
    ]  # fmt: skip


async def test_events_move_the_list(followed: Followed) -> None:
    await connected(followed)
    followed.engine.add("a", started=30)
    followed.engine.tell("a", "create", MINUTE + 29 * SECOND)
    followed.engine.tell("a", "start", MINUTE + 30 * SECOND)
    await followed.until(lambda: followed.states() == {"a": State.RUNNING})
    followed.engine.tell("a", "die", MINUTE + 31 * SECOND, exitCode="2")
    del followed.engine.containers["a"]
    followed.engine.tell("a", "destroy", MINUTE + 32 * SECOND)
    await followed.until(lambda: not followed.states())
    assert [state for _, state in followed.changes] == ["created", "running", "exited", "gone"]


async def test_what_ended_while_the_connection_was_down_is_told_with_its_code(followed: Followed) -> None:
    followed.engine.add("a", started=10)
    await connected(followed)
    followed.engine.tell("a", "pause", MINUTE + 21 * SECOND)
    await followed.until(lambda: followed.states() == {"a": State.PAUSED})
    codes: list[int | None] = []
    followed.board._on_change = lambda old, new: codes.append(new.container.exit_code) if new else None
    await followed.engine.stop()
    followed.engine.tell("a", "die", MINUTE + 21 * SECOND + SECOND // 10, exitCode="7")
    followed.engine.add("a", started=22)
    await followed.engine.start()
    await followed.until(lambda: followed.states() == {"a": State.RUNNING})
    assert 7 in codes


async def test_an_event_seen_twice_counts_once(followed: Followed) -> None:
    await connected(followed)
    for _ in range(2):
        followed.engine.tell("a", "create", MINUTE + 29 * SECOND)
        followed.engine.tell("a", "destroy", MINUTE + 30 * SECOND)
    followed.engine.tell("b", "create", MINUTE + 31 * SECOND)
    await followed.until(lambda: "b" in followed.states())
    assert followed.changes == [("a", "created"), ("a", "gone"), ("b", "created")]


async def test_a_container_whose_inspection_hangs_hides_no_other(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker.DockerApi.__init__, "__kwdefaults__", {"timeout": 0.2})
    followed.engine.add("a")
    followed.engine.add("stuck")
    followed.engine.hanging.add("/containers/stuck/json")
    await connected(followed)
    await followed.until(lambda: followed.states() == {"a": State.RUNNING, "stuck": State.RUNNING})
    followed.engine.tell("stuck", "start", MINUTE + 40 * SECOND)
    followed.engine.tell("a", "pause", MINUTE + 41 * SECOND)
    await followed.until(lambda: followed.states()["a"] is State.PAUSED)
    followed.engine.tell("stuck", "die", MINUTE + 42 * SECOND, exitCode="1")
    await followed.until(lambda: followed.states()["stuck"] is State.EXITED)
    assert [line["engine_id"] for line in followed.lines if line["event"] == NO_ANSWER] == ["stuck"]


async def test_a_lost_event_is_made_good_by_the_next_list(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "PING_EVERY", 0.02)
    monkeypatch.setattr(docker, "PINGS_PER_LIST", 2)
    followed.engine.add("gone")
    followed.engine.add("paused")
    await connected(followed)
    del followed.engine.containers["gone"]
    followed.engine.add("new")
    followed.engine.add("paused", status="paused")
    await followed.until(lambda: followed.states() == {"paused": State.PAUSED, "new": State.RUNNING})


async def test_an_engine_that_hangs_is_noticed(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "PING_EVERY", 0.02)
    monkeypatch.setattr(docker.DockerApi.__init__, "__kwdefaults__", {"timeout": 0.2})
    await connected(followed)
    followed.engine.hanging.add("/_ping")
    await followed.until(lambda: "does not answer /_ping" in followed.board.reasons().get("docker", ""))


async def test_more_events_than_can_wait_mean_a_new_list(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "EVENT_BACKLOG", 2)
    await connected(followed)
    (stream,) = followed.engine.streams
    stream.put_nowait(
        b"".join(b'{"Type":"container","Action":"create","timeNano":%d}\n' % n for n in range(9))
    )
    await followed.until(lambda: followed.engine.asked.count("/containers/json") >= 2)


async def test_lanes_keep_the_order_of_each_key_and_wait_for_no_other() -> None:
    done: list[tuple[str, int]] = []
    gate = asyncio.Event()

    async def work(key: str, item: int) -> None:
        if key == "slow":
            await gate.wait()
        done.append((key, item))
        if done[-1] == ("quick", 2):
            gate.set()

    async with asyncio.TaskGroup() as tasks:
        lanes: Lanes[int] = Lanes(tasks, work)
        for item in (1, 2):
            for key in ("slow", "quick"):
                lanes.add(key, item)
    assert done == [("quick", 1), ("quick", 2), ("slow", 1), ("slow", 2)]


def test_positions_are_bounded_and_only_rise() -> None:
    position = Position()
    events = [
        DockerEvent(type="container", action="start", actor=Actor("a"), time_ns=at) for at in range(6000)
    ]
    assert all(position.advance(event) for event in events)
    assert not position.advance(events[-1])
    assert position.advance(events[0])
    assert position.last_ns == 5999


def test_a_position_remembers_no_more_than_the_next_connection_asks_for() -> None:
    position = Position()
    events = [
        DockerEvent("container", action, Actor(f"{number:064x}"), MINUTE + number * SECOND // 4)
        for number in range(1000)
        for action in ("create", "start", "die", "destroy")
    ]

    assert all(position.advance(event) for event in events)

    assert position.last_ns is not None
    again = [event for event in events if event.time_ns >= position.last_ns - docker.OVERLAP_NS]
    assert len(position) == len(again) == 20
    assert not any(position.advance(event) for event in again)


def answers_of_docker_29() -> dict[str, Any]:
    """What it answers, composed after the reference of API 1.52."""
    path = Path(__file__).with_name("recorded") / "docker29.json"
    answers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return answers


async def test_docker_29_with_the_containerd_image_store_is_told_whole(followed: Followed) -> None:
    # Without GraphDriver, with a digest for an image id, without the addresses of old; it refuses API 1.41.
    recorded = answers_of_docker_29()
    engine = followed.engine
    engine.version, engine.listed, engine.containers = (
        recorded["version"], recorded["list"], recorded["inspect"],
    )  # fmt: skip
    await connected(followed)
    assert engine.versions == {"", "1.44"}
    entries = {entry.container.name: entry for entry in followed.board.entries().values()}
    labels = recorded["list"][0]["Labels"]
    for name, state in (("web", State.RUNNING), ("old", State.EXITED)):
        container = entries[name].container
        assert (container.image, container.labels, container.state) == ("nginx:1.29", labels, state)
        assert container.limits == Limits(cpus=0.5, memory=64 << 20, swap=64 << 20)
        log = f"/var/lib/docker/containers/{container.engine_id}/{container.engine_id}-json.log"
        assert entries[name].log == LogSource(path=log, format="docker_json")
    web, old = entries["web"], entries["old"]
    assert (web.addresses, web.ports, web.container.health) == (("172.17.0.2",), (80,), Health.HEALTHY)
    assert (old.addresses, old.container.exit_code, old.container.reason) == ((), 3, Reason.ERROR)
    del engine.containers[web.container.engine_id]
    for event in recorded["events"]:
        for stream in engine.streams:
            stream.put_nowait(json.dumps(event).encode() + b"\n")
    await followed.until(lambda: followed.states()["web"] is State.EXITED)
    assert {one.container.exit_code for one in followed.board.by_name("web")} == {7}


async def test_a_container_of_docker_29_that_does_not_answer_is_still_named(followed: Followed) -> None:
    recorded = answers_of_docker_29()
    followed.engine.version, followed.engine.listed = recorded["version"], recorded["list"]
    await connected(followed)
    entries = {entry.container.name: entry.container for entry in followed.board.entries().values()}
    assert entries.keys() == {"web", "old"}
    assert {one.image for one in entries.values()} == {"nginx:1.29"}


async def test_podmans_service_in_dockers_place_is_left_to_podman(followed: Followed) -> None:
    followed.engine.version = {
        "ApiVersion": "1.41", "MinAPIVersion": "1.24",
        "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon"}],
    }  # fmt: skip
    followed.engine.add("a")
    await followed.engine.start()
    await followed.until(lambda: "is Podman's service" in followed.board.reasons().get("docker", ""))
    assert followed.states() == {} and followed.board.complete
    assert followed.engine.asked == ["/version"]
