"""Containers and sandboxes of pods as the CRI tells them, made into the inventory's words, for any engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace as altered

from collectors.inventory.bundle import Process, Spec, cgroup_path
from collectors.inventory.docker.entry import signal_of
from collectors.inventory.grpc import runtime_v1
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, PodSandboxStatus
from collectors.inventory.pods import Pod
from collectors.model import Container, Entry, LogSource, Network, Reason, Role, State

OUT_OF_MEMORY = "OOMKilled"
# An engine that lost sight of a container while it was away gives it this reason, and a code of its own making.
LOST_SIGHT = "Unknown"

_STATES = {
    runtime_v1.CREATED: State.CREATED,
    runtime_v1.RUNNING: State.RUNNING,
    runtime_v1.EXITED: State.EXITED,
}


class Run(NamedTuple):
    """The present run of a container or sandbox, or its last one; times in seconds since the epoch."""

    state: State
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    reason: Reason | None = None


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """A pod's sandbox as far as its containers and its pod are concerned."""

    id: str
    uid: str = ""
    namespace: str = ""
    name: str = ""
    created_at: float | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    addresses: tuple[str, ...] = ()
    host_network: bool = False

    @property
    def pod(self) -> Pod:
        """The pod that it is the sandbox of."""
        return Pod(
            uid=self.uid,
            namespace=self.namespace,
            name=self.name,
            labels=self.labels,
            annotations=self.annotations,
        )


def sandbox_of(status: PodSandboxStatus) -> Sandbox:
    """The sandbox that a status tells of."""
    network = status.network
    addresses = (network.ip, *(more.ip for more in network.additional_ips))
    return Sandbox(
        id=status.id,
        uid=status.metadata.uid,
        namespace=status.metadata.namespace,
        name=status.metadata.name,
        created_at=seconds(status.created_at),
        labels=status.labels,
        annotations=status.annotations,
        addresses=tuple(address for address in addresses if address),
        host_network=status.linux.namespaces.options.network == runtime_v1.NODE,
    )


def run_of(status: ContainerStatus) -> Run:
    """The one run that a container of a pod has: the next attempt is another container.

    A state that the engine does not know is one that it has lost sight of.
    """
    state = _STATES.get(status.state, State.EXITED)
    if state is not State.EXITED:
        return Run(state, seconds(status.started_at))
    known = status.finished_at > 0 and status.reason != LOST_SIGHT
    code = status.exit_code if known else None
    # An engine notes a start once it has heard of it, which may be after an end that came at once.
    finished_at = seconds(max(status.finished_at, status.started_at) if status.finished_at > 0 else 0)
    return Run(state, seconds(status.started_at), finished_at, code, _reason(status, code))


def container_entry(
    engine: str,
    status: ContainerStatus,
    run: Run,
    sandbox: Sandbox,
    process: Process,
    *,
    spec: Spec,
    image: str = "",
    last: Entry | None = None,
) -> Entry:
    """The entry of a pod's container; `image` is the name it was made from, when somebody knows better."""
    container = altered(
        _of_run(engine, status.id, placed(run, process, spec, last), run, sandbox),
        image=_image(image, status.image.user_specified_image, status.image.image),
        created_at=seconds(status.created_at),
        restarts=status.metadata.attempt,
        container=status.metadata.name,
        labels=sandbox.labels | status.labels,
        limits=spec.limits,
    )
    return Entry(
        container=container,
        pid=process.pid,
        pid_start=process.start,
        network=Network.HOST if sandbox.host_network else Network.FOLLOWER,
        log=LogSource(path=status.log_path, format="cri") if status.log_path else None,
        annotations=status.annotations,
        addresses=() if sandbox.host_network else sandbox.addresses,
        pod_uid=sandbox.uid,
    )


def sandbox_entry(
    engine: str,
    run: Run,
    sandbox: Sandbox,
    process: Process,
    *,
    spec: Spec,
    image: str = "",
    last: Entry | None = None,
) -> Entry:
    """The entry of a sandbox, which owns its pod's network and has no container name."""
    container = altered(
        _of_run(engine, sandbox.id, placed(run, process, spec, last), run, sandbox),
        image=image,
        created_at=sandbox.created_at,
        role=Role.SANDBOX,
        labels=sandbox.labels,
        limits=spec.limits,
    )
    return Entry(
        container=container,
        pid=process.pid,
        pid_start=process.start,
        network=Network.HOST if sandbox.host_network else Network.OWNER,
        annotations=sandbox.annotations,
        addresses=() if sandbox.host_network else sandbox.addresses,
        pod_uid=sandbox.uid,
    )


def _of_run(engine: str, id: str, place: str, run: Run, sandbox: Sandbox) -> Container:
    """What a run says of a container or sandbox of a pod; as with the kubelet its name is its id."""
    return Container(
        id=place,
        name=id,
        engine=engine,
        engine_id=id,
        state=run.state,
        started_at=run.started_at,
        finished_at=run.finished_at,
        exit_code=run.exit_code,
        signal=signal_of(run.exit_code),
        reason=run.reason,
        namespace=sandbox.namespace,
        pod=sandbox.name,
    )


def pods_of(sandboxes: Mapping[str, Sandbox]) -> dict[str, Pod]:
    """The pods of sandboxes by uid; of two sandboxes of one pod the younger knows it better."""
    ordered = sorted(sandboxes.values(), key=lambda sandbox: sandbox.created_at or 0.0)
    return {sandbox.uid: sandbox.pod for sandbox in ordered if sandbox.uid}


def placed(run: Run, process: Process, spec: Spec, last: Entry | None) -> str:
    """The cgroup of a run: its process', else what was known, else what its configuration asked for.

    Before it runs its cgroup is nobody's.
    """
    if process.id or run.state is State.CREATED:
        return process.id
    return (last.container.id if last else "") or cgroup_path(spec.cgroup)


def seconds(nanoseconds: int) -> float | None:
    """A time of the CRI in seconds; None for none."""
    return nanoseconds / 1e9 if nanoseconds > 0 else None


def _reason(status: ContainerStatus, code: int | None) -> Reason:
    if code is None:
        return Reason.UNKNOWN
    if not status.started_at:
        return Reason.START_FAILED
    if status.reason == OUT_OF_MEMORY:
        return Reason.OOM
    if code == 0:
        return Reason.COMPLETED
    return Reason.SIGNAL if signal_of(code) else Reason.ERROR


def _image(*names: str) -> str:
    """The first that is a name; the digest of an image says nothing to a reader, but more than nothing."""
    return next((name for name in names if name and not name.startswith("sha256:")), max(names, key=len))
