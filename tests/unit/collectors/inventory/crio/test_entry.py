"""What CRI-O writes into bundles and beside them is made into one entry, whatever is missing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from collectors.inventory.crio.entry import Look, course_of, entry_of, look_at
from collectors.inventory.pods import Pod
from collectors.inventory.storage.conmon import Exit
from collectors.inventory.storage.lists import containers
from collectors.model import Entry, LogSource, Network, Reason, Role, State
from tests.unit.collectors.inventory.tree import BEGAN, CREATED_AT, Tree, id_of

STARTED = "2026-01-01T00:00:10.25Z"
STARTED_AT = 1767225610.25
FINISHED = "2026-01-01T00:00:12.5Z"
CGROUP = "/kubepods.slice/kubepods-pod17.slice/crio-{}.scope"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def looked(tree: Tree, id: str) -> Look:
    (stored,) = (one for one in containers(tree.root, tree.run) if one.id == id)
    return look_at(stored, tree.hierarchies)


def found(
    tree: Tree, id: str, sandbox: str = "", end: Exit | None = None, last: Entry | None = None
) -> Entry:
    """The entry of a container whose course is known."""
    look = looked(tree, id)
    course = course_of(look, end)
    assert course is not None
    return entry_of(look, course, looked(tree, sandbox) if sandbox else None, last)


def pod(tree: Tree) -> tuple[str, str]:
    """A sandbox and a container of one pod; both run."""
    sandbox = tree.crio(
        "web", "web", labels={"app": "web", "io.kubernetes.container.name": "POD"}, Annotations='{"prometheus.io/scrape": "true"}',
        KubeName="web", Namespace="shop", **{"IP.0": "10.85.0.4", "IP.1": "fd00::4"},
    )  # fmt: skip
    container = tree.crio(
        "app", "web", labels={"io.kubernetes.container.name": "app"}, LogPath="/var/log/pods/x/app/2.log",
        Annotations='{"io.kubernetes.container.restartCount": "2"}',
    )  # fmt: skip
    for pid, id in ((41, sandbox), (42, container)):
        tree.state(id, "running", started=STARTED, pid=pid, initPid=pid)
        tree.process(pid, 1, CGROUP.format(id))
    return sandbox, container


def test_a_container_of_a_pod_is_told_whole(tree: Tree) -> None:
    sandbox, id = pod(tree)
    entry = found(tree, id, sandbox)
    container = entry.container
    assert (container.name, container.engine_id, container.engine) == (id, id, "crio")
    assert (container.namespace, container.pod, container.container) == ("shop", "web", "app")
    assert (container.image, container.state, container.started_at) == (
        "quay.io/i:1",
        State.RUNNING,
        STARTED_AT,
    )
    assert container.created_at == CREATED_AT
    assert (container.restarts, container.role, container.id) == (2, Role.CONTAINER, CGROUP.format(id))
    assert container.labels["app"] == "web" and container.labels["io.kubernetes.container.name"] == "app"
    assert (entry.pid, entry.pid_start, entry.pod_uid) == (42, 4711, "u17")
    assert (entry.network, entry.addresses) == (Network.FOLLOWER, ("10.85.0.4", "fd00::4"))
    assert entry.log == LogSource(path="/var/log/pods/x/app/2.log", format="cri")


def test_a_sandbox_owns_the_network_and_tells_the_pod(tree: Tree) -> None:
    sandbox, _ = pod(tree)
    entry = found(tree, sandbox)
    container = entry.container
    assert (container.role, container.container, container.pod) == (Role.SANDBOX, "", "web")
    assert (entry.network, entry.addresses, entry.log) == (Network.OWNER, ("10.85.0.4", "fd00::4"), None)
    told = looked(tree, sandbox).pod
    assert (told.uid, told.namespace, told.name) == ("u17", "shop", "web")
    assert (told.labels["app"], told.annotations) == ("web", {"prometheus.io/scrape": "true"})
    assert "io.kubernetes.container.name" not in told.labels


def test_a_pod_in_the_hosts_network_has_none_of_its_own(tree: Tree) -> None:
    sandbox = tree.crio("host", "host", labels={}, HostNetwork="true")
    id = tree.crio("app", "host", labels={})
    for one in (sandbox, id):
        tree.state(one, "running", started=STARTED)
    tree.process(42, 1, CGROUP.format(id))
    tree.state(id, "running", started=STARTED, pid=42)
    for entry in (found(tree, sandbox), found(tree, id, sandbox)):
        assert (entry.network, entry.addresses) == (Network.HOST, ())


def test_a_container_whose_sandbox_is_not_known_has_its_own_word_of_the_pod(tree: Tree) -> None:
    _, id = pod(tree)
    entry = found(tree, id)
    assert (entry.container.namespace, entry.container.pod, entry.pod_uid) == ("shop", "web", "u17")
    assert (entry.network, entry.addresses) == (Network.FOLLOWER, ())


@pytest.mark.parametrize(
    ("state", "course"),
    [
        ({"status": "created"}, (State.CREATED, None, None)),
        ({"status": "stopped", "started": STARTED, "finished": FINISHED, "exitCode": 0}, (State.EXITED, 0, Reason.COMPLETED)),
        ({"status": "stopped", "started": STARTED, "finished": FINISHED, "exitCode": 3}, (State.EXITED, 3, Reason.ERROR)),
        (
            {"status": "stopped", "started": STARTED, "finished": FINISHED, "exitCode": 137, "oomKilled": True},
            (State.EXITED, 137, Reason.OOM),
        ),
        ({"status": "stopped", "started": STARTED}, (State.EXITED, None, Reason.UNKNOWN)),
        ({"status": "stopped", "started": "0001-01-01T00:00:00Z", "exitCode": 128}, (State.EXITED, 128, Reason.START_FAILED)),
    ],
)  # fmt: skip
def test_how_far_it_has_come_by_cri_os_word(
    tree: Tree, state: dict[str, object], course: tuple[object, ...]
) -> None:
    id = tree.crio("app", "web", labels={})
    tree.state(id, **state)  # type: ignore[arg-type]
    container = found(tree, id).container
    assert (container.state, container.exit_code, container.reason) == course
    assert container.finished_at == (1767225612.5 if "finished" in state else None)


def test_without_a_state_it_was_only_created(tree: Tree) -> None:
    entry = found(tree, tree.crio("app", "web", labels={}))
    assert (entry.container.state, entry.container.id, entry.pid) == (State.CREATED, "", 0)


def test_an_end_is_told_though_cri_o_is_away(tree: Tree) -> None:
    _, id = pod(tree)
    last = found(tree, id)
    tree.gone(42)
    container = found(tree, id, end=Exit(STARTED_AT + 5, 4), last=last).container
    assert (container.state, container.exit_code, container.finished_at) == (State.EXITED, 4, STARTED_AT + 5)
    assert container.id == CGROUP.format(id)
    tree.put(f"{tree.directory(id)}/exit", "5", STARTED_AT + 6)
    assert found(tree, id).container.exit_code == 5
    assert found(tree, id, end=Exit(STARTED_AT + 5, None)).container.exit_code == 5
    os.unlink(f"{tree.directory(id)}/exit")
    # conmon may still be about to note it.
    tree.conmon(id, BEGAN)
    assert course_of(looked(tree, id), None) is None
    tree.gone(900)
    assert found(tree, id).container.reason is Reason.UNKNOWN


def test_a_sandbox_may_stand_without_a_process(tree: Tree) -> None:
    sandbox, _ = pod(tree)
    tree.gone(41)
    entry = found(tree, sandbox)
    assert (entry.container.state, entry.container.id, entry.pid) == (State.RUNNING, "", 0)


def test_a_pid_of_another_process_is_not_its_own(tree: Tree) -> None:
    _, id = pod(tree)
    tree.process(42, 1, CGROUP.format(id_of("other")))
    assert found(tree, id).container.state is State.EXITED


def test_annotations_of_another_shape_tell_nothing(tree: Tree) -> None:
    id = tree.crio(
        "app",
        "web",
        labels={},
        Labels="[1]",
        Annotations="{",
        Metadata='{"attempt": "x"}',
        LogPath="relative",
    )
    tree.state(id, "created")
    entry = found(tree, id)
    container = entry.container
    assert (container.labels, entry.annotations, container.restarts, entry.log) == ({}, {}, 0, None)
    assert (container.container, container.pod) == ("app", "k8s_web_shop_u17_0")
    tree.put(f"{tree.directory(id)}/config.json", json.dumps([1]))
    assert found(tree, id).container.container == "app"
    assert looked(tree, id).pod == Pod(uid="", namespace="", name="k8s_web_shop_u17_0")
