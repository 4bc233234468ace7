"""Containers of no pod in the inventory's words, and what names containers."""

from __future__ import annotations

import pytest

from collectors.inventory.bundle import Process, Spec, spec_of
from collectors.inventory.containerd.entry import Facts, Ref, plain_entry, run_of
from collectors.inventory.cri.entry import Run, Sandbox
from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.inventory.grpc.containerd_v1 import Timestamp
from collectors.model import Container, Entry, Limits, Network, Reason, State
from tests.unit.collectors.inventory.containerdengine import MAIN, PLAIN, SANDBOX, config, pod_config

RUNNING = Run(State.RUNNING, 10.0)


def test_ids_that_somebody_chose_are_told_apart_by_namespace() -> None:
    assert Ref("default", "web").key == "default/web"
    assert Ref("other", "web").key == "other/web"
    assert Ref("k8s.io", "a" * 64).key == "a" * 64
    assert Ref("default", "a" * 63).key == "default/" + "a" * 63


def test_what_annotations_tell_of_a_pod() -> None:
    sandbox, main, plain = (
        Facts(spec=spec_of(spec)) for spec in (pod_config(SANDBOX), pod_config(MAIN), config(PLAIN))
    )
    assert (sandbox.is_sandbox, sandbox.is_pod_container, sandbox.sandbox_id) == (True, False, SANDBOX.id)
    assert (main.is_sandbox, main.is_pod_container, main.sandbox_id) == (False, True, SANDBOX.id)
    assert (plain.is_sandbox, plain.is_pod_container, plain.sandbox_id) == (False, False, "")
    assert main.sandbox == Sandbox(id=SANDBOX.id, uid="u1", namespace="shop", name="web")


@pytest.mark.parametrize(
    ("task", "run"),
    [
        (Task(status=containerd_v1.CREATED, pid=5), Run(State.CREATED)),
        (Task(status=containerd_v1.RUNNING, pid=5), Run(State.RUNNING, 1.0)),
        (Task(status=containerd_v1.PAUSING, pid=5), Run(State.RUNNING, 1.0)),
        (Task(status=containerd_v1.PAUSED, pid=5), Run(State.PAUSED, 1.0)),
        (
            Task(status=containerd_v1.STOPPED, exit_status=3, exited_at=Timestamp(9)),
            Run(State.EXITED, 1.0, 9.0, 3, Reason.ERROR),
        ),
        (
            Task(status=containerd_v1.STOPPED, exit_status=137, exited_at=Timestamp(9)),
            Run(State.EXITED, 1.0, 9.0, 137, Reason.SIGNAL),
        ),
        (Task(status=containerd_v1.STOPPED), Run(State.EXITED, 1.0)),
    ],
)
def test_the_run_of_a_task(task: Task, run: Run) -> None:
    assert run_of(task, 1.0) == run


def test_a_container_is_told_whole() -> None:
    spec = Spec(
        annotations={"a": "b"}, cgroup="/default/web", network=Network.OWNER, limits=Limits(memory=1 << 20)
    )
    facts = Facts(spec=spec, labels={"team": "x"}, image="reg/web:1", created_at=9.0)
    assert plain_entry(PLAIN, facts, RUNNING, Process(17, 99, "/default/web")) == Entry(
        container=Container(
            id="/default/web",
            name="web",
            engine="containerd",
            engine_id="default/web",
            image="reg/web:1",
            state=State.RUNNING,
            created_at=9.0,
            started_at=10.0,
            labels={"team": "x"},
            limits=Limits(memory=1 << 20),
        ),
        pid=17,
        pid_start=99,
        network=Network.OWNER,
        annotations={"a": "b"},
    )


def test_before_it_runs_it_has_no_network_and_no_cgroup() -> None:
    facts = Facts(spec=Spec(cgroup="/default/web", network=Network.HOST))
    entry = plain_entry(PLAIN, facts, Run(State.CREATED), Process())
    assert (entry.network, entry.container.id) == (Network.NONE, "")


def test_nerdctl_gives_names() -> None:
    by_label = Facts(labels={"nerdctl/name": "blog"})
    by_annotation = Facts(spec=Spec(annotations={"nerdctl/name": "blog"}))
    for facts in (by_label, by_annotation):
        entry = plain_entry(MAIN, facts, RUNNING, Process())
        assert (entry.container.name, entry.container.engine_id) == ("blog", MAIN.id)


def test_an_end_is_told_with_its_signal() -> None:
    over = Run(State.EXITED, 1.0, 2.0, 143, Reason.SIGNAL)
    container = plain_entry(PLAIN, Facts(), over, Process()).container
    assert (container.exit_code, container.signal, container.finished_at) == (143, 15, 2.0)
