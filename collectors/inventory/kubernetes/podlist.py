"""What Kubernetes tells of a pod, made into the inventory's words.

Only what is used is decoded. Source: Kubernetes API, core/v1 Pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from collectors.inventory.base import Board, Facts
from collectors.inventory.pods import Pod, Pods

# A static pod's mirror carries the uid that the kubelet gave the pod itself, after which its cgroup is named.
MIRROR = "kubernetes.io/config.mirror"
LONGEST_ANNOTATION = 1024


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A piece of an answer; unknown keys are skipped, and null stands for what is empty."""


class OwnerReference(_Wire, frozen=True):
    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Metadata(_Wire, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None


class ContainerSpec(_Wire, frozen=True):
    name: str = ""
    image: str = ""


class Spec(_Wire, frozen=True):
    containers: list[ContainerSpec] | None = None
    init_containers: list[ContainerSpec] | None = None
    ephemeral_containers: list[ContainerSpec] | None = None


class Terminated(_Wire, frozen=True):
    container_id: str = msgspec.field(name="containerID", default="")


class LastState(_Wire, frozen=True):
    terminated: Terminated | None = None


class ContainerStatus(_Wire, frozen=True):
    name: str = ""
    container_id: str = msgspec.field(name="containerID", default="")
    restart_count: int = 0
    last_state: LastState | None = None


class Status(_Wire, frozen=True):
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    ephemeral_container_statuses: list[ContainerStatus] | None = None


class PodObject(_Wire, frozen=True):
    """One pod, as the kubelet and the API server tell it."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()


class ListMetadata(_Wire, frozen=True):
    resource_version: str = ""


class _ListObject(_Wire, frozen=True):
    metadata: ListMetadata = ListMetadata()
    items: list[msgspec.Raw] | None = None


class PodList(NamedTuple):
    """Pods, and the version of their list."""

    version: str
    pods: list[PodObject]


def pod_list(content: bytes | bytearray) -> PodList:
    """A list of pods; raises msgspec.MsgspecError for anything else.

    Pod by pod, because each decoding keeps all threads waiting for its length.
    """
    whole = msgspec.json.decode(content, type=_ListObject)
    decoder = msgspec.json.Decoder(PodObject)
    return PodList(whole.metadata.resource_version, [decoder.decode(one) for one in whole.items or ()])


class Known(msgspec.Struct, frozen=True):
    """What is known of one pod, and of its containers by the engine's ids."""

    pod: Pod
    containers: dict[str, Facts]


def known(told: PodObject) -> Known:
    """A pod in the inventory's words."""
    pod = pod_of(told)
    return Known(pod, dict(_facts(told, pod)))


def pod_of(told: PodObject) -> Pod:
    """The pod itself; its uid is the one that its cgroup is named after.

    Annotations longer than any setting, such as what kubectl applied last, are left out.
    """
    metadata = told.metadata
    written = (metadata.annotations or {}).items()
    annotations = {name: value for name, value in written if len(value) <= LONGEST_ANNOTATION}
    return Pod(
        uid=annotations.get(MIRROR) or metadata.uid,
        namespace=metadata.namespace,
        name=metadata.name,
        owner=owner_of(metadata),
        labels=metadata.labels or {},
        annotations=annotations,
    )


def owner_of(metadata: Metadata) -> str:
    """What controls a pod, `ReplicaSet/web-5d4f`; empty when nothing does."""
    owners = metadata.owner_references or ()
    return next((f"{owner.kind}/{owner.name}" for owner in owners if owner.controller), "")


def _facts(told: PodObject, pod: Pod) -> Iterator[tuple[str, Facts]]:
    images = {one.name: one.image for one in _containers(told.spec)}
    for status in _statuses(told.status):
        facts = Facts(
            image=images.get(status.name, ""),
            namespace=pod.namespace,
            pod=pod.name,
            pod_uid=pod.uid,
            container=status.name,
            owner=pod.owner,
            labels=pod.labels,
            annotations=pod.annotations,
            restarts=status.restart_count,
        )
        if id := engine_id(status.container_id):
            yield id, facts
        before = status.last_state.terminated if status.last_state else None
        if before is not None and (id := engine_id(before.container_id)) not in (
            "",
            engine_id(status.container_id),
        ):
            # Its successor's restart is not its own.
            yield id, msgspec.structs.replace(facts, restarts=max(status.restart_count - 1, 0))


def engine_id(container_id: str) -> str:
    """The engine's own id in `containerd://ID`; empty while there is no container."""
    return container_id.partition("://")[2]


def _containers(spec: Spec) -> Iterator[ContainerSpec]:
    for containers in (spec.containers, spec.init_containers, spec.ephemeral_containers):
        yield from containers or ()


def _statuses(status: Status) -> Iterator[ContainerStatus]:
    for statuses in (
        status.container_statuses,
        status.init_container_statuses,
        status.ephemeral_container_statuses,
    ):
        yield from statuses or ()


def tell(source: str, board: Board, pods: Pods, everything: Iterable[Known]) -> None:
    """Write all that a source knows on the board, and what it knows of pods where they are kept."""
    by_uid: dict[str, Pod] = {}
    facts: dict[str, Facts] = {}
    for one in everything:
        by_uid[one.pod.uid] = one.pod
        facts.update(one.containers)
    pods.tell(source, by_uid)
    board.tell(source, facts)
    # It shows no container of its own: its list is whole, and it answers.
    board.replace(source, ())
