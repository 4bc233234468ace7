"""What a workload asks for that this version or this host cannot give: each by key, with the remedy.

Nothing is ignored: what is not implemented is always refused; what only the host lacks is refused too,
unless the workload is `best_effort`, where `enforceable` leaves it out and lists it.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from runtime.container import limits
from runtime.linux import capabilities
from runtime.linux.errors import DeckwatchError, Refused
from runtime.linux.hierarchies import Hierarchies
from runtime.supervision.resources import oci_resources
from runtime.supervision.spec import Files, Resources, WorkloadSpec

LIMITS = ("cpus", "memory", "swap", "memory_high", "pids", "cpuset")
_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")


@dataclass(frozen=True, slots=True)
class Host:
    """What matters of this host: cgroup controllers with their version, swap accounting, hard limits, rights."""

    controllers: dict[str, int]
    swap_is_limited: bool
    nofile: int
    nproc: int
    rootless: bool = False
    capabilities: int = -1

    @classmethod
    def detect(cls, hierarchies: Hierarchies, *, rootless: bool) -> Host:
        """Look at this host."""
        controllers = {
            name: hierarchy.version for hierarchy in hierarchies.all() for name in hierarchy.controllers
        }
        return cls(
            controllers={} if rootless else controllers,
            swap_is_limited=_swap_is_limited(hierarchies),
            nofile=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
            nproc=resource.getrlimit(resource.RLIMIT_NPROC)[1],
            rootless=rootless,
            capabilities=_own_capabilities(hierarchies.proc),
        )


def check(spec: WorkloadSpec, host: Host) -> list[Refused]:
    """Everything that keeps this workload from starting here; empty when it can."""
    found = [*_not_implemented(spec), *_wrong(spec, host)]
    return found if spec.best_effort else found + list(_unenforceable(spec, host))


def enforceable(spec: WorkloadSpec, host: Host) -> tuple[WorkloadSpec, list[Refused]]:
    """A best-effort workload without what this host cannot enforce, and what that was."""
    left_out = list(_unenforceable(spec, host))
    keys = {refused.key.removeprefix("resources.") for refused in left_out}
    kept = {name: None for name in LIMITS if name in keys}
    files = Files(
        nofile=None if "files.nofile" in keys else spec.resources.files.nofile,
        nproc=None if "files.nproc" in keys else spec.resources.files.nproc,
    )
    resources = msgspec.structs.replace(spec.resources, files=files, **kept)
    return msgspec.structs.replace(spec, resources=resources), left_out


def _not_implemented(spec: WorkloadSpec) -> Iterator[Refused]:
    """Keys of the schema that this version does not implement yet."""
    security, network, resources = spec.security, spec.network, spec.resources
    asked = {
        "image": (spec.image is not None, "use rootfs: /path or rootfs: host"),
        "verify": (spec.verify is not None, "leave it out"),
        "engine": (spec.engine not in (None, "builtin"), "use engine: builtin"),
        "stdin": (spec.stdin, "leave it out"),
        "tty": (spec.tty, "leave it out"),
        "devices": (bool(spec.devices), "bind-mount what the device offers instead"),
        "secrets": (bool(spec.secrets), "bind-mount a file that only the workload's user can read"),
        "configs": (bool(spec.configs), "bind-mount the file"),
        "health": (spec.health is not None, "leave it out"),
        "update": (spec.update is not None, "leave it out"),
        "depends_on": (bool(spec.depends_on), "let the command wait for what it needs"),
        "schedule": (spec.schedule is not None, "start it from cron with `deckwatch start`"),
        "network.mode": (network.mode in ("bridge", "overlay"), "use none or host"),
        "network.publish": (bool(network.publish), "use network.mode: host"),
        "network.dns": (bool(network.dns), "bind-mount a resolv.conf"),
        "network.hosts": (bool(network.hosts), "bind-mount a hosts file"),
        "resources.io": (resources.io is not None, "leave it out"),
        "resources.hugetlb": (resources.hugetlb is not None, "leave it out"),
        "resources.disk": (resources.disk is not None, "use tmpfs mounts with a size"),
        "resources.net": (bool(resources.net.classid or resources.net.priorities), "leave it out"),
        "security.seccomp": (security.seccomp not in ("default", "unconfined"), "leave it out"),
        "security.seccomp_archs": (security.seccomp_archs != "native", "leave it out"),
        "security.selinux": (security.selinux is not None, "leave it out"),
        "security.apparmor": (security.apparmor is not None, "leave it out"),
        "security.no_setuid": (security.no_setuid, "keep no_new_privileges: true, which covers setuid"),
        "security.userns": (isinstance(security.userns, dict), "use auto or host"),
    }
    for key, (wanted, remedy) in asked.items():
        if wanted:
            yield Refused(key, "is not implemented in this version", remedy)
    for position, mount in enumerate(spec.mounts):
        if mount.type == "volume":
            yield Refused(f"mounts[{position}].type", "volume is not implemented in this version", "use bind")


def _wrong(spec: WorkloadSpec, host: Host) -> Iterator[Refused]:
    """What is contradictory or cannot be found."""
    if not spec.command:
        yield Refused("command", "is empty and there is no image to take it from", "give it")
    if spec.image is None and spec.rootfs is None:
        yield Refused("rootfs", "neither image nor rootfs is given", "use rootfs: /path or rootfs: host")
    if spec.rootfs not in (None, "host") and not os.path.isdir(str(spec.rootfs)):
        yield Refused("rootfs", f"{spec.rootfs} is no directory", "unpack a root file system there")
    for key, path in _paths(spec):
        if not path.startswith("/"):
            yield Refused(key, f"{path} is not absolute", "begin it with /")
    if spec.resources.swap is not None and spec.resources.memory is None:
        yield Refused("resources.swap", "means nothing without a memory limit", "set resources.memory")
    if host.rootless and spec.security.userns == "host":
        yield Refused("security.userns", "host needs root", "use auto or run the agent as root")
    if host.rootless and spec.groups:
        yield Refused("groups", "cannot be set without root", "run the agent as root")
    for position, mount in enumerate(spec.mounts):
        if mount.type == "bind" and not (mount.source and os.path.exists(mount.source)):
            yield Refused(f"mounts[{position}].source", f"{mount.source} does not exist", "create it")
    yield from _wrong_capabilities(spec, host)
    yield from _wrong_sysctls(spec)


def _paths(spec: WorkloadSpec) -> Iterator[tuple[str, str]]:
    """Every path that has to be absolute, with its key."""
    if spec.rootfs not in (None, "host"):
        yield "rootfs", str(spec.rootfs)
    if spec.working_dir is not None:
        yield "working_dir", spec.working_dir
    for position, mount in enumerate(spec.mounts):
        yield f"mounts[{position}].target", mount.target
        if mount.type == "bind" and mount.source:
            yield f"mounts[{position}].source", mount.source


def _wrong_capabilities(spec: WorkloadSpec, host: Host) -> Iterator[Refused]:
    asked = spec.security.capabilities
    for key, names in (("add", asked.add), ("drop", asked.drop)):
        for name in names:
            full = name if name.startswith("CAP_") else f"CAP_{name}"
            where = f"security.capabilities.{key}"
            if name != "ALL" and full not in capabilities.NUMBERS:
                yield Refused(where, f"{name} is no capability", "see capabilities(7)")
            elif key == "add" and name == "ALL":
                yield Refused(where, "ALL would undo the isolation", "add those that are needed by name")
            elif (
                key == "add" and not host.rootless and not host.capabilities >> capabilities.NUMBERS[full] & 1
            ):
                yield Refused(where, f"the agent itself has no {full}", "give it to the agent's service")


def _wrong_sysctls(spec: WorkloadSpec) -> Iterator[Refused]:
    """Only parameters that belong to a namespace of the container may be set."""
    for key in spec.sysctls:
        own_network = key.startswith("net.") and spec.network.mode != "host"
        if not own_network and not key.startswith(_SYSCTLS):
            yield Refused(f"sysctls.{key}", "belongs to the whole host", "set it on the host by sysctl")


def _unenforceable(spec: WorkloadSpec, host: Host) -> Iterator[Refused]:
    """Limits that this host has no means for."""
    for name in LIMITS:
        value = getattr(spec.resources, name)
        if value is None:
            continue
        key = f"resources.{name}"
        if host.rootless:
            yield Refused(key, "needs a cgroup, which an ordinary user has not", "run the agent as root")
        elif name == "swap":
            if not host.swap_is_limited:
                yield Refused(key, "this kernel does not limit swap", "boot with swapaccount=1")
        else:
            yield from _cgroup_refusal(name, spec.resources, host)
    for name, hard in (("nofile", host.nofile), ("nproc", host.nproc)):
        value = getattr(spec.resources.files, name)
        raises = value is not None and hard != resource.RLIM_INFINITY and value > hard
        if raises and not host.capabilities >> capabilities.NUMBERS["CAP_SYS_RESOURCE"] & 1:
            reason = f"{value} is above the hard limit {hard} and the agent has no CAP_SYS_RESOURCE"
            yield Refused(f"resources.files.{name}", reason, f"ask for at most {hard}")


def _cgroup_refusal(name: str, resources: Resources, host: Host) -> Iterator[Refused]:
    """The refusal that setting this limit alone would meet."""
    alone = Resources(**{name: getattr(resources, name)})
    try:
        limits.writes_of(oci_resources(alone), host.controllers)
    except Refused as refused:
        yield refused


def _swap_is_limited(hierarchies: Hierarchies) -> bool:
    """Whether swap can be limited, or there is none."""
    memory = hierarchies.of("memory")
    name = "memory.memsw.limit_in_bytes" if memory is not None and memory.version == 1 else ""
    if name and memory is not None and os.path.exists(f"{memory.mountpoint}/{name}"):
        return True
    if memory is not None and memory.version == 2:
        return True
    try:
        with open(f"{hierarchies.proc}/meminfo", encoding="ascii") as file:
            return any(line.split()[:2] == ["SwapTotal:", "0"] for line in file)
    except OSError as error:
        raise DeckwatchError(
            f"cannot read {hierarchies.proc}/meminfo: {error.strerror}; mount proc"
        ) from error


def _own_capabilities(proc: str) -> int:
    with open(f"{proc}/self/status", encoding="utf-8", errors="replace") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
