"""What containerd leaves on disk: a bundle for each task, and the CRI's note of each container's run.

`<state>/io.containerd.runtime.v2.task/NAMESPACE/ID/` is there as long as the task is;
`<root>/io.containerd.grpc.v1.cri/containers/ID/status` as long as the CRI lists the container. Only root, or
who may read everything, can read either. Source: containerd, docs/ops.md and pkg/cri/store/container.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

import msgspec

from collectors.inventory.bundle import UnreadableBundle, read_pid, read_spec
from collectors.inventory.containerd.entry import (
    CONTAINER_NAME,
    DOCKERS,
    IMAGE_NAME,
    LOG_DIRECTORY,
    POD_NAME,
    POD_NAMESPACE,
    POD_UID,
    Facts,
    Ref,
)
from collectors.inventory.grpc import containerd_v1, runtime_v1
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, PodSandboxMetadata, PodSandboxStatus
from runtime.linux.process import start_time

CRI_NAMESPACE = "k8s.io"
STATUS_LIMIT = 1 << 20
# A runtime that has made a container but not started it waits in its process under this name.
_WAITING = b"runc:[2:INIT]\n"


class _Note(msgspec.Struct, rename="pascal"):
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""


class ContainerdDisk:
    """Answers from the state and root directories, in threads: a disk may be slow."""

    def __init__(self, state: str, root: str, proc: str = "/proc") -> None:
        self.tasks = tasks_directory(state)
        self._notes = f"{root}/io.containerd.grpc.v1.cri/containers"
        self._proc = proc

    @property
    def readable(self) -> bool:
        """Whether the bundles are there and can be read."""
        return os.access(self.tasks, os.R_OK | os.X_OK)

    def is_running(self, pid: int, start: int) -> bool:
        """Whether a process that was seen before is still there."""
        return start != 0 and start_time(pid, self._proc) == start

    def directories(self) -> list[str]:
        """The directories in which bundles come and go: the tasks' own, and one for each namespace."""
        return [self.tasks, *(f"{self.tasks}/{namespace}" for namespace in self._namespaces())]

    async def refs(self) -> set[Ref]:
        """All containers that have a bundle."""
        return await asyncio.to_thread(self._refs)

    async def facts(self, ref: Ref) -> Facts | None:
        """What does not change; None without a bundle. Raises UnreadableBundle."""
        return await asyncio.to_thread(self._facts, ref)

    async def task(self, ref: Ref) -> Task | None:
        """The task as its process shows it; None without a bundle, or before there is a process."""
        return await asyncio.to_thread(self._task, ref)

    async def began(self, ref: Ref) -> float | None:
        """When the present run was made; None without a bundle."""
        return await asyncio.to_thread(lambda: read_pid(self._bundle(ref))[1])

    async def status(self, ref: Ref, facts: Facts) -> ContainerStatus | None:
        """A pod's container as the CRI noted it, else as its process shows it; None when it is gone."""
        return await asyncio.to_thread(self._status, ref, facts)

    async def sandbox(self, id: str) -> PodSandboxStatus | None:
        """A sandbox as its bundle tells it; None without one. Labels, annotations and addresses are not there."""
        return await asyncio.to_thread(self._sandbox, id)

    def _bundle(self, ref: Ref) -> str:
        return f"{self.tasks}/{ref.namespace}/{ref.id}"

    def _namespaces(self) -> list[str]:
        return [namespace for namespace in _names(self.tasks) if namespace not in DOCKERS]

    def _refs(self) -> set[Ref]:
        return {
            Ref(namespace, id)
            for namespace in self._namespaces()
            for id in _names(f"{self.tasks}/{namespace}")
        }

    def _facts(self, ref: Ref) -> Facts | None:
        spec = read_spec(self._bundle(ref))
        if spec is None:
            return None
        return Facts(
            spec=spec, image=spec.annotations.get(IMAGE_NAME, ""), created_at=_written_at(self._bundle(ref))
        )

    def _task(self, ref: Ref) -> Task | None:
        pid, _ = read_pid(self._bundle(ref))
        if not pid:
            return None
        if not start_time(pid, self._proc) or _is_zombie(pid, self._proc):
            return Task(ref.id, status=containerd_v1.STOPPED)
        waiting = _read(f"{self._proc}/{pid}/comm") == _WAITING
        return Task(ref.id, pid=pid, status=containerd_v1.CREATED if waiting else containerd_v1.RUNNING)

    def _status(self, ref: Ref, facts: Facts) -> ContainerStatus | None:
        note = self._note(ref.id) or self._presumed(ref)
        if note is None:
            return None
        name = facts.annotation(CONTAINER_NAME)
        log, attempt = self._log(facts, name)
        state = runtime_v1.RUNNING if note.started_at else runtime_v1.CREATED
        return ContainerStatus(
            id=ref.id,
            metadata=runtime_v1.ContainerMetadata(name, attempt),
            state=runtime_v1.EXITED if note.finished_at else state,
            created_at=note.created_at or round((facts.created_at or 0.0) * 1e9),
            started_at=note.started_at,
            finished_at=note.finished_at,
            exit_code=note.exit_code,
            image=runtime_v1.ImageSpec(facts.image),
            reason=note.reason,
            message=note.message,
            log_path=log,
        )

    def _note(self, id: str) -> _Note | None:
        content = _read(f"{self._notes}/{id}/status")
        if content is None:
            return None
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(content, type=_Note)
        return None

    def _presumed(self, ref: Ref) -> _Note | None:
        """What the bundle alone says of the run; None without one."""
        task = self._task(ref)
        _, began = read_pid(self._bundle(ref))
        if task is None or began is None:
            return _Note() if os.path.isdir(self._bundle(ref)) else None
        return _Note(started_at=0 if task.status == containerd_v1.CREATED else round(began * 1e9))

    def _log(self, facts: Facts, name: str) -> tuple[str, int]:
        """The newest log file of a pod's container and the attempt that it is called after; ("", 0) without one."""
        sandbox = self._sandbox_facts(facts.sandbox_id)
        directory = f"{sandbox.annotation(LOG_DIRECTORY)}/{name}" if sandbox and name else ""
        attempts = [file.removesuffix(".log") for file in _names(directory) if file.endswith(".log")]
        newest = max((int(attempt) for attempt in attempts if attempt.isdecimal()), default=None)
        return ("", 0) if newest is None else (f"{directory}/{newest}.log", newest)

    def _sandbox(self, id: str) -> PodSandboxStatus | None:
        facts = self._sandbox_facts(id)
        if facts is None:
            return None
        _, began = read_pid(self._bundle(Ref(CRI_NAMESPACE, id)))
        on_host = facts.spec.network.value == "host"
        options = runtime_v1.NamespaceOption(runtime_v1.NODE if on_host else 0)
        return PodSandboxStatus(
            id=id,
            metadata=PodSandboxMetadata(
                facts.annotation(POD_NAME), facts.annotation(POD_UID), facts.annotation(POD_NAMESPACE)
            ),
            created_at=round((began or 0.0) * 1e9),
            linux=runtime_v1.LinuxPodSandboxStatus(runtime_v1.Namespace(options)),
        )

    def _sandbox_facts(self, id: str) -> Facts | None:
        with contextlib.suppress(UnreadableBundle):
            return self._facts(Ref(CRI_NAMESPACE, id)) if id else None
        return None


def tasks_directory(state: str) -> str:
    """Where the bundles of tasks stand, in a directory for each namespace."""
    return f"{state}/io.containerd.runtime.v2.task"


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory)) if directory else []
    except OSError:
        return []


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(STATUS_LIMIT)
    except OSError:
        return None


def _written_at(bundle: str) -> float | None:
    """When a bundle was made: its configuration is written then, and never again."""
    try:
        return os.stat(f"{bundle}/config.json").st_mtime_ns / 1e9
    except OSError:
        return None


def _is_zombie(pid: int, proc: str) -> bool:
    content = _read(f"{proc}/{pid}/stat") or b""
    return content.rpartition(b") ")[2][:1] == b"Z"
