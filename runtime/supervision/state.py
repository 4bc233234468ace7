"""The two homes of a workload's state on disk, and the readers of every file in them.

`run_dir/replicas/NAME-N/` is invalid after a reboot: the FIFOs `stdout` and `stderr`, their stages,
`progress`, `status`, `lock`, `monitor.sock`, `start.json` and `config.json` (what the monitor was asked),
`monitor.json` (MonitorFile), `container.json` (ContainerFile), `reaped` (by the zygote).

`state_dir/workloads/` survives: `NAME/desired.json` (Desired), and for each replica
`NAME-N/replica.json` (ReplicaFile), `NAME-N/exits/RUN.json` (ExitRecord), `NAME-N/log/current.log` with
its rotated siblings.

Every file carries `"format": 1`; a file of a newer format is an error that says so, never a guess.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from runtime.linux.errors import DeckwatchError
from runtime.supervision.spec import Resources, WorkloadSpec, size

FORMAT = 1


class StateError(DeckwatchError):
    """A file of state that cannot be used."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits asked for; None where unlimited. cpus in cores, memory and swap in bytes, pids in tasks."""

    cpus: float | None = None
    memory: int | None = None
    memory_high: int | None = None
    swap: int | None = None
    pids: int | None = None


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of one workload. `owner` is `api` or the path of the file that holds it."""

    spec: WorkloadSpec
    owner: str
    generation: int = 1
    stopped: bool = False
    format: int = FORMAT


class ReplicaFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor last knew of one replica. `quick` counts restarts since it last ran well."""

    name: str
    workload: str
    number: int
    run: int = 0
    state: str = "created"
    restarts: int = 0
    quick: int = 0
    generation: int = 1
    handled: int = 0
    message: str = ""
    unenforced: list[str] = []
    seccomp: str = ""
    cgroup: str = ""
    labels: dict[str, str] = {}
    limits: Limits = Limits()
    format: int = FORMAT


class MonitorFile(msgspec.Struct, frozen=True, kw_only=True):
    """The monitor of a running replica."""

    pid: int
    start: int
    boot_id: str
    version: str = ""
    protocol: int = 1
    format: int = FORMAT


class ContainerFile(msgspec.Struct, frozen=True, kw_only=True):
    """The init process of a run; `start` in clock ticks since boot."""

    run: int
    pid: int
    start: int
    boot_id: str
    started_at: float
    cgroup: str = ""
    format: int = FORMAT


class ExitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How one run ended. An unknown code is None; `final` is the cgroup's last reading.

    `refused` says that it did not start because the host cannot give what was asked.
    """

    run: int
    finished_at: float
    reason: str
    started_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    refused: bool = False
    boot_id: str = ""
    final: dict[str, Any] = {}
    format: int = FORMAT


class ReplicaRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One replica as a reader of the state sees it. `pid` is 0 when it does not run."""

    name: str
    workload: str
    run: int
    state: str
    pid: int = 0
    pid_start: int = 0
    cgroup: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    message: str = ""
    restarts: int = 0
    labels: dict[str, str] = {}
    log_path: str = ""
    limits: Limits = Limits()


File = TypeVar("File", Desired, ReplicaFile, MonitorFile, ContainerFile, ExitRecord)


def workload_dir(state_dir: str, name: str) -> str:
    """Where a workload's `desired.json`, or a replica's record, exits and log lie."""
    return f"{state_dir}/workloads/{name}"


def replica_dir(run_dir: str, name: str) -> str:
    """Where a replica's FIFOs, sockets and pids lie."""
    return f"{run_dir}/replicas/{name}"


def log_path(state_dir: str, name: str) -> str:
    """The log file that a replica's monitor is writing."""
    return f"{workload_dir(state_dir, name)}/log/current.log"


def limits_of(resources: Resources) -> Limits:
    """The limits of a specification as numbers."""

    def number(text: str | int | None) -> int | None:
        return None if text is None else size(text)

    return Limits(
        cpus=resources.cpus,
        memory=number(resources.memory),
        memory_high=number(resources.memory_high),
        swap=number(resources.swap),
        pids=resources.pids,
    )


def read(path: str, kind: type[File]) -> File | None:
    """One file of state; None when there is none. StateError when it is damaged or of a newer format."""
    try:
        with open(path, "rb") as file:
            raw = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StateError(f"cannot read {path}: {error}; remove it to start afresh") from error
    found = raw.get("format") if isinstance(raw, dict) else None
    if found != FORMAT:
        raise StateError(
            f"cannot read {path}: format {found}, this version knows {FORMAT}; upgrade deckwatch"
        )
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise StateError(f"cannot read {path}: {error}; remove it to start afresh") from error


def write(path: str, content: msgspec.Struct | dict[str, Any], *, sync: bool = True) -> None:
    """Put one file of state in place at once: a reader sees the old or the new; synced also after a power cut."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.tmp"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(content))
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.rename(temporary, path)


def last_exit(state_dir: str, name: str, run: int | None = None) -> ExitRecord | None:
    """The exit record of one run, or of the latest that has one."""
    exits = f"{workload_dir(state_dir, name)}/exits"
    if run is None:
        try:
            runs = [int(entry[:-5]) for entry in os.listdir(exits) if entry[:-5].isdigit()]
        except FileNotFoundError:
            return None
        run = max(runs, default=0)
    return read(f"{exits}/{run}.json", ExitRecord)


def directories(state_dir: str, holding: str) -> Iterator[str]:
    """Names under `workloads/` that hold a certain file, sorted."""
    try:
        names = sorted(os.listdir(f"{state_dir}/workloads"))
    except FileNotFoundError:
        return
    for name in names:
        if os.path.exists(f"{state_dir}/workloads/{name}/{holding}"):
            yield name


def read_replica(state_dir: str, run_dir: str, name: str, boot_id: str) -> ReplicaRecord | None:
    """One replica from both homes: what is on disk, and whether what runs is of this boot."""
    known = read(f"{workload_dir(state_dir, name)}/replica.json", ReplicaFile)
    if known is None:
        return None
    container = read(f"{replica_dir(run_dir, name)}/container.json", ContainerFile)
    ended = last_exit(state_dir, name, known.run) or last_exit(state_dir, name)
    if container is not None and (container.run != known.run or container.boot_id != boot_id):
        container = None
    alive = container is not None and (ended is None or ended.run != known.run)
    state = "running" if alive else "exited" if known.state == "running" else known.state
    started_at = container.started_at if container else ended.started_at if ended else None
    return ReplicaRecord(
        name=name,
        workload=known.workload,
        run=known.run,
        state=state,
        pid=container.pid if container and alive else 0,
        pid_start=container.start if container and alive else 0,
        cgroup=known.cgroup,
        started_at=started_at,
        finished_at=None if alive or ended is None else ended.finished_at,
        exit_code=None if alive or ended is None else ended.exit_code,
        signal=None if alive or ended is None else ended.signal,
        reason=None if alive or ended is None else ended.reason,
        message=known.message,
        restarts=known.restarts,
        labels=known.labels,
        log_path=log_path(state_dir, name),
        limits=known.limits,
    )


def read_replicas(
    state_dir: str, run_dir: str, on_error: Callable[[StateError], None] | None = None
) -> list[ReplicaRecord]:
    """All replicas, sorted by name. A damaged file hides its own replica only, and goes to `on_error`."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    records = []
    for name in directories(state_dir, "replica.json"):
        try:
            record = read_replica(state_dir, run_dir, name, boot_id)
        except StateError as error:
            if on_error is not None:
                on_error(error)
            continue
        if record is not None:
            records.append(record)
    return records
