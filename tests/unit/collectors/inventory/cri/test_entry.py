"""Containers and sandboxes of pods in the inventory's words."""

from __future__ import annotations

import pytest

from collectors.inventory.bundle import Process, Spec
from collectors.inventory.cri import entry as crientry
from collectors.inventory.cri.entry import Run, Sandbox, container_entry, run_of, sandbox_entry, sandbox_of
from collectors.inventory.grpc import runtime_v1
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, ImageSpec, PodSandboxStatus
from collectors.inventory.pods import Pod
from collectors.model import Container, Entry, Limits, LogSource, Network, Reason, Role, State

SECOND = 10**9
WEB = Sandbox(
    id="s1",
    uid="u1",
    namespace="shop",
    name="web",
    created_at=5.0,
    labels={"app": "web"},
    annotations={"prometheus.io/scrape": "true"},
    addresses=("10.0.0.7",),
)
STATUS = ContainerStatus(
    id="c1",
    metadata=runtime_v1.ContainerMetadata("main", 2),
    state=runtime_v1.RUNNING,
    created_at=9 * SECOND,
    started_at=10 * SECOND,
    image=ImageSpec("reg/web:1"),
    labels={"io.kubernetes.container.name": "main"},
    annotations={"a": "b"},
    log_path="/logs/main/2.log",
)
SPEC = Spec(cgroup="/parent/c1", limits=Limits(cpus=0.5))


def test_a_sandbox_and_its_pod() -> None:
    status = PodSandboxStatus(
        id="s1",
        metadata=runtime_v1.PodSandboxMetadata("web", "u1", "shop", 1),
        created_at=5 * SECOND,
        network=runtime_v1.PodSandboxNetworkStatus(
            "10.0.0.7", (runtime_v1.PodIP(""), runtime_v1.PodIP("fd00::7"))
        ),
        labels={"app": "web"},
        annotations={"x": "y"},
    )
    found = sandbox_of(status)
    assert found.addresses == ("10.0.0.7", "fd00::7")
    assert (found.created_at, found.host_network) == (5.0, False)
    assert found.pod == Pod(
        uid="u1", namespace="shop", name="web", labels={"app": "web"}, annotations={"x": "y"}
    )


def test_the_hosts_network() -> None:
    options = runtime_v1.NamespaceOption(runtime_v1.NODE)
    status = PodSandboxStatus(linux=runtime_v1.LinuxPodSandboxStatus(runtime_v1.Namespace(options)))
    sandbox = sandbox_of(status)
    assert sandbox.host_network
    run = Run(State.RUNNING, 10.0)
    container = container_entry("crio", STATUS, run, sandbox, Process(), spec=SPEC)
    own = sandbox_entry("crio", run, sandbox, Process(), spec=SPEC)
    assert {container.network, own.network} == {Network.HOST}
    assert container.addresses == own.addresses == ()


def test_a_container_is_told_whole() -> None:
    entry = container_entry(
        "containerd", STATUS, run_of(STATUS), WEB, Process(17, 99, "/parent/c1"), spec=SPEC
    )
    assert entry == Entry(
        container=Container(
            id="/parent/c1",
            name="c1",
            engine="containerd",
            engine_id="c1",
            image="reg/web:1",
            state=State.RUNNING,
            created_at=9.0,
            started_at=10.0,
            restarts=2,
            namespace="shop",
            pod="web",
            container="main",
            labels={"app": "web", "io.kubernetes.container.name": "main"},
            limits=Limits(cpus=0.5),
        ),
        pid=17,
        pid_start=99,
        network=Network.FOLLOWER,
        log=LogSource(path="/logs/main/2.log", format="cri"),
        annotations={"a": "b"},
        addresses=("10.0.0.7",),
        pod_uid="u1",
    )


def test_a_sandbox_owns_the_network_and_has_no_container_name() -> None:
    entry = sandbox_entry(
        "containerd", Run(State.RUNNING, 5.0), WEB, Process(17, 99, "/parent/s1"), spec=SPEC, image="pause:3"
    )
    container = entry.container
    assert (container.role, container.container, container.image) == (Role.SANDBOX, "", "pause:3")
    assert (container.namespace, container.pod, container.name) == ("shop", "web", "s1")
    assert (container.created_at, container.started_at) == (5.0, 5.0)
    assert (entry.network, entry.addresses, entry.log) == (Network.OWNER, ("10.0.0.7",), None)
    assert entry.annotations == {"prometheus.io/scrape": "true"}


@pytest.mark.parametrize(
    ("code", "word", "reason"),
    [
        (0, "Completed", Reason.COMPLETED),
        (3, "Error", Reason.ERROR),
        (143, "Error", Reason.SIGNAL),
        (137, "OOMKilled", Reason.OOM),
        (1, "OOMKilled", Reason.OOM),
    ],
)
def test_how_a_run_ended(code: int, word: str, reason: Reason) -> None:
    status = ContainerStatus(
        state=runtime_v1.EXITED, started_at=SECOND, finished_at=2 * SECOND, exit_code=code, reason=word
    )
    assert run_of(status) == Run(State.EXITED, 1.0, 2.0, code, reason)


def test_a_run_that_never_began() -> None:
    status = ContainerStatus(
        state=runtime_v1.EXITED, finished_at=2 * SECOND, exit_code=128, reason="StartError"
    )
    assert run_of(status) == Run(State.EXITED, None, 2.0, 128, Reason.START_FAILED)


def test_a_code_that_nobody_saw_is_absent() -> None:
    lost = ContainerStatus(
        state=runtime_v1.EXITED, started_at=SECOND, finished_at=2 * SECOND, exit_code=255, reason="Unknown"
    )
    assert run_of(lost) == Run(State.EXITED, 1.0, 2.0, None, Reason.UNKNOWN)
    unknown = ContainerStatus(state=3, started_at=SECOND)
    assert run_of(unknown) == Run(State.EXITED, 1.0, None, None, Reason.UNKNOWN)


def test_an_end_is_not_before_its_beginning() -> None:
    status = ContainerStatus(state=runtime_v1.EXITED, started_at=3 * SECOND, finished_at=2 * SECOND)
    assert run_of(status).finished_at == 3.0


def test_before_a_run_its_cgroup_is_nobodys_and_after_it_is_remembered() -> None:
    created = container_entry("containerd", STATUS, Run(State.CREATED), WEB, Process(), spec=SPEC)
    assert created.container.id == ""
    over = Run(State.EXITED, 1.0, 2.0, 0, Reason.COMPLETED)
    asked_for = container_entry("containerd", STATUS, over, WEB, Process(), spec=SPEC)
    assert asked_for.container.id == "/parent/c1"
    live = container_entry(
        "containerd", STATUS, Run(State.RUNNING, 1.0), WEB, Process(1, 1, "/x/parent/c1"), spec=SPEC
    )
    remembered = container_entry("containerd", STATUS, over, WEB, Process(), spec=SPEC, last=live)
    assert remembered.container.id == "/x/parent/c1"


def test_an_image_is_called_by_its_name_where_there_is_one() -> None:
    def image(known: str, asked: str, told: str) -> str:
        status = ContainerStatus(id="c", image=ImageSpec(told, asked))
        return container_entry(
            "crio", status, Run(State.CREATED), WEB, Process(), spec=SPEC, image=known
        ).container.image

    assert image("", "", "reg/web:1") == "reg/web:1"
    assert image("reg/web:2", "", "reg/web:1") == "reg/web:2"
    assert image("", "reg/web:3", "sha256:12") == "reg/web:3"
    assert image("sha256:12", "", "reg/web:1") == "reg/web:1"
    assert image("", "", "sha256:12") == "sha256:12"
    assert image("", "", "") == ""


def test_pods_by_uid() -> None:
    older = Sandbox(id="s0", uid="u1", name="web", namespace="shop", created_at=1.0, labels={"old": "1"})
    nameless = Sandbox(id="s2")
    assert crientry.pods_of({"s1": WEB, "s0": older, "s2": nameless}) == {"u1": WEB.pod}
