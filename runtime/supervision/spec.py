"""What a user asks of a workload: the schema of `workloads:` and of the API, with its defaults.

Sizes (`128Mi`, or bytes) and durations (`10s`) stay as they were written; `size` and `seconds` read them.
A key that this version does not implement is part of the schema and refused by name elsewhere.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

# `$` alone would let a trailing newline through, and names become file names.
END = r"$(?!\n)"
Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,47}[a-z0-9])?" + END)]
Size = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?([kKMGT]i?)?B?" + END)]
Duration = (
    Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+" + END)]
)
Signal = Annotated[str, Meta(pattern=r"^(SIG)?[A-Z0-9+]+" + END)]

SIZE_UNITS = {"": 1} | {
    prefix + i: (1024 if i else 1000) ** power
    for power, prefixes in enumerate(("kK", "M", "G", "T"), start=1)
    for prefix in prefixes
    for i in ("", "i")
}
DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of a specification: immutable, and an unknown key is an error."""


class Files(Part, frozen=True):
    """Limits per process: open files and processes of the user."""

    nofile: int | None = None
    nproc: int | None = None


class Net(Part, frozen=True):
    """Network classes of cgroup v1."""

    classid: int = 0
    priorities: dict[str, int] = {}


class Resources(Part, frozen=True):
    """Limits; None is unlimited. `swap` is swap beside `memory`; `cpus` counts cores."""

    cpus: Annotated[float, Meta(gt=0)] | None = None
    memory: Size | None = None
    memory_high: Size | None = None
    swap: Size | None = None
    pids: Annotated[int, Meta(ge=1)] | None = None
    cpuset: str | None = None
    io: dict[str, Any] | None = None
    hugetlb: dict[str, Any] | None = None
    files: Files = Files()
    disk: Size | None = None
    shm: Size = "64Mi"
    net: Net = Net()


class Network(Part, frozen=True):
    """Which network namespace, and what is reachable from outside."""

    mode: Literal["none", "host", "bridge", "overlay"] = "none"
    publish: list[str] = []
    dns: list[str] = []
    hosts: dict[str, str] = {}


class Mount(Part, frozen=True):
    """One mount: a volume by name, a bind by source, or a tmpfs by size."""

    type: Literal["volume", "bind", "tmpfs"]
    target: str
    name: str | None = None
    source: str | None = None
    read_only: bool = False
    size: Size | None = None


class NamedFile(Part, frozen=True):
    """A secret or a configuration file, by name, and where the workload sees it."""

    name: str
    target: str


class Capabilities(Part, frozen=True):
    """What to take from and add to the narrow default set."""

    drop: list[str] = []
    add: list[str] = []


class Security(Part, frozen=True):
    """Isolation beyond the namespaces."""

    read_only: bool = False
    capabilities: Capabilities = Capabilities()
    seccomp: str = "default"
    seccomp_archs: str | list[str] = "native"
    no_new_privileges: bool = True
    userns: str | dict[str, Any] = "auto"
    selinux: str | None = None
    apparmor: str | None = None
    no_setuid: bool = False


class Backoff(Part, frozen=True):
    """Delay before a restart: doubles from `min` to `max`; a run longer than `reset` starts afresh."""

    min: Duration = "1s"
    max: Duration = "60s"
    reset: Duration = "5m"


class Restart(Part, frozen=True):
    """When a workload that ended is started again, and after how many quick ends it is not."""

    policy: Literal["always", "on-failure", "unless-stopped", "never"] = "on-failure"
    max: Annotated[int, Meta(ge=0)] = 10
    backoff: Backoff = Backoff()


class Stop(Part, frozen=True):
    """How a workload is stopped: this signal, then after the timeout SIGKILL."""

    signal: Signal = "SIGTERM"
    timeout: Duration = "10s"


class Logs(Part, frozen=True):
    """How much output is kept (`max_files` counts the current one), and what a full disk means."""

    max_size: Size = "10Mi"
    max_files: Annotated[int, Meta(ge=1)] = 5
    compress: bool = True
    on_error: Literal["drop", "block"] = "drop"


class Metrics(Part, frozen=True):
    """Where the workload itself serves metrics."""

    port: Annotated[int, Meta(ge=1, le=65535)]
    path: str = "/metrics"


class Dependency(Part, frozen=True):
    """Another workload that must have reached a condition first."""

    workload: Name
    condition: Literal["started", "healthy", "completed"] = "started"


class WorkloadSpec(Part, frozen=True):
    """One workload as its owner wrote it."""

    name: Name
    image: str | None = None
    rootfs: str | None = None
    verify: dict[str, Any] | None = None
    command: list[str] = []
    working_dir: str | None = None
    env: dict[str, str] = {}
    user: str | int | None = None
    groups: list[str | int] = []
    hostname: str | None = None
    domainname: str | None = None
    labels: dict[str, str] = {}
    init: bool = True
    stdin: bool = False
    tty: bool = False
    replicas: Annotated[int, Meta(ge=0, le=1000)] = 1
    engine: str | None = None
    best_effort: bool = False
    resources: Resources = Resources()
    network: Network = Network()
    mounts: list[Mount] = []
    devices: list[Any] = []
    sysctls: dict[str, str | int] = {}
    secrets: list[NamedFile] = []
    configs: list[NamedFile] = []
    security: Security = Security()
    restart: Restart = Restart()
    health: dict[str, Any] | None = None
    update: dict[str, Any] | None = None
    depends_on: list[Dependency] = []
    stop: Stop = Stop()
    logs: Logs = Logs()
    metrics: Metrics | None = None
    schedule: str | None = None


def size(text: str | int) -> int:
    """Bytes of a size: `128Mi`, `10M` (decimal), `1.5Gi`, or a plain number. ValueError names the text."""
    if isinstance(text, int):
        return text
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kKMGT]?i?)B?", text)
    if found is None or found[2] not in SIZE_UNITS:
        raise ValueError(f"size {text!r} is not a number with one of the units k, M, G, T, Ki, Mi, Gi, Ti")
    return int(float(found[1]) * SIZE_UNITS[found[2]])


def seconds(text: str | int) -> float:
    """Seconds of a duration: `500ms`, `10s`, `1h30m`, or a plain number. ValueError names the text."""
    if isinstance(text, int):
        return float(text)
    if not re.fullmatch(r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+", text):
        raise ValueError(f"duration {text!r} is not a number with one of the units ms, s, m, h, d")
    parts = re.findall(r"([0-9.]+)(ms|s|m|h|d)", text)
    return sum(float(number) * DURATION_UNITS[unit] for number, unit in parts)


def decode(raw: Any) -> WorkloadSpec:
    """A specification from parsed YAML or JSON; msgspec.ValidationError names the key that is wrong."""
    return msgspec.convert(raw, WorkloadSpec)


def replica_name(workload: str, number: int) -> str:
    """Name of a replica: `web-1`."""
    return f"{workload}-{number}"
