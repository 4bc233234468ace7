"""A container of containerd that belongs to no pod, made into the inventory's words; and what names containers."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from collectors.inventory.bundle import Process, Spec
from collectors.inventory.containerd.runs import ENGINE
from collectors.inventory.cri.entry import Run, Sandbox, placed
from collectors.inventory.docker.entry import reason_of, signal_of
from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.model import Container, Entry, Network, State

# Docker tells of these itself.
DOCKERS = frozenset({"moby", "plugins.moby"})

_CRI = "io.kubernetes.cri."
KIND = f"{_CRI}container-type"
SANDBOX_ID = f"{_CRI}sandbox-id"
POD_NAME = f"{_CRI}sandbox-name"
POD_NAMESPACE = f"{_CRI}sandbox-namespace"
POD_UID = f"{_CRI}sandbox-uid"
LOG_DIRECTORY = f"{_CRI}sandbox-log-directory"
CONTAINER_NAME = f"{_CRI}container-name"
IMAGE_NAME = f"{_CRI}image-name"
_NERDCTL_NAME = "nerdctl/name"

_HEX_ID = re.compile(r"[0-9a-f]{64}")
_STATES = {
    containerd_v1.CREATED: State.CREATED,
    containerd_v1.RUNNING: State.RUNNING,
    containerd_v1.PAUSING: State.RUNNING,
    containerd_v1.PAUSED: State.PAUSED,
}


class Ref(NamedTuple):
    """How containerd tells containers apart."""

    namespace: str
    id: str

    @property
    def key(self) -> str:
        """The engine id: ids that somebody chose are only unique within their namespace."""
        return self.id if _HEX_ID.fullmatch(self.id) else f"{self.namespace}/{self.id}"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while a container lives."""

    spec: Spec = Spec()
    labels: dict[str, str] = {}
    image: str = ""
    created_at: float | None = None

    def annotation(self, name: str) -> str:
        """An annotation of its configuration; empty without it."""
        return self.spec.annotations.get(name, "")

    @property
    def sandbox_id(self) -> str:
        """The sandbox that it is, or that it is in; empty when it belongs to no pod."""
        return self.annotation(SANDBOX_ID)

    @property
    def sandbox(self) -> Sandbox:
        """That sandbox, as far as annotations tell."""
        return Sandbox(
            id=self.sandbox_id,
            uid=self.annotation(POD_UID),
            namespace=self.annotation(POD_NAMESPACE),
            name=self.annotation(POD_NAME),
        )

    @property
    def is_sandbox(self) -> bool:
        """Whether it is a pod's sandbox."""
        return self.annotation(KIND) == "sandbox"

    @property
    def is_pod_container(self) -> bool:
        """Whether it is a container of a pod."""
        return self.annotation(KIND) == "container"


def run_of(task: Task, began: float | None) -> Run:
    """The run of a task; an end whose time nobody knows has a code that nobody knows."""
    state = _STATES.get(task.status, State.EXITED)
    if state is State.CREATED:
        return Run(state)
    if state is not State.EXITED:
        return Run(state, began)
    finished = task.exited_at.time
    code = task.exit_status if finished is not None else None
    return Run(state, began, finished, code, reason_of(code, stopped=False))


def plain_entry(ref: Ref, facts: Facts, run: Run, process: Process, *, last: Entry | None = None) -> Entry:
    """The entry of a container that belongs to no pod; nerdctl gives names, others call them by their ids."""
    labels = facts.labels
    container = Container(
        id=placed(run, process, facts.spec, last),
        name=labels.get(_NERDCTL_NAME) or facts.annotation(_NERDCTL_NAME) or ref.id,
        engine=ENGINE,
        engine_id=ref.key,
        image=facts.image,
        state=run.state,
        created_at=facts.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        exit_code=run.exit_code,
        signal=signal_of(run.exit_code),
        reason=run.reason,
        labels=labels,
        limits=facts.spec.limits,
    )
    return Entry(
        container=container,
        pid=process.pid,
        pid_start=process.start,
        network=facts.spec.network if run.state is not State.CREATED else Network.NONE,
        annotations=facts.spec.annotations,
    )
