"""What containerd tells over its socket: its own services for every container, the CRI for those of pods."""

from __future__ import annotations

import msgspec

from collectors.inventory.bundle import Spec, spec_of
from collectors.inventory.containerd.api import ContainerdApi
from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import DOCKERS, Facts, Ref
from collectors.inventory.cri.api import CriApi
from collectors.inventory.grpc.containerd_v1 import Container
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, PodSandboxStatus


class ContainerdSocket:
    """Answers over an open connection; what a run's beginning is called by still comes from its bundle."""

    def __init__(self, api: ContainerdApi, cri: CriApi, disk: ContainerdDisk) -> None:
        self._api = api
        self._cri = cri
        self._disk = disk
        self._listed: dict[Ref, Facts] = {}

    async def refs(self) -> set[Ref]:
        """All containers of all namespaces but Docker's."""
        found: dict[Ref, Facts] = {}
        for namespace in await self._api.namespaces():
            if namespace not in DOCKERS:
                async for container in self._api.containers(namespace):
                    found[Ref(namespace, container.id)] = facts_of(container)
        self._listed = found
        return set(found)

    async def facts(self, ref: Ref) -> Facts | None:
        """What does not change; None when there is no such container."""
        if (listed := self._listed.pop(ref, None)) is not None:
            return listed
        container = await self._api.container(ref.namespace, ref.id)
        return facts_of(container) if container is not None else None

    async def task(self, ref: Ref) -> Task | None:
        """The task; None when there is none."""
        return await self._api.task(ref.namespace, ref.id)

    async def began(self, ref: Ref) -> float | None:
        """When the present run was made; None when its bundle cannot be read."""
        return await self._disk.began(ref)

    async def status(self, ref: Ref, facts: Facts) -> ContainerStatus | None:
        """A pod's container as the CRI tells it; None when it is gone."""
        return await self._cri.container(ref.id)

    async def sandbox(self, id: str) -> PodSandboxStatus | None:
        """A sandbox as the CRI tells it; None when it is gone."""
        return await self._cri.sandbox(id)


def facts_of(container: Container) -> Facts:
    """What does not change of a container that was listed; a configuration in an unknown form says nothing."""
    try:
        spec = spec_of(container.spec.value)
    except msgspec.MsgspecError:
        spec = Spec()
    return Facts(
        spec=spec, labels=container.labels, image=container.image, created_at=container.created_at.time
    )
