"""Docker's words become the inventory's, whatever is missing in them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from collectors.inventory.docker.api import DockerEvent, Inspect, RunState, Summary
from collectors.inventory.docker.entry import (
    cgroup_id,
    ended,
    entry_of,
    entry_of_event,
    entry_of_summary,
    process_of,
    reason_of,
    seconds,
    signal_of,
    started,
    state_of,
)
from collectors.model import Entry, Health, Limits, LogSource, Network, Reason, State
from runtime.linux.hierarchies import Hierarchies, Hierarchy, detect
from runtime.linux.process import start_time

ID = "ab" * 32
BEGAN = "2026-11-24T03:47:57.37290441Z"


def told(state: dict[str, object] | None = None, **parts: object) -> Inspect:
    """An answer as the engine would give it; `state` and other parts are its own keys."""
    body = {
        "Id": ID,
        "Name": "/web",
        "State": {"Status": "running", "StartedAt": BEGAN, **(state or {})},
        **parts,
    }
    return msgspec.json.decode(msgspec.json.encode(body), type=Inspect)


def entry(answer: Inspect, last: Entry | None = None) -> Entry:
    return entry_of(answer, process_of(answer, detect()), last=last, began=seconds(answer.state.started_at))


def test_the_id_and_start_come_from_the_own_process() -> None:
    found = entry(told({"Pid": os.getpid()}))
    hierarchies = detect()
    assert found.container.id == hierarchies.id_of(hierarchies.paths_of_pid(os.getpid()))
    assert (found.pid, found.pid_start) == (os.getpid(), start_time(os.getpid()))


def test_a_process_that_is_gone_leaves_the_last_known_id() -> None:
    last = entry(told({"Pid": os.getpid()}))
    gone = entry(told({"Pid": 2**22 + 1}), last)
    assert (gone.pid, gone.pid_start, gone.container.id) == (0, 0, last.container.id)
    assert entry(told({"Pid": 2**22 + 1})).container.id == ""


@pytest.mark.parametrize(
    ("path", "id"),
    [
        (f"/docker/{ID}", f"/docker/{ID}"),
        (f"/docker/{ID}/init.scope", f"/docker/{ID}"),
        (f"/system.slice/docker-{ID}.scope/supervised/x", f"/system.slice/docker-{ID}.scope"),
        (f"/deep/own/parent/{ID}", f"/deep/own/parent/{ID}"),
        ("/renamed", "/renamed"),
    ],
)
def test_a_process_below_its_container_still_means_the_container(tmp_path: Path, path: str, id: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text(f"0::{path}\n")
    tree = Hierarchies({}, Hierarchy(2, frozenset(), "/nowhere"), proc=str(tmp_path))
    assert cgroup_id(tree, 7, ID) == id
    assert cgroup_id(tree, 8, ID) == ""


def test_everything_a_user_sees_is_taken_over() -> None:
    found = entry(
        told(
            {"Health": {"Status": "unhealthy"}},
            RestartCount=3,
            LogPath="/l/x-json.log",
            Config={"Image": "nginx:1", "Labels": {"a": 'b"\n'}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "443/tcp": {}}},
            HostConfig={
                "NetworkMode": "default", "LogConfig": {"Type": "json-file"}, "NanoCpus": 1500000000,
                "Memory": 1 << 20, "MemorySwap": 3 << 20, "PidsLimit": 64,
            },
            NetworkSettings={"Networks": {
                "b": {"IPAddress": "10.0.0.2", "GlobalIPv6Address": "fd00::2"}, "a": {"IPAddress": "10.1.0.2"}, "n": None,
            }},
        )
    )  # fmt: skip
    container = found.container
    assert (container.name, container.image, container.engine, container.engine_id) == (
        "web",
        "nginx:1",
        "docker",
        ID,
    )
    assert (container.health, container.restarts) == (Health.UNHEALTHY, 3)
    assert container.started_at == pytest.approx(1795492077.37290441, abs=1e-6)
    assert container.labels == {"a": 'b"\n'}
    assert container.limits == Limits(cpus=1.5, memory=1 << 20, swap=2 << 20, pids=64)
    assert found.log == LogSource(path="/l/x-json.log", format="docker_json")
    assert found.addresses == ("10.1.0.2", "10.0.0.2", "fd00::2")
    assert found.ports == (80, 443)


def test_null_and_missing_parts_are_nothing() -> None:
    found = entry(
        told(
            Config={"Labels": None, "ExposedPorts": None},
            HostConfig={"NanoCpus": None, "Memory": 0, "MemorySwap": -1, "PidsLimit": -1, "LogConfig": {"Type": "journald"}},
            NetworkSettings=None,
        )
    )  # fmt: skip
    assert found.container.limits == Limits()
    assert found.container.labels == {}
    assert (found.log, found.addresses, found.ports) == (None, (), ())


@pytest.mark.parametrize(
    ("mode", "network"),
    [
        ("default", Network.OWNER),
        ("own-bridge", Network.OWNER),
        ("none", Network.OWNER),
        ("host", Network.HOST),
        (f"container:{ID}", Network.FOLLOWER),
    ],
)
def test_who_owns_the_network_namespace(mode: str, network: Network) -> None:
    settings = {"Networks": {"x": {"IPAddress": "10.0.0.2"}}}
    found = entry(told(HostConfig={"NetworkMode": mode}, NetworkSettings=settings))
    assert found.network is network
    assert bool(found.addresses) == (network is Network.OWNER)


def test_a_quota_is_cores_of_its_period() -> None:
    assert entry(told(HostConfig={"CpuQuota": 25000, "CpuPeriod": 50000})).container.limits.cpus == 0.5
    assert entry(told(HostConfig={"CpuQuota": 25000})).container.limits.cpus == 0.25
    assert entry(told(HostConfig={"CpuQuota": -1})).container.limits.cpus is None


def test_a_pod_is_told_by_the_kubelets_labels_and_its_sandbox_has_no_container() -> None:
    labels = {
        "io.kubernetes.pod.namespace": "default",
        "io.kubernetes.pod.name": "web-0",
        "io.kubernetes.container.name": "app",
        "annotation.prometheus.io/scrape": "true",
    }
    found = entry(told(Config={"Labels": labels}))
    assert (found.container.namespace, found.container.pod, found.container.container) == (
        "default",
        "web-0",
        "app",
    )
    assert found.annotations == {"prometheus.io/scrape": "true"}
    sandbox = entry(told(Config={"Labels": labels | {"io.kubernetes.container.name": "POD"}}))
    assert sandbox.container.container == ""


def test_only_what_ended_has_an_exit_code() -> None:
    end = {"FinishedAt": "2026-11-24T03:48:00Z", "ExitCode": 0}
    running, exited, restarting = (
        entry(told({"Status": s, **end})).container for s in ("running", "exited", "restarting")
    )
    assert (running.exit_code, running.finished_at, running.reason) == (None, None, None)
    assert (exited.exit_code, exited.finished_at, exited.reason) == (0, 1795492080.0, Reason.COMPLETED)
    assert (restarting.state, restarting.exit_code) == (State.RESTARTING, 0)


def test_a_container_that_could_not_start_says_so() -> None:
    never = "0001-01-01T00:00:00Z"
    failed = told(
        {
            "Status": "created",
            "StartedAt": never,
            "FinishedAt": never,
            "ExitCode": 127,
            "Error": "no such file",
        }
    )
    container = entry(failed).container
    assert (container.state, container.reason, container.exit_code) == (
        State.EXITED,
        Reason.START_FAILED,
        127,
    )
    assert container.started_at is None and container.finished_at is None
    fresh = entry(told({"Status": "created", "StartedAt": never})).container
    assert (fresh.state, fresh.exit_code, fresh.reason) == (State.CREATED, None, None)


@pytest.mark.parametrize(
    ("code", "stopped", "oom", "reason", "number"),
    [
        (0, False, False, Reason.COMPLETED, None),
        (0, True, False, Reason.STOPPED, None),
        (1, False, False, Reason.ERROR, None),
        (137, False, False, Reason.SIGNAL, 9),
        (137, False, True, Reason.OOM, 9),
        (137, True, True, Reason.STOPPED, 9),
        (1, False, True, Reason.ERROR, None),
        (143, False, False, Reason.SIGNAL, 15),
        (255, False, False, Reason.ERROR, None),
        (128, False, False, Reason.ERROR, None),
        (None, True, False, None, None),
    ],
)
def test_reasons(
    code: int | None, stopped: bool, oom: bool, reason: Reason | None, number: int | None
) -> None:
    state = RunState(oom_killed=oom, started_at=BEGAN)
    assert reason_of(code, stopped=stopped, state=state) is reason
    assert signal_of(code) == number


def test_each_status_word_is_a_state() -> None:
    words = ("created", "running", "paused", "restarting", "removing", "exited", "dead", "unheard-of")
    assert [state_of(word) for word in words] == [
        State.CREATED, State.RUNNING, State.PAUSED, State.RESTARTING, *(State.EXITED,) * 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("0001-01-01T00:00:00Z", None),
        ("2026-11-24T03:48:00Z", 1795492080.0),
        ("2026-11-24T04:48:00.5+01:00", 1795492080.5),
        ("2026-11-24T03:48:00.123456789Z", 1795492080.123456789),
    ],
)
def test_times(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_a_run_that_nobody_saw_is_taken_apart_again() -> None:
    last = entry(told({"Pid": os.getpid()}))
    over = ended(last, 50.0, 137, stopped=False)
    assert (over.container.state, over.container.signal, over.container.reason) == (
        State.EXITED, signal.SIGKILL, Reason.SIGNAL,
    )  # fmt: skip
    assert (over.pid, over.container.finished_at, over.container.id) == (0, 50.0, last.container.id)
    unseen = ended(last, None, None, stopped=False).container
    assert (unseen.exit_code, unseen.reason) == (None, Reason.UNKNOWN)
    again = started(over, 60.0)
    assert (again.container.state, again.container.started_at, again.container.exit_code) == (
        State.RUNNING,
        60.0,
        None,
    )


def test_a_line_of_the_list_and_an_event_tell_little_but_name_and_labels() -> None:
    line = Summary(id=ID, names=["/web"], image="nginx", labels={"a": "b"}, state="running")
    found = entry_of_summary(line).container
    assert (found.name, found.image, found.state, found.labels) == ("web", "nginx", State.RUNNING, {"a": "b"})
    event = msgspec.json.decode(
        b'{"Type":"container","Action":"die","Actor":{"ID":"%b","Attributes":'
        b'{"name":"web","image":"nginx","exitCode":"3","a":"b"}},"timeNano":1}' % ID.encode(),
        type=DockerEvent,
    )
    found = entry_of_event(event).container
    assert (found.name, found.image, found.engine_id, found.labels) == ("web", "nginx", ID, {"a": "b"})


def test_each_log_driver_that_writes_files_has_its_format() -> None:
    local = told(LogPath="/l/container.log", HostConfig={"LogConfig": {"Type": "local"}})
    assert entry(local).log == LogSource(path="/l/container.log", format="docker_local")
    unknown = told(LogPath="", HostConfig={"LogConfig": {"Type": "local"}})
    assert entry(unknown).log is None
