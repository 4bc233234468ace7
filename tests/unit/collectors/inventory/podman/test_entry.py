"""Files, processes and Podman's word are made into one entry, whichever of them is missing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from collectors.inventory.podman.entry import Course, Look, course_of, entry_of, look_at
from collectors.inventory.podman.facts import Known
from collectors.inventory.storage.conmon import Exit
from collectors.inventory.storage.lists import containers
from collectors.model import Entry, Health, Limits, LogSource, Network, Reason, Role, State
from tests.unit.collectors.inventory.tree import BEGAN, CREATED_AT, Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def looked(tree: Tree, id: str) -> Look:
    (stored,) = (one for one in containers(tree.root, tree.run) if one.id == id)
    return look_at(stored, tree.hierarchies)


def found(
    tree: Tree, id: str, known: Known | None = None, end: Exit | None = None, last: Entry | None = None
) -> Entry:
    """The entry of a container whose course is known."""
    look = looked(tree, id)
    course = course_of(look, known, end, last)
    assert course is not None
    return entry_of(look, course, known, last)


def test_a_running_container_is_told_whole(tree: Tree) -> None:
    id = tree.create("web")
    resources = {
        "memory": {"limit": 64 << 20, "swap": 96 << 20}, "cpu": {"quota": 50000, "period": 100000}, "pids": {"limit": 50},
    }  # fmt: skip
    linux = {"namespaces": [{"type": "network", "path": "/run/netns/x"}], "resources": resources}
    tree.start(id, 41, linux=linux, annotations={"io.podman.annotations.init": "FALSE", "mine": "yes"})
    net = f"{tree.proc}/41/net"
    os.mkdir(net)
    tree.put(f"{net}/fib_trie", "|-- 10.88.0.4\n /32 host LOCAL\n")
    entry = found(tree, id, Known(labels={"team": "a"}, ports=(80,), restarts=2))
    container = entry.container
    assert (container.id, container.engine_id, container.name) == (tree.cgroup(id), id, "web")
    assert (container.engine, container.image, container.state) == ("podman", "localhost/i:1", State.RUNNING)
    assert (container.created_at, container.started_at) == (CREATED_AT, BEGAN)
    assert (container.exit_code, container.reason) == (None, None)
    assert (container.labels, container.restarts, container.role) == ({"team": "a"}, 2, Role.CONTAINER)
    assert container.limits == Limits(cpus=0.5, memory=64 << 20, swap=32 << 20, pids=50)
    assert (entry.pid, entry.pid_start, entry.network) == (41, 4711, Network.OWNER)
    assert (entry.addresses, entry.ports, entry.annotations) == (("10.88.0.4",), (80,), {"mine": "yes"})
    assert entry.log == LogSource(path=f"{tree.directory(id)}/ctr.log", format="cri")


def test_one_that_was_only_created_has_no_cgroup(tree: Tree) -> None:
    entry = found(tree, tree.create("new"))
    assert (entry.container.state, entry.container.id, entry.pid, entry.log) == (State.CREATED, "", 0, None)


@pytest.mark.parametrize(
    ("network", "owner"),
    [("", Network.OWNER), ("/run/netns/x", Network.OWNER), ("/proc/41/ns/net", Network.FOLLOWER), (None, Network.HOST)],
)  # fmt: skip
def test_whose_network_it_sees(tree: Tree, network: str | None, owner: Network) -> None:
    id = tree.create("web")
    tree.start(id, 41, network=network)
    entry = found(tree, id)
    assert (entry.network, entry.addresses) == (owner, ())


def test_the_container_of_a_pods_namespaces_is_a_sandbox(tree: Tree) -> None:
    id = tree.create("infra")
    tree.start(id, 41)
    container = found(tree, id, Known(infra=True, pod_id="17", pod_name="shop")).container
    assert (container.role, container.pod) == (Role.SANDBOX, "")
    assert container.labels == {"io.podman.pod.id": "17", "io.podman.pod.name": "shop"}


def test_a_frozen_cgroup_is_a_paused_container(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    for frozen, state in ((True, State.PAUSED), (False, State.RUNNING)):
        tree.freeze(id, frozen)
        assert found(tree, id).container.state is state


def test_the_last_check_is_its_health(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    log = f"{os.path.dirname(tree.run_directory(id))}/healthcheck.log"
    for word, health in (("healthy", Health.HEALTHY), ("starting", Health.STARTING), ("?", Health.NONE)):
        tree.put(log, json.dumps({"Status": word, "FailingStreak": 0, "Log": []}))
        assert found(tree, id).container.health is health


@pytest.mark.parametrize(
    ("code", "known", "oom", "reason"),
    [
        (0, None, False, Reason.COMPLETED),
        (3, None, False, Reason.ERROR),
        (143, None, False, Reason.SIGNAL),
        (137, None, True, Reason.OOM),
        (3, None, True, Reason.ERROR),
        (137, Known(stopped=True), True, Reason.STOPPED),
        (0, Known(stopped=True), False, Reason.STOPPED),
    ],
)
def test_an_end_that_conmon_noted(
    tree: Tree, code: int, known: Known | None, oom: bool, reason: Reason
) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    last = found(tree, id)
    tree.end(id, 41, code, BEGAN + 5)
    if oom:
        tree.put(f"{tree.directory(id)}/oom", "")
    entry = found(tree, id, known, Exit(BEGAN + 5, code), last)
    container = entry.container
    assert (container.state, container.exit_code, container.reason) == (State.EXITED, code, reason)
    assert (container.started_at, container.finished_at) == (BEGAN, BEGAN + 5)
    assert container.signal == (code - 128 if code > 128 else None)
    assert (container.id, entry.pid, entry.log) == (tree.cgroup(id), 0, last.log)
    assert entry.stop_requested is bool(known)


def test_an_end_is_believed_before_the_kernel_has_buried_the_process(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    assert found(tree, id, end=Exit(BEGAN + 5, 1)).container.state is State.EXITED


def test_the_end_of_an_earlier_run_is_not_this_ones(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    assert found(tree, id, end=Exit(BEGAN - 5, 1)).container.state is State.RUNNING


def test_while_conmon_is_at_work_nothing_is_concluded(tree: Tree) -> None:
    id = tree.create("web")
    tree.configure(id)
    tree.conmon(id)
    assert course_of(looked(tree, id), None, None, None) is None
    tree.start(id, 41)
    tree.gone(41)
    assert course_of(looked(tree, id), None, None, None) is None


def test_an_end_that_nobody_noted_has_no_code_but_podmans(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    last = found(tree, id)
    tree.end(id, 41, None, BEGAN)
    os.utime(tree.directory(id), (BEGAN + 9, BEGAN + 9))
    os.utime(tree.run_directory(id), (BEGAN + 8, BEGAN + 8))
    container = found(tree, id, last=last).container
    assert (container.exit_code, container.reason) == (None, Reason.UNKNOWN)
    assert container.finished_at == BEGAN + 9
    known = Known(exit_code=4, finished_at=BEGAN + 7)
    container = found(tree, id, known, last=last).container
    assert (container.exit_code, container.finished_at) == (4, BEGAN + 7)
    assert found(tree, id, known, Exit(BEGAN + 6, None)).container.exit_code == 4


def test_a_start_that_fails_is_told_from_an_end(tree: Tree) -> None:
    id = tree.create("bad")
    created = found(tree, id)
    tree.configure(id)
    tree.conmon(id, alive=False)
    container = found(tree, id, last=created).container
    assert (container.state, container.reason) == (State.EXITED, Reason.START_FAILED)
    assert (container.started_at, container.finished_at) == (None, BEGAN)
    # Found so at first sight nobody can tell, unless Podman does.
    assert course_of(looked(tree, id), None, None, None) == Course(
        State.EXITED, BEGAN, looked(tree, id).left, None
    )
    assert found(tree, id, Known(begun=False)).container.reason is Reason.START_FAILED


def test_after_a_reboot_podman_tells_how_the_last_run_ended(tree: Tree) -> None:
    id = tree.create("web")
    tree.configure(id)
    # The same without a reboot is a container that is about to start for the first time.
    assert found(tree, id).container.state is State.CREATED
    os.rmdir(tree.run_directory(id))
    assert found(tree, id).container.state is State.EXITED
    container = found(tree, id, Known(exit_code=1, finished_at=BEGAN)).container
    assert (container.state, container.started_at, container.finished_at) == (State.EXITED, None, BEGAN)
    assert found(tree, id, Known(begun=False)).container.state is State.CREATED


def test_other_log_drivers_have_no_file_to_read(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    for log in ("journald", "none", "k8s-file:relative"):
        tree.conmon(id, log=log)
        assert found(tree, id).log is None


def test_a_damaged_bundle_hides_no_container(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    tree.put(f"{tree.directory(id)}/config.json", "{")
    entry = found(tree, id)
    assert (entry.container.state, entry.container.limits, entry.pid) == (State.RUNNING, Limits(), 41)


def test_while_it_is_removed_it_has_ended(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    last = found(tree, id)
    look = looked(tree, id)
    tree.remove(id)
    gone = look_at(look.stored, tree.hierarchies)
    assert course_of(gone, None, Exit(BEGAN + 5, 3), last) == Course(State.EXITED, BEGAN, BEGAN + 5, 3)
    assert course_of(gone, None, Exit(BEGAN - 5, 3), last) == Course(State.EXITED, BEGAN)
