"""What engines, kernel and readings tell becomes one story, each part told once."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from agent.lifecycle.counters import LifecycleCounters, key_of
from agent.lifecycle.newcomers import Newcomers
from agent.lifecycle.story import Lifecycle
from agent.lifecycle.victims import Victims
from collectors.kernellog.oomkills import OomKill
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row, Value
from collectors.model import Container, Entry, EventType, Health, Reason, Role, State
from runtime.linux.process import start_time

OOM = catalogue.INDEX[catalogue.OOM_EVENTS]
CPU = catalogue.INDEX[catalogue.CPU_USAGE]
ID = "/docker/abc"


class Host:
    """Cgroups in memory: what is in them, and how often they ran out of memory."""

    def __init__(self) -> None:
        self.there = {ID}
        self.oom = 0
        self.torn = False
        self.pids: list[int] = []
        self.added: dict[str, str] = {}

    def track(self, id: str, pid: int = 0) -> None:
        pass

    def add(self, entry: Entry, labels: str) -> None:
        self.added[entry.container.id] = labels

    def remove(self, id: str) -> None:
        self.added.pop(id, None)

    def processes(self, id: str) -> list[int]:
        return self.pids if id in self.there else []

    def read_one(self, id: str) -> Row | None:
        return self.row(id) if id in self.there else None

    def row(self, id: str = ID) -> Row:
        values: list[Value] = [None] * len(catalogue.ROW)
        values[OOM] = self.oom
        values[CPU] = None if self.torn else 1.5
        return Row(id, f'id="{id}"', values, 100.0)


class World:
    """A lifecycle with everything around it."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.host = Host()
        self.events: list[dict[str, Any]] = []
        self.finals: list[Row] = []
        self.missed = 0
        self.now = 1000.0
        self.begin()

    def begin(self) -> None:
        self.counters = LifecycleCounters(str(self.directory / "db"))
        self.newcomers = Newcomers(self.host, clock=lambda: self.now)
        self.lifecycle = Lifecycle(
            sampler=self.host, newcomers=self.newcomers, finals=self, counters=self.counters, events=self,
            labels_of=lambda entry: f'id="{entry.container.id}"', add=self.host.add, missed=self.miss,
            keep_dead=60, clock=lambda: self.now,
        )  # fmt: skip

    def restart_agent(self, away: float = 0) -> None:
        self.lifecycle.close()
        self.newcomers.close()
        self.counters.close()
        self.now += away
        self.events.clear()
        self.begin()

    def add(self, row: Row) -> None:
        self.finals.append(row)

    def miss(self) -> None:
        self.missed += 1

    def emit(self, type: EventType, container: Container, **more: Any) -> None:
        self.events.append({"type": type, "run": container.run, **more})

    def told(self) -> list[EventType]:
        return [event["type"] for event in self.events]

    @property
    def counts(self) -> Any:
        return self.counters.counts(key_of(RUNNING.container))


RUNNING = Entry(
    container=Container(
        id=ID, name="web", engine="docker", engine_id="abc", state=State.RUNNING, started_at=1000.0
    )
)


def ended(entry: Entry, code: int | None = 0, at: float = 1005.0, **more: Any) -> Entry:
    container = msgspec.structs.replace(
        entry.container, state=State.EXITED, exit_code=code, finished_at=at, **more
    )
    return msgspec.structs.replace(entry, container=container, pid=0, pid_start=0)


def with_pid(entry: Entry, pid: int) -> Entry:
    return msgspec.structs.replace(entry, pid=pid, pid_start=start_time(pid))


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.counters.close()


async def test_a_run_is_one_start_and_one_exit(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    assert world.host.added == {ID: f'id="{ID}"'}
    exited = ended(RUNNING, 3)
    world.lifecycle.changed(RUNNING, exited)
    assert world.told() == [EventType.START, EventType.EXIT]
    assert world.events[1]["exit_code"] == 3 and world.events[1]["reason"] is Reason.ERROR
    assert world.finals[0].final and world.missed == 0 and world.host.added == {}
    assert world.counts.exits == {Reason.ERROR: 1} and world.counts.last_exit_code == 3
    [container] = world.lifecycle.containers(dead=True)
    assert (container.state, container.reason, container.exit_code) == (State.EXITED, Reason.ERROR, 3)
    assert world.lifecycle.containers() == []


async def test_the_kernel_speaks_first_and_the_engine_says_how(world: World) -> None:
    child = subprocess.Popen(["sleep", "60"])
    running = with_pid(RUNNING, child.pid)
    world.lifecycle.changed(None, running)
    child.kill()
    async with asyncio.timeout(5):
        while not world.finals:
            await asyncio.sleep(0.002)
    # Its use is over now, though its engine has not said a word.
    assert world.host.added == {} and world.told() == [EventType.START]
    assert world.lifecycle.containers(dead=True)[0].state is State.EXITED
    assert world.lifecycle.census() == {("docker", "container", "exited"): 1}
    world.host.there.clear()
    world.lifecycle.changed(running, ended(running, 137))
    child.wait()
    assert world.told() == [EventType.START, EventType.EXIT]
    assert world.events[1]["signal"] == 9 and world.events[1]["reason"] is Reason.SIGNAL
    assert len(world.finals) == 1 and world.missed == 0


async def test_oom_is_judged_by_the_cgroups_counter(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.oom = 2
    world.lifecycle.read(Reading(time=1001.0, rows=[world.host.row()]))
    world.lifecycle.read(Reading(time=1002.0, rows=[world.host.row()]))
    assert (
        world.told() == [EventType.START, EventType.OOM_KILL, EventType.OOM_KILL]
        and world.counts.oom_kills == 2
    )
    world.host.oom = 3
    world.lifecycle.changed(RUNNING, ended(RUNNING, 137))
    assert world.told()[3:] == [EventType.OOM_KILL, EventType.EXIT]
    assert world.events[-1]["reason"] is Reason.OOM and world.counts.oom_kills == 3


async def test_oom_kills_already_counted_are_not_counted_again_after_a_restart(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.oom = 2
    world.lifecycle.read(Reading(time=1001.0, rows=[world.host.row()]))
    world.restart_agent()
    world.lifecycle.changed(None, RUNNING)
    world.lifecycle.read(Reading(time=1003.0, rows=[world.host.row()]))
    assert world.events == [] and world.counts.oom_kills == 2


async def test_a_restart_keeps_name_and_counts_on(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    exited = ended(RUNNING, 1)
    world.lifecycle.changed(RUNNING, exited)
    world.now = 1010.0
    again = msgspec.structs.replace(
        RUNNING, container=msgspec.structs.replace(RUNNING.container, started_at=1010.0)
    )
    world.lifecycle.changed(exited, again)
    assert world.told() == [EventType.START, EventType.EXIT, EventType.START, EventType.RESTART]
    assert world.events[2]["run"] == 2 and world.counts.restarts == 1
    assert world.lifecycle.containers()[0].run == 2


async def test_a_new_container_of_the_same_name_is_a_new_run_but_no_restart(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    exited = ended(RUNNING)
    world.lifecycle.changed(RUNNING, exited)
    world.lifecycle.changed(exited, None)
    other = Entry(
        container=msgspec.structs.replace(
            RUNNING.container, id="/docker/def", engine_id="def", started_at=1020.0
        )
    )
    world.host.there.add("/docker/def")
    world.lifecycle.changed(None, other)
    assert world.told() == [EventType.START, EventType.EXIT, EventType.START]
    assert world.events[2]["run"] == 2 and world.counts.restarts == 0


async def test_what_ended_while_away_is_told_once_as_late(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.restart_agent(away=100)
    exited = ended(RUNNING, 2, at=1050.0)
    world.lifecycle.changed(None, exited)
    assert world.told() == [EventType.EXIT]
    assert world.events[0]["observed"] == "late" and world.events[0]["time"] == 1050.0
    world.restart_agent()
    world.lifecycle.changed(None, exited)
    assert world.events == []


async def test_what_started_and_ended_while_away_is_told_too(world: World) -> None:
    world.restart_agent(away=1000)
    short = msgspec.structs.replace(RUNNING.container, started_at=1500.0)
    world.lifecycle.changed(None, ended(Entry(container=short), 0, at=1501.0))
    assert [(event["type"], event["observed"]) for event in world.events] == [
        (EventType.START, "late"),
        (EventType.EXIT, "late"),
    ]


async def test_the_first_agent_ever_does_not_report_the_past(world: World) -> None:
    world.lifecycle.changed(None, ended(RUNNING, 1, at=900.0))
    assert world.events == [] and world.counts.exits == {}


async def test_a_container_too_short_for_its_engine_keeps_its_final_reading(world: World) -> None:
    world.newcomers.created(ID)
    world.newcomers.removed(ID)  # the reading is taken in the moment of its end
    world.host.there.clear()
    world.lifecycle.changed(None, ended(RUNNING, 0))
    assert world.told() == [EventType.START, EventType.EXIT]
    assert len(world.finals) == 1 and world.missed == 0


async def test_a_reading_that_came_too_late_is_counted(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.there.clear()
    world.lifecycle.changed(RUNNING, ended(RUNNING))
    # What was read at its start is better than nothing, but it is counted.
    assert world.missed == 1 and len(world.finals) == 1


async def test_a_torn_reading_is_no_final_one_and_the_engine_is_believed(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.torn = True
    world.lifecycle.changed(RUNNING, ended(RUNNING, 137, reason=Reason.OOM))
    assert world.missed == 1 and world.finals[0].values[CPU] == 1.5
    assert world.told() == [EventType.START, EventType.OOM_KILL, EventType.EXIT]
    assert world.events[-1]["reason"] is Reason.OOM and world.counts.oom_kills == 1


async def test_health_pause_and_resume_are_events(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    sick = msgspec.structs.replace(
        RUNNING, container=msgspec.structs.replace(RUNNING.container, health=Health.UNHEALTHY)
    )
    paused = msgspec.structs.replace(
        sick, container=msgspec.structs.replace(sick.container, state=State.PAUSED)
    )
    world.lifecycle.changed(RUNNING, sick)
    world.lifecycle.changed(sick, paused)
    world.lifecycle.changed(paused, sick)
    assert world.told() == [EventType.START, EventType.HEALTH, EventType.PAUSE, EventType.RESUME]
    assert world.events[1]["health"] is Health.UNHEALTHY and world.counts.health == Health.UNHEALTHY


async def test_a_stop_that_was_asked_for_is_no_error(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    stopping = msgspec.structs.replace(ended(RUNNING, 143), stop_requested=True)
    world.lifecycle.changed(RUNNING, stopping)
    assert world.events[-1]["reason"] is Reason.STOPPED


async def test_the_dead_are_let_go_in_time(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    exited = ended(RUNNING)
    world.lifecycle.changed(RUNNING, exited)
    world.lifecycle.changed(exited, None)
    world.now += 59
    world.lifecycle.tick()
    assert len(world.lifecycle.containers(dead=True)) == 1 and world.counters.known()
    world.now += 2
    world.lifecycle.tick()
    assert world.lifecycle.containers(dead=True) == [] and world.counters.known() == []


async def test_a_cgroup_named_by_another_source_has_not_ended(world: World) -> None:
    plain = Entry(container=Container(id=ID, name="abc", engine="cgroup", started_at=999.0))
    world.lifecycle.changed(None, plain)
    world.events.clear()
    world.lifecycle.changed(plain, RUNNING)
    assert world.told() == [EventType.START]
    assert [one.name for one in world.lifecycle.containers(dead=True)] == ["web"]


async def test_a_plain_cgroup_ends_with_its_directory(world: World) -> None:
    child = subprocess.Popen(["sleep", "60"])
    world.host.pids = [child.pid]
    plain = Entry(container=Container(id=ID, name="unit", engine="cgroup", started_at=1000.0))
    world.lifecycle.changed(None, plain)
    world.host.pids = []
    child.kill()
    child.wait()
    await asyncio.sleep(0.05)
    assert world.told() == [EventType.START]  # empty, but still there
    world.lifecycle.cgroup_removed(ID)
    world.lifecycle.changed(plain, None)
    assert world.told() == [EventType.START, EventType.EXIT]
    assert world.events[-1]["reason"] is Reason.UNKNOWN and world.events[-1]["exit_code"] is None
    assert world.missed == 0


async def test_a_run_that_never_began_is_an_exit_alone(world: World) -> None:
    created = Entry(
        container=msgspec.structs.replace(RUNNING.container, state=State.CREATED, started_at=None)
    )
    world.lifecycle.changed(None, created)
    failed = ended(created, None, reason=Reason.START_FAILED)
    world.lifecycle.changed(created, failed)
    world.lifecycle.changed(failed, failed)
    assert world.told() == [EventType.EXIT] and world.events[0]["reason"] is Reason.START_FAILED
    assert world.counts.exits == {Reason.START_FAILED: 1} and world.missed == 0
    again = ended(created, None, at=1010.0, reason=Reason.START_FAILED)
    world.lifecycle.changed(failed, again)
    assert world.told() == [EventType.EXIT, EventType.EXIT]


async def test_a_refusal_says_key_and_remedy_once(world: World) -> None:
    message = "image: not in this version; use rootfs"
    refused = Entry(
        container=msgspec.structs.replace(
            RUNNING.container, state=State.REFUSED, started_at=None, message=message
        )
    )
    created = Entry(
        container=msgspec.structs.replace(RUNNING.container, state=State.CREATED, started_at=None)
    )
    world.lifecycle.changed(None, created)
    world.lifecycle.changed(created, refused)
    world.lifecycle.changed(refused, msgspec.structs.replace(refused, annotations={"a": "b"}))
    assert world.told() == [EventType.REFUSED] and world.events[0]["reason"] == message


async def test_a_kill_that_was_believed_is_not_counted_again_by_a_late_reading(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.torn = True
    world.lifecycle.changed(RUNNING, ended(RUNNING, 137, reason=Reason.OOM))
    world.host.oom = 1
    world.lifecycle.read(Reading(time=1006.0, rows=[world.host.row()]))
    assert (
        world.told() == [EventType.START, EventType.OOM_KILL, EventType.EXIT] and world.counts.oom_kills == 1
    )


async def test_a_report_that_does_not_know_of_the_end_yet_changes_nothing(world: World) -> None:
    child = subprocess.Popen(["sleep", "60"])
    own = msgspec.structs.replace(
        RUNNING, container=msgspec.structs.replace(RUNNING.container, engine="deckwatch")
    )
    running = with_pid(own, child.pid)
    world.lifecycle.changed(None, running)
    world.host.oom = 1
    child.kill()
    async with asyncio.timeout(5):
        while not world.finals:
            await asyncio.sleep(0.002)
    child.wait()
    stale = msgspec.structs.replace(running, pid=0, pid_start=0)
    world.lifecycle.changed(running, stale)
    assert world.lifecycle.containers(dead=True)[0].state is State.EXITED
    world.lifecycle.changed(stale, ended(own, 137, reason=Reason.OOM))
    assert world.told() == [EventType.START, EventType.OOM_KILL, EventType.EXIT]
    assert world.counts.oom_kills == 1 and len(world.finals) == 1 and world.missed == 0


def own(run: int, started_at: float, **more: Any) -> Entry:
    """Run `run` of a workload of our own."""
    container = msgspec.structs.replace(
        RUNNING.container, engine="deckwatch", workload="web", run=run, started_at=started_at, **more
    )
    return msgspec.structs.replace(RUNNING, container=container)


async def test_runs_too_fast_to_be_seen_alive_are_told_with_their_numbers(world: World) -> None:
    world.lifecycle.changed(None, own(1, 1000.0))
    first = ended(own(1, 1000.0), 3, at=1001.0)
    second = ended(own(2, 1002.0), 3, at=1003.0)
    world.lifecycle.changed(own(1, 1000.0), first)
    world.lifecycle.changed(first, second)
    world.lifecycle.changed(second, own(3, 1004.0))
    assert [(event["type"], event["run"]) for event in world.events if event["type"] != EventType.RESTART] == [
        (EventType.START, 1), (EventType.EXIT, 1), (EventType.START, 2), (EventType.EXIT, 2), (EventType.START, 3),
    ]  # fmt: skip
    assert world.counts.exits == {Reason.ERROR: 2} and [run for run, _ in world.counts.runs] == [1, 2, 3]


async def test_the_run_before_is_not_told_again_to_an_agent_that_comes_back(world: World) -> None:
    world.lifecycle.changed(None, own(1, 1000.0))
    first, second = ended(own(1, 1000.0), 3, at=1001.0), own(2, 1002.0)
    world.lifecycle.changed(own(1, 1000.0), first)
    world.lifecycle.changed(first, second)
    world.restart_agent()
    world.lifecycle.changed(None, first)
    world.lifecycle.changed(first, second)
    assert world.events == [] and world.counts.restarts == 1


async def test_a_kill_in_the_kernels_log_is_told_at_once_with_its_process(world: World) -> None:
    kill = OomKill(1000.5, 7, "python3", f"{ID}/init", ID, "memcg", 0, 4096, 0, 0, 0)
    world.lifecycle.changed(None, RUNNING)
    world.host.oom = 1
    world.lifecycle.killed(kill)
    assert world.told() == [EventType.START, EventType.OOM_KILL]
    assert world.events[1]["process"]["name"] == "python3" and world.events[1]["time"] == 1000.5
    world.lifecycle.read(Reading(time=1002.0, rows=[world.host.row()]))
    assert len(world.events) == 2 and world.counts.oom_kills == 1


async def test_a_kill_told_already_does_not_lend_its_process_to_the_next(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.oom = 1
    world.lifecycle.read(Reading(time=1001.0, rows=[world.host.row()]))
    world.lifecycle.killed(OomKill(1000.5, 7, "first", ID, ID, "memcg", 0, 0, 0, 0, 0))
    world.host.oom = 2
    world.lifecycle.read(Reading(time=1002.0, rows=[world.host.row()]))
    assert [event["process"] for event in world.events[1:]] == [None, None]


async def test_kills_of_a_whole_group_make_no_flood(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    world.host.oom = 500
    world.lifecycle.read(Reading(time=1001.0, rows=[world.host.row()]))
    assert len(world.events) < 30 and world.counts.oom_kills == 500


def as_role(role: Role, **more: Any) -> Entry:
    container = msgspec.structs.replace(RUNNING.container, role=role, engine_id="", **more)
    return msgspec.structs.replace(RUNNING, container=container)


@pytest.mark.parametrize("role", [Role.POD, Role.SANDBOX, Role.SLICE])
async def test_what_only_surrounds_containers_is_read_to_its_end_without_a_word(
    world: World, role: Role
) -> None:
    around = as_role(role, namespace="shop", pod="web-1", name="")
    world.lifecycle.changed(None, around)
    assert world.host.added == {ID: f'id="{ID}"'}
    world.host.oom = 2
    world.lifecycle.read(Reading(time=101.0, rows=[world.host.row()], durations={}, errors={}, vanished=0))
    world.lifecycle.changed(around, None)
    assert world.host.added == {} and [row.final for row in world.finals] == [True]
    assert world.told() == [] and world.counters.known() == []
    assert world.lifecycle.census() == {("docker", role.value, "exited"): 1}


async def test_a_service_that_starts_again_has_restarted(world: World) -> None:
    first = as_role(Role.SERVICE, engine="systemd")
    world.lifecycle.changed(None, first)
    world.lifecycle.changed(first, None)
    again = as_role(Role.SERVICE, engine="systemd", started_at=1010.0)
    world.lifecycle.changed(None, again)
    assert world.told() == [EventType.START, EventType.EXIT, EventType.START, EventType.RESTART]
    assert world.counts.restarts == 1


async def test_a_container_that_proves_to_be_a_sandbox_has_not_ended(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    sandbox = msgspec.structs.replace(
        RUNNING, container=msgspec.structs.replace(RUNNING.container, role=Role.SANDBOX)
    )
    world.lifecycle.changed(RUNNING, sandbox)
    assert world.told() == [EventType.START] and world.counters.known() == []
    assert world.host.added == {ID: f'id="{ID}"'}


async def test_a_run_that_only_the_kernel_saw_end_is_told_before_the_next(world: World) -> None:
    child = subprocess.Popen(["sleep", "60"])
    running = with_pid(RUNNING, child.pid)
    world.lifecycle.changed(None, running)
    child.kill()
    async with asyncio.timeout(5):
        while not world.finals:
            await asyncio.sleep(0.002)
    again = msgspec.structs.replace(
        RUNNING, container=msgspec.structs.replace(RUNNING.container, started_at=1010.0)
    )
    world.lifecycle.changed(running, again)
    child.wait()
    assert world.told() == [EventType.START, EventType.EXIT, EventType.START, EventType.RESTART]
    assert [event["run"] for event in world.events] == [1, 1, 2, 2]
    assert world.counts.restarts == 1 and sum(world.counts.exits.values()) == 1


async def test_counters_follow_a_container_whose_pod_becomes_known(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    exited = ended(RUNNING, 3)
    world.lifecycle.changed(RUNNING, exited)
    named = msgspec.structs.replace(
        exited,
        container=msgspec.structs.replace(exited.container, namespace="shop", pod="web-1", container="app"),
    )
    world.lifecycle.changed(exited, named)
    assert world.counters.known() == [key_of(named.container)]
    assert world.counters.counts(key_of(named.container)).exits == {Reason.ERROR: 1}
    assert world.told() == [EventType.START, EventType.EXIT]


async def test_a_name_that_others_have_too_keeps_its_counters(world: World) -> None:
    world.lifecycle.changed(None, RUNNING)
    twin = msgspec.structs.replace(
        RUNNING, container=msgspec.structs.replace(RUNNING.container, id="/docker/def", engine_id="def")
    )
    world.lifecycle.changed(None, twin)
    renamed = msgspec.structs.replace(twin, container=msgspec.structs.replace(twin.container, name="other"))
    world.lifecycle.changed(twin, renamed)
    assert set(world.counters.known()) == {key_of(RUNNING.container), key_of(renamed.container)}


def attempt(number: int, state: State = State.RUNNING) -> Entry:
    """A container of a pod, made anew for each attempt."""
    at = 1000.0 + 10 * number
    container = Container(
        id=f"/pod/{number}", name=f"c{number}", engine="containerd", engine_id=f"c{number}", state=state,
        created_at=at, started_at=None if state is State.CREATED else at, pod="web", namespace="shop", container="main",
    )  # fmt: skip
    return Entry(container=container)


async def test_the_state_of_a_pods_container_is_that_of_its_newest_attempt(world: World) -> None:
    world.host.there = {"/pod/0", "/pod/1"}
    first, second = attempt(0), attempt(1)
    state = lambda: world.counters.counts(key_of(first.container)).state  # noqa: E731
    world.lifecycle.changed(None, first)
    world.lifecycle.changed(first, ended(first, 1))
    world.lifecycle.changed(None, attempt(1, State.CREATED))
    assert state() == State.CREATED
    world.lifecycle.changed(attempt(1, State.CREATED), second)
    assert state() == State.RUNNING
    relabelled = msgspec.structs.replace(ended(first, 1), annotations={"a": "b"})
    world.lifecycle.changed(ended(first, 1), relabelled)
    assert state() == State.RUNNING
    world.lifecycle.changed(relabelled, None)
    assert state() == State.RUNNING
    world.lifecycle.changed(second, None)
    assert state() == State.EXITED


async def test_an_attempt_that_came_and_went_while_away_is_a_restart(world: World) -> None:
    world.host.there = {"/pod/0"}
    first, second = attempt(0), attempt(1)
    world.lifecycle.changed(None, first)
    world.restart_agent(away=100)
    world.lifecycle.changed(None, ended(first, 1))
    world.lifecycle.changed(None, ended(second, 1, at=1015.0))
    assert world.told() == [EventType.EXIT, EventType.START, EventType.RESTART, EventType.EXIT]
    assert world.counters.counts(key_of(first.container)).restarts == 1


async def test_an_attempt_before_the_last_one_told_of_is_not_told_again(world: World) -> None:
    world.host.there = {"/pod/0", "/pod/1"}
    first, second = attempt(0), attempt(1)
    world.lifecycle.changed(None, first)
    world.lifecycle.changed(first, ended(first, 1))
    world.lifecycle.changed(None, second)
    # It was killed: what it noted last of its own life is from before the first attempt's end.
    world.restart_agent()
    world.lifecycle.changed(None, ended(first, 1))
    world.lifecycle.changed(None, second)
    assert world.told() == []


async def test_a_line_that_comes_while_its_kill_is_told_neither_counts_twice_nor_gets_lost(
    tmp_path: pathlib.Path,
) -> None:
    world = World(tmp_path)
    lines = [OomKill(1000.5, 7, "python3", ID, ID, "memcg", 0, 0, 0, 0, 0)]
    world.lifecycle._victims = Victims(lambda: world.lifecycle.killed(lines.pop()) if lines else None)
    world.lifecycle.changed(None, RUNNING)
    world.host.oom = 1
    world.lifecycle.read(Reading(time=1001.0, rows=[world.host.row()]))
    assert [event["process"]["pid"] for event in world.events[1:]] == [7]
    assert world.counts.oom_kills == 1 and world.counts.seen.oom_kills == 1


@pytest.mark.parametrize("started_at", [None, 1000.0])
async def test_a_run_so_short_that_it_was_only_seen_made_and_ended_is_told_whole(
    world: World, started_at: float | None
) -> None:
    made = msgspec.structs.replace(
        RUNNING,
        container=msgspec.structs.replace(RUNNING.container, state=State.CREATED, started_at=started_at),
    )
    world.lifecycle.changed(None, made)
    world.lifecycle.changed(made, ended(RUNNING, 3))
    assert world.told() == [EventType.START, EventType.EXIT] and world.counts.exits["error"] == 1
    assert world.counts.runs == [(1, 1000.0)]
