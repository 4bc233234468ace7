"""The Container Runtime Interface over its socket: the calls an inventory needs, typed and bounded.

containerd serves it beside its own services, CRI-O alone. Importing this module imports grpclib.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

import msgspec

from collectors.inventory.grpc import runtime_v1
from collectors.inventory.grpc.channel import TIMEOUT, Channel, NoAnswer, NotFound
from collectors.inventory.grpc.runtime_v1 import (
    SERVICE,
    Container,
    ContainerStatus,
    PodSandbox,
    PodSandboxStatus,
)

__all__ = ["CriApi", "NoAnswer"]


class Inside(msgspec.Struct, frozen=True):
    """What an engine tells of a process when it is asked to be verbose: its pid and its OCI configuration."""

    pid: int = 0
    image: str = ""
    runtime_spec: msgspec.Raw = msgspec.field(name="runtimeSpec", default=msgspec.Raw(b"{}"))


class CriApi:
    """The CRI of one engine; `async with` opens a connection of its own, `CriApi.over` shares one.

    Every call raises NoAnswer when the engine does not answer in time or not at all, NotOffered when it has no
    CRI (of version v1).
    """

    def __init__(self, socket: str, setting: str, *, timeout: float = TIMEOUT) -> None:
        self._channel = Channel(socket, setting, timeout=timeout)

    @classmethod
    def over(cls, channel: Channel) -> CriApi:
        """The CRI over an open connection."""
        api = cls.__new__(cls)
        api._channel = channel
        return api

    async def __aenter__(self) -> CriApi:
        await self._channel.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.__aexit__(kind, error, trace)

    async def version(self) -> str:
        """Name and version of the engine; also a sign of life."""
        answer = await self._channel.call(
            f"{SERVICE}Version", runtime_v1.VersionRequest(), runtime_v1.VersionResponse
        )
        return f"{answer.runtime_name} {answer.runtime_version}"

    async def sandboxes(self) -> tuple[PodSandbox, ...]:
        """All sandboxes, also those that are not ready any more."""
        request = runtime_v1.ListPodSandboxRequest()
        answer = await self._channel.call(
            f"{SERVICE}ListPodSandbox", request, runtime_v1.ListPodSandboxResponse
        )
        return answer.items

    async def sandbox(self, id: str) -> PodSandboxStatus | None:
        """One sandbox, whole; None when the engine no longer has it."""
        answer = await self._sandbox(runtime_v1.PodSandboxStatusRequest(id))
        return answer.status if answer is not None else None

    async def sandbox_inside(self, id: str) -> Inside | None:
        """What the engine tells of a sandbox's process; None when it no longer has the sandbox."""
        answer = await self._sandbox(runtime_v1.PodSandboxStatusRequest(id, verbose=True))
        return inside(answer.info) if answer is not None else None

    async def containers(self) -> tuple[Container, ...]:
        """All containers of pods, also those that have ended."""
        request = runtime_v1.ListContainersRequest()
        answer = await self._channel.call(
            f"{SERVICE}ListContainers", request, runtime_v1.ListContainersResponse
        )
        return answer.containers

    async def container(self, id: str) -> ContainerStatus | None:
        """One container, whole; None when the engine no longer has it."""
        answer = await self._container(runtime_v1.ContainerStatusRequest(id))
        return answer.status if answer is not None else None

    async def container_inside(self, id: str) -> Inside | None:
        """What the engine tells of a container's process; None when it no longer has the container."""
        answer = await self._container(runtime_v1.ContainerStatusRequest(id, verbose=True))
        return inside(answer.info) if answer is not None else None

    async def writable_layers(self) -> dict[str, int]:
        """Bytes in the writable layer of each running container, by the engine's id, as the engine last counted."""
        request = runtime_v1.ListContainerStatsRequest()
        answer = await self._channel.call(
            f"{SERVICE}ListContainerStats", request, runtime_v1.ListContainerStatsResponse
        )
        return {
            stats.attributes.id: stats.writable_layer.used_bytes.value
            for stats in answer.stats
            if stats.writable_layer.timestamp
        }

    async def _sandbox(
        self, request: runtime_v1.PodSandboxStatusRequest
    ) -> runtime_v1.PodSandboxStatusResponse | None:
        try:
            return await self._channel.call(
                f"{SERVICE}PodSandboxStatus", request, runtime_v1.PodSandboxStatusResponse
            )
        except NotFound:
            return None

    async def _container(
        self, request: runtime_v1.ContainerStatusRequest
    ) -> runtime_v1.ContainerStatusResponse | None:
        try:
            return await self._channel.call(
                f"{SERVICE}ContainerStatus", request, runtime_v1.ContainerStatusResponse
            )
        except NotFound:
            return None


def inside(info: Mapping[str, str]) -> Inside:
    """What both containerd and CRI-O put under `info`; nothing where another engine puts something else."""
    try:
        return msgspec.json.decode(info.get("info", "{}"), type=Inside)
    except msgspec.MsgspecError:
        return Inside()
