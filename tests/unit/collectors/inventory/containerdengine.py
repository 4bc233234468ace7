"""A containerd that does on demand what no real one can be made to do, its directories, and a board that notes all."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping

from collectors.inventory.base import Facts
from collectors.inventory.containerd.entry import Ref
from collectors.inventory.grpc import containerd_v1, runtime_v1
from collectors.inventory.grpc.containerd_v1 import CONTAINERS, EVENTS, NAMESPACES, TASKS, Timestamp
from collectors.inventory.grpc.runtime_v1 import SERVICE
from collectors.inventory.grpc.wire import Message, decode, encode
from collectors.model import Entry
from tests.unit.collectors.inventory.grpc.server import Engine, not_found

SANDBOX = Ref("k8s.io", "5" * 64)
MAIN = Ref("k8s.io", "a" * 64)
NEXT = Ref("k8s.io", "b" * 64)
PLAIN = Ref("default", "web")
SECOND = 10**9


class Noted:
    """A board that keeps what it was told, in order, as (name of the container, state)."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.told: list[tuple[str, str]] = []
        self.history: list[Entry] = []
        self.reason = ""
        self.complete = False

    def replace(self, source: str, entries: Iterable[Entry]) -> None:
        self.entries = {entry.container.engine_id: entry for entry in entries}
        self.complete, self.reason = True, ""

    def put(self, source: str, entry: Entry) -> None:
        if self.entries.get(entry.container.engine_id) != entry:
            self.entries[entry.container.engine_id] = entry
            self.history.append(entry)
            self.told.append((entry.container.name[:6], str(entry.container.state)))

    def drop(self, source: str, engine_id: str) -> None:
        entry = self.entries.pop(engine_id)
        self.told.append((entry.container.name[:6], "gone"))

    def tell(self, source: str, facts: Mapping[str, Facts]) -> None:
        raise AssertionError("an engine tells entries, not facts")

    def unavailable(self, source: str, reason: str) -> None:
        self.complete, self.reason = True, reason

    def states(self, ref: Ref) -> list[str]:
        """The states that a container went through, each change once."""
        name = ref.id[:6]
        found: list[str] = []
        for told, state in self.told:
            if told == name and found[-1:] != [state]:
                found.append(state)
        return found


def config(ref: Ref, **annotations: str) -> bytes:
    """The configuration of a container; `annotations` are the CRI's, without their prefix."""
    cri = {f"io.kubernetes.cri.{name.replace('_', '-')}": value for name, value in annotations.items()}
    namespaces = [{"type": "network", "path": "/proc/1/ns/net" if "container_name" in annotations else ""}]
    linux = {"cgroupsPath": f"/parent/{ref.id}", "namespaces": namespaces}
    return json.dumps({"annotations": cri, "linux": linux}).encode()


def pod_config(ref: Ref, log_directory: str = "") -> bytes:
    """The configuration of a pod's sandbox, or of a container `main` of it."""
    named = {
        "sandbox_id": SANDBOX.id,
        "sandbox_name": "web",
        "sandbox_namespace": "shop",
        "sandbox_uid": "u1",
    }
    if ref == SANDBOX:
        return config(ref, container_type="sandbox", sandbox_log_directory=log_directory, **named)
    return config(ref, container_type="container", container_name="main", image_name="reg/web:1", **named)


class Containerd(Engine):
    """The engine: a test puts containers, tasks and statuses and tells events."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.containers: dict[Ref, containerd_v1.Container] = {}
        self.tasks: dict[Ref, containerd_v1.Process] = {}
        self.statuses: dict[str, runtime_v1.ContainerStatus] = {}
        self.sandboxes: dict[str, runtime_v1.PodSandboxStatus] = {}
        self.layers: dict[str, int] = {}
        self.listeners: list[asyncio.Queue[Message | None]] = []
        self.calls = {
            f"{NAMESPACES}List": self._namespaces,
            f"{CONTAINERS}Get": self._container,
            f"{TASKS}Get": self._task,
            f"{TASKS}List": self._tasks,
            f"{SERVICE}Version": lambda request, namespace: runtime_v1.VersionResponse("containerd", "1.7"),
            f"{SERVICE}ContainerStatus": self._status,
            f"{SERVICE}PodSandboxStatus": self._sandbox,
            f"{SERVICE}ListContainers": self._pod_containers,
            f"{SERVICE}ListPodSandbox": self._pod_sandboxes,
            f"{SERVICE}ListContainerStats": self._stats,
        }
        self.streams = {f"{CONTAINERS}ListStream": self._list, f"{EVENTS}Subscribe": self._subscribe}

    # What a test does

    def add_pod(self, *, created: int = 5, host_network: bool = False) -> None:
        """A sandbox that runs, of the pod web in the namespace shop."""
        self.add(SANDBOX, pod_config(SANDBOX), image="pause:3")
        self.tasks[SANDBOX] = containerd_v1.Process(
            id=SANDBOX.id, pid=os.getpid(), status=containerd_v1.RUNNING
        )
        options = runtime_v1.NamespaceOption(runtime_v1.NODE if host_network else 0)
        self.sandboxes[SANDBOX.id] = runtime_v1.PodSandboxStatus(
            id=SANDBOX.id,
            metadata=runtime_v1.PodSandboxMetadata("web", "u1", "shop"),
            created_at=created * SECOND,
            network=runtime_v1.PodSandboxNetworkStatus("10.0.0.7", (runtime_v1.PodIP("fd00::7"),)),
            linux=runtime_v1.LinuxPodSandboxStatus(runtime_v1.Namespace(options)),
            labels={"app": "web"},
            annotations={"prometheus.io/scrape": "true"},
        )

    def add(self, ref: Ref, spec: bytes, *, image: str = "reg/web:1", **labels: str) -> None:
        """A container without a task."""
        self.containers[ref] = containerd_v1.Container(ref.id, labels, image, containerd_v1.Any("", spec))

    def create(self, ref: Ref, *, attempt: int = 0) -> None:
        """A container `main` of the pod, made and not started."""
        self.add(ref, pod_config(ref))
        self.statuses[ref.id] = runtime_v1.ContainerStatus(
            id=ref.id,
            metadata=runtime_v1.ContainerMetadata("main", attempt),
            created_at=SECOND,
            image=runtime_v1.ImageSpec("sha256:1234"),
            labels={"io.kubernetes.container.name": "main"},
            log_path=f"/logs/main/{attempt}.log",
        )

    def run(self, ref: Ref, *, at: int = 10, pid: int = 0) -> None:
        """Its task runs, and the CRI has noted it."""
        self.tasks[ref] = containerd_v1.Process(
            id=ref.id, pid=pid or os.getpid(), status=containerd_v1.RUNNING
        )
        self._alter(ref, state=runtime_v1.RUNNING, started_at=at * SECOND)

    def end(self, ref: Ref, *, at: int = 20, code: int = 0, reason: str = "") -> None:
        """Its task is gone, and the CRI has noted it."""
        self.tasks.pop(ref, None)
        self._alter(
            ref, state=runtime_v1.EXITED, finished_at=at * SECOND, exit_code=code, reason=reason or "Error"
        )

    def tell(self, ref: Ref, topic: str, *, at: int = 10, code: int = 0, exec_id: str = "") -> None:
        """An event to everybody who listens."""
        told: Message = containerd_v1.ContainerEvent(ref.id)
        if topic == "/tasks/exit":
            told = containerd_v1.TaskExit(ref.id, exec_id or ref.id, 17, code, Timestamp(at))
        envelope = containerd_v1.Envelope(
            Timestamp(at), ref.namespace, topic, containerd_v1.Any("", encode(told))
        )
        for listener in self.listeners:
            listener.put_nowait(envelope)

    def _alter(self, ref: Ref, **values: object) -> None:
        known = self.statuses.get(ref.id)
        if known is not None:
            fields = {name: getattr(known, name) for name in known.__struct_fields__}
            self.statuses[ref.id] = runtime_v1.ContainerStatus(**(fields | values))

    # What it answers

    def _namespaces(self, request: bytes, namespace: str) -> Message:
        names = sorted({"moby", *(ref.namespace for ref in self.containers)})
        return containerd_v1.ListNamespacesResponse(tuple(map(containerd_v1.Namespace, names)))

    def _container(self, request: bytes, namespace: str) -> Message:
        ref = Ref(namespace, decode(request, containerd_v1.GetContainerRequest).id)
        container = self.containers.get(ref)
        if container is None:
            return not_found(request, namespace)
        return containerd_v1.GetContainerResponse(container)

    def _task(self, request: bytes, namespace: str) -> Message:
        ref = Ref(namespace, decode(request, containerd_v1.GetTaskRequest).container_id)
        task = self.tasks.get(ref)
        return not_found(request, namespace) if task is None else containerd_v1.GetTaskResponse(task)

    def _tasks(self, request: bytes, namespace: str) -> Message:
        found = [task for ref, task in self.tasks.items() if ref.namespace == namespace]
        return containerd_v1.ListTasksResponse(tuple(found))

    def _status(self, request: bytes, namespace: str) -> Message:
        status = self.statuses.get(decode(request, runtime_v1.ContainerStatusRequest).container_id)
        if status is None:
            return not_found(request, namespace)
        return runtime_v1.ContainerStatusResponse(status, self._inside(status.id))

    def _sandbox(self, request: bytes, namespace: str) -> Message:
        status = self.sandboxes.get(decode(request, runtime_v1.PodSandboxStatusRequest).pod_sandbox_id)
        if status is None:
            return not_found(request, namespace)
        return runtime_v1.PodSandboxStatusResponse(status, self._inside(status.id))

    def _inside(self, id: str) -> dict[str, str]:
        ref = Ref("k8s.io", id)
        pid = self.tasks[ref].pid if ref in self.tasks else 0
        spec = json.loads(self.containers[ref].spec.value)
        return {"info": json.dumps({"pid": pid, "image": self.containers[ref].image, "runtimeSpec": spec})}

    def _pod_containers(self, request: bytes, namespace: str) -> Message:
        found = [runtime_v1.Container(one.id, SANDBOX.id, state=one.state) for one in self.statuses.values()]
        return runtime_v1.ListContainersResponse(tuple(found))

    def _pod_sandboxes(self, request: bytes, namespace: str) -> Message:
        found = [runtime_v1.PodSandbox(id=id, state=one.state) for id, one in self.sandboxes.items()]
        return runtime_v1.ListPodSandboxResponse(tuple(found))

    def _stats(self, request: bytes, namespace: str) -> Message:
        found = [
            runtime_v1.ContainerStats(
                runtime_v1.ContainerAttributes(id),
                runtime_v1.FilesystemUsage(SECOND, runtime_v1.UInt64Value(size)),
            )
            for id, size in self.layers.items()
        ]
        nothing = runtime_v1.ContainerStats(runtime_v1.ContainerAttributes("no figure"))
        return runtime_v1.ListContainerStatsResponse((*found, nothing))

    def _list(self, request: bytes, namespace: str) -> asyncio.Queue[Message | None]:
        queue: asyncio.Queue[Message | None] = asyncio.Queue()
        for ref, container in self.containers.items():
            if ref.namespace == namespace:
                queue.put_nowait(containerd_v1.ListContainerMessage(container))
        queue.put_nowait(None)
        return queue

    def _subscribe(self, request: bytes, namespace: str) -> asyncio.Queue[Message | None]:
        queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self.listeners.append(queue)
        return queue


def write_bundle(state: str, ref: Ref, spec: bytes, *, pid: int = 0, made: float = 10.0) -> str:
    """A bundle on disk, and its pid file when there is a pid."""
    directory = f"{state}/io.containerd.runtime.v2.task/{ref.namespace}/{ref.id}"
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/config.json", "wb") as file:
        file.write(spec)
    if pid:
        with open(f"{directory}/init.pid", "w", encoding="ascii") as file:
            file.write(str(pid))
        os.utime(f"{directory}/init.pid", (made, made))
    return directory


def write_note(root: str, ref: Ref, **values: object) -> None:
    """The CRI's note of a container's run; names as containerd spells them."""
    directory = f"{root}/io.containerd.grpc.v1.cri/containers/{ref.id}"
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/status", "w", encoding="utf-8") as file:
        json.dump({"Version": "v1", "Pid": 0, **values}, file)


async def until(condition: object, limit: float = 10.0) -> None:
    """Return once a condition (something to call) holds."""
    assert callable(condition)
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.005)
