"""An OCI bundle as a runtime was given it: what its config.json says, whoever wrote it.

Source: opencontainers/runtime-spec, config.md and config-linux.md; the systemd form of `cgroupsPath` is runc's
(docs/systemd.md).
"""

from __future__ import annotations

import os
from typing import NamedTuple

import msgspec

from collectors.model import Limits, Network
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import start_time

CONFIG_LIMIT = 8 << 20
_DEFAULT_PERIOD = 100_000


class UnreadableBundle(DeckwatchError):
    """A bundle's configuration that is no such thing, or larger than any that means well."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration says of its container.

    `cgroup` is `cgroupsPath` as it was written; `network` tells whose network namespace it is to have: OWNER of
    one made for it (also when somebody else made it and bound it to a file), FOLLOWER of another process', HOST.
    """

    annotations: dict[str, str] = {}
    cgroup: str = ""
    network: Network = Network.NONE
    limits: Limits = Limits()


class Process(NamedTuple):
    """A container's own process: pid and start as in `Entry`, and the cgroup that is the container's id."""

    pid: int = 0
    start: int = 0
    id: str = ""


class _Namespace(msgspec.Struct):
    type: str = ""
    path: str = ""


class _Memory(msgspec.Struct):
    limit: int | None = None
    swap: int | None = None


class _Cpu(msgspec.Struct):
    quota: int | None = None
    period: int | None = None


class _Pids(msgspec.Struct):
    limit: int | None = None


class _Resources(msgspec.Struct):
    memory: _Memory | None = None
    cpu: _Cpu | None = None
    pids: _Pids | None = None
    unified: dict[str, str] | None = None


class _Linux(msgspec.Struct):
    cgroups_path: str = msgspec.field(name="cgroupsPath", default="")
    namespaces: list[_Namespace] | None = None
    resources: _Resources | None = None


class _Config(msgspec.Struct):
    annotations: dict[str, str] | None = None
    linux: _Linux | None = None


def read_spec(directory: str) -> Spec | None:
    """The configuration of the bundle in a directory; None when there is none (yet, or any more)."""
    try:
        with open(f"{directory}/config.json", "rb") as file:
            content = file.read(CONFIG_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreadableBundle(
            f"cannot read {directory}/config.json: {error.strerror}; run as root"
        ) from error
    if len(content) > CONFIG_LIMIT:
        raise UnreadableBundle(f"{directory}/config.json is larger than {CONFIG_LIMIT} bytes")
    try:
        return spec_of(content)
    except msgspec.MsgspecError as error:
        raise UnreadableBundle(f"{directory}/config.json is no OCI configuration: {error}") from error


def spec_of(content: bytes) -> Spec:
    """What a configuration's text says; raises msgspec.MsgspecError for anything else."""
    config = msgspec.json.decode(content, type=_Config)
    linux = config.linux or _Linux()
    return Spec(
        annotations=config.annotations or {},
        cgroup=linux.cgroups_path,
        network=_network(linux.namespaces or []),
        limits=_limits(linux.resources or _Resources()),
    )


def read_pid(directory: str, name: str = "init.pid") -> tuple[int, float | None]:
    """The pid that a runtime wrote into a bundle and when, to the nanosecond; (0, None) before it did.

    The file stays as long as the bundle, so that its time names the run also after the process.
    """
    try:
        with open(f"{directory}/{name}", "rb") as file:
            text, written = file.read(20).strip(), os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return 0, None
    return (int(text), written / 1e9) if text.isdigit() else (0, None)


def process_of(hierarchies: Hierarchies, pid: int, spec: Spec) -> Process:
    """The process of a pid with its cgroup; nothing when it does not run any more.

    Not for the event loop: /proc/PID/cgroup waits for whoever moves a process between cgroups.
    """
    start = start_time(pid, hierarchies.proc) if pid else 0
    paths = hierarchies.paths_of_pid(pid) if start else {}
    if not paths:
        return Process()
    return Process(pid, start, own_part(hierarchies.id_of(paths), cgroup_path(spec.cgroup)))


def own_part(path: str, made: str) -> str:
    """The part of a process' cgroup that is its container's.

    A process may have moved below the cgroup that was made for it (systemd inside a container does), and all
    of it may stand below another container's.
    """
    at = f"{path}/".find(f"{made}/") if made.strip("/") else -1
    return path if at < 0 else path[: at + len(made)]


def cgroup_path(written: str) -> str:
    """The cgroup that a `cgroupsPath` stands for: itself, or the scope that its systemd form names."""
    parts = written.split(":")
    if len(parts) != 3:
        return f"/{written.strip('/')}" if written.strip("/") else ""
    slice, prefix, name = parts
    unit = name if name.endswith(".slice") else f"{prefix}-{name}.scope" if prefix else f"{name}.scope"
    return f"{_slice_path(slice or 'system.slice')}/{unit}"


def _slice_path(slice: str) -> str:
    """Where systemd puts a slice: `a-b.slice` lies in `a.slice`."""
    if slice == "-.slice":
        return ""
    words = slice.removesuffix(".slice").split("-")
    return "".join(f"/{'-'.join(words[:count])}.slice" for count in range(1, len(words) + 1))


def _network(namespaces: list[_Namespace]) -> Network:
    network = next((one for one in namespaces if one.type == "network"), None)
    if network is None:
        return Network.HOST
    return Network.FOLLOWER if network.path.startswith("/proc/") else Network.OWNER


def _limits(resources: _Resources) -> Limits:
    memory = resources.memory or _Memory()
    cpu = resources.cpu or _Cpu()
    limit = _positive(memory.limit)
    # The two are limited together in a bundle.
    swap = memory.swap - (limit or 0) if _positive(memory.swap) and memory.swap is not None else None
    quota = _positive(cpu.quota)
    high = (resources.unified or {}).get("memory.high", "")
    return Limits(
        cpus=quota / (cpu.period or _DEFAULT_PERIOD) if quota else None,
        memory=limit,
        memory_high=int(high) if high.isdecimal() else None,
        swap=swap,
        pids=_positive((resources.pids or _Pids()).limit),
    )


def _positive(number: int | None) -> int | None:
    """A limit; none is spelled as nothing, 0 or a negative number."""
    return number if number is not None and number > 0 else None
