"""The words that everything speaks: Container, Entry, Event, and what they are made of.

`Container` is what a user sees (`/api/v1/containers`); `Entry` adds what the collectors need to read it.
Times are float seconds since the epoch inside the process and RFC 3339 at the border.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec


class State(enum.StrEnum):
    """What a container is doing."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    CRASH_LOOP = "crash_loop"
    REFUSED = "refused"


class Reason(enum.StrEnum):
    """Why a run ended."""

    COMPLETED = "completed"
    ERROR = "error"
    SIGNAL = "signal"
    OOM = "oom"
    START_FAILED = "start_failed"
    STOPPED = "stopped"
    LOST = "lost"
    UNKNOWN = "unknown"


class Health(enum.StrEnum):
    """Answer of the container's health check; `none` without a check."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STARTING = "starting"
    NONE = "none"


class EventType(enum.StrEnum):
    """Kinds of lifecycle events."""

    START = "start"
    EXIT = "exit"
    OOM_KILL = "oom_kill"
    RESTART = "restart"
    HEALTH = "health"
    PAUSE = "pause"
    RESUME = "resume"
    REFUSED = "refused"


class Role(enum.StrEnum):
    """What kind of thing a cgroup with an identity is.

    A `sandbox` holds a pod's namespaces, a `pod` is the cgroup around a pod's containers, a `slice` one around
    units: they use resources, but they are no containers that start, end or print.
    """

    CONTAINER = "container"
    SANDBOX = "sandbox"
    POD = "pod"
    SERVICE = "service"
    SLICE = "slice"
    CGROUP = "cgroup"


DESCRIPTION = "description"
"""The label in which a unit of systemd carries what its file says it is."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in force; None where unlimited. cpus in cores, memory and swap in bytes, pids in tasks."""

    cpus: float | None = None
    memory: int | None = None
    memory_high: int | None = None
    swap: int | None = None
    pids: int | None = None


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One container, whoever started it. `id` is its host-absolute cgroup path.

    Unknown values are None, never 0: `exit_code` of a run whose end nobody saw is None.
    `run` counts the runs of this name from 1; `restarts` and `oom_kills` count over all of them.
    `owner` is what a pod belongs to, `ReplicaSet/web-5d4f`.
    `message` is one line about the present state, such as why a workload was refused.
    """

    id: str
    name: str
    engine: str
    engine_id: str = ""
    image: str = ""
    state: State = State.RUNNING
    health: Health = Health.NONE
    run: int = 1
    created_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: Reason | None = None
    restarts: int = 0
    oom_kills: int = 0
    namespace: str = ""
    pod: str = ""
    container: str = ""
    workload: str = ""
    owner: str = ""
    role: Role = Role.CONTAINER
    message: str = ""
    labels: dict[str, str] = {}
    limits: Limits = Limits()


class LogSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a container's output lies: the file being written and its format.

    `format` names a module of collectors.logs.formats: `docker_json`, `docker_local`, `cri` or `plain`.
    Rotated siblings are found beside `path` by the format's own rule.
    """

    path: str
    format: str


class Network(enum.StrEnum):
    """Who owns the network namespace a container sees: only owners carry network series."""

    OWNER = "owner"
    FOLLOWER = "follower"
    HOST = "host"
    NONE = "none"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A container as an inventory reports it: what a user sees, and what is needed to read it.

    `pid` is the init process as the host counts (0 when it does not run), `pid_start` its start time in
    clock ticks since boot (field 22 of /proc/PID/stat), so that a reused pid is never taken for it.
    `addresses` are IP addresses that other processes of this host can reach it by; `ports` the
    exposed TCP ports. `pod_uid` is the pod's uid in Kubernetes.
    """

    container: Container
    pid: int = 0
    pid_start: int = 0
    network: Network = Network.OWNER
    log: LogSource | None = None
    annotations: dict[str, str] = {}
    addresses: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    stop_requested: bool = False
    pod_uid: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to one container. `id` is its number in the ring, rising, never reused.

    `container` is the short identity (id, name, image, engine, namespace, pod, container, workload).
    `observed` is `late` when it was only learnt of afterwards.
    """

    id: int
    time: float
    type: EventType
    container: dict[str, str]
    run: int
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    process: dict[str, Any] | None = None
    health: str | None = None
    observed: str = "live"


def identity(container: Container) -> dict[str, str]:
    """The short identity of a container, as events and log records carry it; empty values left out."""
    names = ("id", "engine_id", "name", "image", "engine", "namespace", "pod", "container", "workload")
    return {name: value for name in names if (value := getattr(container, name))}
