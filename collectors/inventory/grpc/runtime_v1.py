"""Messages of the Container Runtime Interface, `runtime.v1`: the fields that are used.

Times are nanoseconds since the epoch, 0 when there is none. Source: kubernetes/cri-api, runtime/v1/api.proto.
"""

from __future__ import annotations

from typing import Annotated

from collectors.inventory.grpc.wire import EMPTY, Message

SERVICE = "/runtime.v1.RuntimeService/"

CREATED, RUNNING, EXITED = 0, 1, 2  # ContainerState
READY = 0  # PodSandboxState
NODE = 2  # NamespaceMode: the host's


class VersionRequest(Message, frozen=True):
    version: Annotated[str, 1] = ""


class VersionResponse(Message, frozen=True):
    runtime_name: Annotated[str, 2] = ""
    runtime_version: Annotated[str, 3] = ""


class PodSandboxMetadata(Message, frozen=True):
    name: Annotated[str, 1] = ""
    uid: Annotated[str, 2] = ""
    namespace: Annotated[str, 3] = ""
    attempt: Annotated[int, 4] = 0


class PodSandbox(Message, frozen=True):
    id: Annotated[str, 1] = ""
    metadata: Annotated[PodSandboxMetadata, 2] = PodSandboxMetadata()
    state: Annotated[int, 3] = READY
    created_at: Annotated[int, 4] = 0
    labels: Annotated[dict[str, str], 5] = EMPTY
    annotations: Annotated[dict[str, str], 6] = EMPTY


class ListPodSandboxRequest(Message, frozen=True):
    pass


class ListPodSandboxResponse(Message, frozen=True):
    items: Annotated[tuple[PodSandbox, ...], 1] = ()


class PodIP(Message, frozen=True):
    ip: Annotated[str, 1] = ""


class PodSandboxNetworkStatus(Message, frozen=True):
    ip: Annotated[str, 1] = ""
    additional_ips: Annotated[tuple[PodIP, ...], 2] = ()


class NamespaceOption(Message, frozen=True):
    network: Annotated[int, 1] = 0


class Namespace(Message, frozen=True):
    options: Annotated[NamespaceOption, 2] = NamespaceOption()


class LinuxPodSandboxStatus(Message, frozen=True):
    namespaces: Annotated[Namespace, 1] = Namespace()


class PodSandboxStatus(Message, frozen=True):
    id: Annotated[str, 1] = ""
    metadata: Annotated[PodSandboxMetadata, 2] = PodSandboxMetadata()
    state: Annotated[int, 3] = READY
    created_at: Annotated[int, 4] = 0
    network: Annotated[PodSandboxNetworkStatus, 5] = PodSandboxNetworkStatus()
    linux: Annotated[LinuxPodSandboxStatus, 6] = LinuxPodSandboxStatus()
    labels: Annotated[dict[str, str], 7] = EMPTY
    annotations: Annotated[dict[str, str], 8] = EMPTY


class PodSandboxStatusRequest(Message, frozen=True):
    pod_sandbox_id: Annotated[str, 1] = ""
    verbose: Annotated[bool, 2] = False


class PodSandboxStatusResponse(Message, frozen=True):
    """`info` is there when it was asked to be verbose: JSON by names of the engine's own."""

    status: Annotated[PodSandboxStatus, 1] = PodSandboxStatus()
    info: Annotated[dict[str, str], 2] = EMPTY


class ContainerMetadata(Message, frozen=True):
    """`attempt` counts how often the container was made before in its pod."""

    name: Annotated[str, 1] = ""
    attempt: Annotated[int, 2] = 0


class ImageSpec(Message, frozen=True):
    image: Annotated[str, 1] = ""
    user_specified_image: Annotated[str, 18] = ""


class Container(Message, frozen=True):
    id: Annotated[str, 1] = ""
    pod_sandbox_id: Annotated[str, 2] = ""
    metadata: Annotated[ContainerMetadata, 3] = ContainerMetadata()
    image: Annotated[ImageSpec, 4] = ImageSpec()
    state: Annotated[int, 6] = CREATED
    created_at: Annotated[int, 7] = 0
    labels: Annotated[dict[str, str], 8] = EMPTY
    annotations: Annotated[dict[str, str], 9] = EMPTY


class ListContainersRequest(Message, frozen=True):
    pass


class ListContainersResponse(Message, frozen=True):
    containers: Annotated[tuple[Container, ...], 1] = ()


class ContainerStatus(Message, frozen=True):
    """One container, whole. `reason` is `OOMKilled`, `Completed`, `Error` or a word of the runtime's own."""

    id: Annotated[str, 1] = ""
    metadata: Annotated[ContainerMetadata, 2] = ContainerMetadata()
    state: Annotated[int, 3] = CREATED
    created_at: Annotated[int, 4] = 0
    started_at: Annotated[int, 5] = 0
    finished_at: Annotated[int, 6] = 0
    exit_code: Annotated[int, 7] = 0
    image: Annotated[ImageSpec, 8] = ImageSpec()
    reason: Annotated[str, 10] = ""
    message: Annotated[str, 11] = ""
    labels: Annotated[dict[str, str], 12] = EMPTY
    annotations: Annotated[dict[str, str], 13] = EMPTY
    log_path: Annotated[str, 15] = ""


class ContainerStatusRequest(Message, frozen=True):
    container_id: Annotated[str, 1] = ""
    verbose: Annotated[bool, 2] = False


class ContainerStatusResponse(Message, frozen=True):
    """`info` is there when it was asked to be verbose: JSON by names of the engine's own."""

    status: Annotated[ContainerStatus, 1] = ContainerStatus()
    info: Annotated[dict[str, str], 2] = EMPTY


class UInt64Value(Message, frozen=True):
    value: Annotated[int, 1] = 0


class ContainerAttributes(Message, frozen=True):
    id: Annotated[str, 1] = ""


class FilesystemUsage(Message, frozen=True):
    timestamp: Annotated[int, 1] = 0
    used_bytes: Annotated[UInt64Value, 3] = UInt64Value()


class ContainerStats(Message, frozen=True):
    attributes: Annotated[ContainerAttributes, 1] = ContainerAttributes()
    writable_layer: Annotated[FilesystemUsage, 4] = FilesystemUsage()


class ListContainerStatsRequest(Message, frozen=True):
    pass


class ListContainerStatsResponse(Message, frozen=True):
    stats: Annotated[tuple[ContainerStats, ...], 1] = ()
