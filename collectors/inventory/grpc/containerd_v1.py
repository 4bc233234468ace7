"""Messages of containerd's own services: the fields that are used.

Source: containerd, api/services/*/v1, api/types and api/events. An exec's events carry its id beside the
container's; those of the container's own process carry the container's id, or none.
"""

from __future__ import annotations

from typing import Annotated

from collectors.inventory.grpc.wire import EMPTY, Message

CONTAINERS = "/containerd.services.containers.v1.Containers/"
EVENTS = "/containerd.services.events.v1.Events/"
NAMESPACES = "/containerd.services.namespaces.v1.Namespaces/"
TASKS = "/containerd.services.tasks.v1.Tasks/"

CREATED, RUNNING, STOPPED, PAUSED, PAUSING = 1, 2, 3, 4, 5  # the status of a task


class Any(Message, frozen=True):
    type_url: Annotated[str, 1] = ""
    value: Annotated[bytes, 2] = b""


class Timestamp(Message, frozen=True):
    seconds: Annotated[int, 1] = 0
    nanos: Annotated[int, 2] = 0

    @property
    def time(self) -> float | None:
        """Seconds since the epoch; None when it was not set, or to Go's zero time, which lies before it."""
        return self.seconds + self.nanos / 1e9 if self.seconds > 0 else None


class Namespace(Message, frozen=True):
    name: Annotated[str, 1] = ""


class ListNamespacesRequest(Message, frozen=True):
    pass


class ListNamespacesResponse(Message, frozen=True):
    namespaces: Annotated[tuple[Namespace, ...], 1] = ()


class Container(Message, frozen=True):
    """`spec` is the container's OCI configuration as JSON."""

    id: Annotated[str, 1] = ""
    labels: Annotated[dict[str, str], 2] = EMPTY
    image: Annotated[str, 3] = ""
    spec: Annotated[Any, 5] = Any()
    created_at: Annotated[Timestamp, 8] = Timestamp()


class ListContainersRequest(Message, frozen=True):
    pass


class ListContainerMessage(Message, frozen=True):
    container: Annotated[Container, 1] = Container()


class GetContainerRequest(Message, frozen=True):
    id: Annotated[str, 1] = ""


class GetContainerResponse(Message, frozen=True):
    container: Annotated[Container, 1] = Container()


class Process(Message, frozen=True):
    container_id: Annotated[str, 1] = ""
    id: Annotated[str, 2] = ""
    pid: Annotated[int, 3] = 0
    status: Annotated[int, 4] = 0
    exit_status: Annotated[int, 9] = 0
    exited_at: Annotated[Timestamp, 10] = Timestamp()


class GetTaskRequest(Message, frozen=True):
    container_id: Annotated[str, 1] = ""


class GetTaskResponse(Message, frozen=True):
    process: Annotated[Process, 1] = Process()


class ListTasksRequest(Message, frozen=True):
    pass


class ListTasksResponse(Message, frozen=True):
    tasks: Annotated[tuple[Process, ...], 1] = ()


class SubscribeRequest(Message, frozen=True):
    filters: Annotated[tuple[str, ...], 1] = ()


class Envelope(Message, frozen=True):
    timestamp: Annotated[Timestamp, 1] = Timestamp()
    namespace: Annotated[str, 2] = ""
    topic: Annotated[str, 3] = ""
    event: Annotated[Any, 4] = Any()


class TaskExit(Message, frozen=True):
    container_id: Annotated[str, 1] = ""
    id: Annotated[str, 2] = ""
    pid: Annotated[int, 3] = 0
    exit_status: Annotated[int, 4] = 0
    exited_at: Annotated[Timestamp, 5] = Timestamp()


class ContainerEvent(Message, frozen=True):
    """The one field that every other event of a task or a container begins with."""

    container_id: Annotated[str, 1] = ""
