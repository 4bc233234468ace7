"""containerd's own API over its socket: the calls an inventory needs, typed and bounded.

Importing this module imports grpclib.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.channel import Channel, NotFound
from collectors.inventory.grpc.containerd_v1 import (
    CONTAINERS,
    EVENTS,
    NAMESPACES,
    TASKS,
    Container,
    ContainerEvent,
    Envelope,
    Process,
    TaskExit,
)
from collectors.inventory.grpc.wire import decode

TOPICS = (
    *("/tasks/start", "/tasks/exit", "/tasks/oom", "/tasks/paused", "/tasks/resumed"),
    *("/containers/create", "/containers/update", "/containers/delete"),
)


class ContainerdEvent(NamedTuple):
    """One event of a container: its topic, when it was, and of an exit the code and the time of the end itself."""

    namespace: str
    id: str
    topic: str
    time: float
    exit_code: int | None = None


class ContainerdApi:
    """containerd's services over an open connection.

    Every call raises NoAnswer when the engine does not answer in time or not at all.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def namespaces(self) -> list[str]:
        """All namespaces; also a sign of life."""
        answer = await self._channel.call(
            f"{NAMESPACES}List", containerd_v1.ListNamespacesRequest(), containerd_v1.ListNamespacesResponse
        )
        return [namespace.name for namespace in answer.namespaces]

    async def containers(self, namespace: str) -> AsyncGenerator[Container, None]:
        """All containers of a namespace, one message each: together they may be larger than one may be."""
        messages = self._channel.stream(
            f"{CONTAINERS}ListStream",
            containerd_v1.ListContainersRequest(),
            containerd_v1.ListContainerMessage,
            namespace,
        )
        async for message in messages:
            yield message.container

    async def container(self, namespace: str, id: str) -> Container | None:
        """One container; None when the engine no longer has it."""
        try:
            answer = await self._channel.call(
                f"{CONTAINERS}Get",
                containerd_v1.GetContainerRequest(id),
                containerd_v1.GetContainerResponse,
                namespace,
            )
        except NotFound:
            return None
        return answer.container

    async def tasks(self, namespace: str) -> list[Process]:
        """All tasks of a namespace, those that have ended too as long as nobody deleted them."""
        answer = await self._channel.call(
            f"{TASKS}List", containerd_v1.ListTasksRequest(), containerd_v1.ListTasksResponse, namespace
        )
        return list(answer.tasks)

    async def task(self, namespace: str, id: str) -> Process | None:
        """The task of a container; None when it has none."""
        try:
            answer = await self._channel.call(
                f"{TASKS}Get", containerd_v1.GetTaskRequest(id), containerd_v1.GetTaskResponse, namespace
            )
        except NotFound:
            return None
        return answer.process

    async def events(self) -> AsyncGenerator[ContainerdEvent, None]:
        """Events of all namespaces from now on; containerd keeps none for later."""
        filters = tuple(f'topic=="{topic}"' for topic in TOPICS)
        envelopes = self._channel.stream(
            f"{EVENTS}Subscribe", containerd_v1.SubscribeRequest(filters), Envelope
        )
        async for envelope in envelopes:
            if (event := event_of(envelope)) is not None:
                yield event


def event_of(envelope: Envelope) -> ContainerdEvent | None:
    """The event in an envelope; None for one of a process that was only executed in a container."""
    if envelope.topic == "/tasks/exit":
        return _exit(envelope)
    id, time = decode(envelope.event.value, ContainerEvent).container_id, envelope.timestamp.time
    return ContainerdEvent(envelope.namespace, id, envelope.topic, time) if id and time else None


def _exit(envelope: Envelope) -> ContainerdEvent | None:
    told = decode(envelope.event.value, TaskExit)
    time = told.exited_at.time or envelope.timestamp.time
    if time is None or not told.container_id or told.id not in ("", told.container_id):
        return None
    return ContainerdEvent(envelope.namespace, told.container_id, envelope.topic, time, told.exit_status)
