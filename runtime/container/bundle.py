"""An OCI configuration turned into a plan: everything decided and encoded before the container is forked.

The child only executes the plan: it imports nothing and looks nothing up. Source: OCI runtime-spec
config.md, config-linux.md. Extensions are annotations `deckwatch.io/…`.
"""

from __future__ import annotations

import errno
import json
import os
import resource
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from runtime.container.failure import StartError
from runtime.linux import capabilities, mounts, namespaces, seccomp
from runtime.linux.namespaces import IdMapping

ROOTFS = "deckwatch.io/rootfs"
INIT = "deckwatch.io/init"
HIDDEN = "deckwatch.io/hidden"
SECCOMP = "deckwatch.io/seccomp"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ADD = {
    "ro": mounts.RDONLY,
    "nosuid": mounts.NOSUID,
    "nodev": mounts.NODEV,
    "noexec": mounts.NOEXEC,
    "noatime": mounts.NOATIME,
    "nodiratime": mounts.NODIRATIME,
    "strictatime": mounts.STRICTATIME,
    "relatime": 0,
}
_REMOVE = {
    "rw": mounts.RDONLY,
    "suid": mounts.NOSUID,
    "dev": mounts.NODEV,
    "exec": mounts.NOEXEC,
    "atime": mounts.NOATIME,
    "diratime": mounts.NODIRATIME,
}
_PROPAGATION = {
    "private": mounts.PRIVATE,
    "slave": mounts.SLAVE,
    "shared": mounts.SHARED,
    "unbindable": mounts.UNBINDABLE,
}


_LAST_CAPABILITY = capabilities.last()


class Rlimit(NamedTuple):
    """One resource limit; `name` is the OCI one (RLIMIT_NOFILE)."""

    name: str
    kind: int
    soft: int
    hard: int


class CapabilitySets(NamedTuple):
    """The five sets as bit masks."""

    bounding: int
    effective: int
    permitted: int
    inheritable: int
    ambient: int


class MountPlan(NamedTuple):
    """One mount: `kind` is the file system, or `bind`; attributes to set and clear; options for the kernel."""

    target: str
    kind: str
    source: str
    add: int
    remove: int
    recursive: bool
    propagation: int
    options: tuple[tuple[str, str | None], ...]


class Plan(NamedTuple):
    """All that the child does, in plain values."""

    argv: tuple[bytes, ...]
    env: Mapping[bytes, bytes]
    search: tuple[bytes, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int
    capabilities: CapabilitySets
    last_capability: int
    no_new_privs: bool
    seccomp: seccomp.Filter | None
    rlimits: tuple[Rlimit, ...]
    oom_score_adj: int | None
    namespaces: int
    joined: tuple[tuple[int, str], ...]
    uid_map: tuple[IdMapping, ...]
    gid_map: tuple[IdMapping, ...]
    hostname: str
    domainname: str
    sysctls: tuple[tuple[str, str], ...]
    rootfs: str
    host_root: bool
    read_only: bool
    mounts: tuple[MountPlan, ...]
    read_only_paths: tuple[str, ...]
    masked_paths: tuple[str, ...]
    init: bool


def plan_of(config: Mapping[str, Any], rootfs: str) -> Plan:
    """The plan of an OCI configuration; StartError (stage `config`) names the key that is wrong."""
    try:
        return _plan(config, rootfs)
    except (KeyError, TypeError, ValueError) as error:
        raise StartError("config", errno.EINVAL, f"config.json is wrong: {error!r}") from error


def _plan(config: Mapping[str, Any], rootfs: str) -> Plan:
    process = config["process"]
    linux = config.get("linux", {})
    notes = config.get("annotations", {})
    user = process.get("user", {})
    env = _environment(process.get("env", ()))
    created, joined = _namespaces(linux.get("namespaces", ()))
    hidden = tuple(json.loads(notes.get(HIDDEN, "[]")))
    argv = tuple(os.fsencode(word) for word in process["args"])
    sets = _capability_sets(process.get("capabilities", {}))
    if not argv:
        raise ValueError("process.args is empty")
    return Plan(
        argv=argv,
        env=env,
        search=tuple(env.get(b"PATH", DEFAULT_PATH.encode()).split(b":")),
        cwd=process.get("cwd", "/"),
        uid=int(user.get("uid", 0)),
        gid=int(user.get("gid", 0)),
        groups=tuple(user.get("additionalGids", ())),
        umask=int(user.get("umask", 0o022)),
        capabilities=sets,
        last_capability=_LAST_CAPABILITY,
        no_new_privs=bool(process.get("noNewPrivileges", False)),
        seccomp=seccomp.narrow(sets.bounding) if notes.get(SECCOMP) == "narrow" else None,
        rlimits=tuple(_rlimit(entry) for entry in process.get("rlimits", ())),
        oom_score_adj=process.get("oomScoreAdj"),
        namespaces=created,
        joined=joined,
        uid_map=_id_map(linux.get("uidMappings", ())),
        gid_map=_id_map(linux.get("gidMappings", ())),
        hostname=config.get("hostname", ""),
        domainname=config.get("domainname", ""),
        sysctls=tuple((key, str(value)) for key, value in linux.get("sysctl", {}).items()),
        rootfs=rootfs,
        host_root=notes.get(ROOTFS) == "host",
        read_only=bool(config.get("root", {}).get("readonly", False)),
        mounts=tuple(mount_plan(entry) for entry in config.get("mounts", ())),
        read_only_paths=tuple(linux.get("readonlyPaths", ())),
        masked_paths=(*linux.get("maskedPaths", ()), *hidden),
        init=notes.get(INIT) == "true",
    )


def host_user(config: Mapping[str, Any]) -> tuple[int, int]:
    """(uid, gid) of the container's user as the host counts, through the user namespace's mappings."""
    user = config["process"].get("user", {})
    linux = config.get("linux", {})
    return (
        _outside(int(user.get("uid", 0)), _id_map(linux.get("uidMappings", ()))),
        _outside(int(user.get("gid", 0)), _id_map(linux.get("gidMappings", ()))),
    )


def mount_plan(entry: Mapping[str, Any]) -> MountPlan:
    """One entry of `mounts`, its options sorted into attributes, propagation and the file system's own."""
    add = remove = propagation = 0
    recursive = bind = False
    rest: list[tuple[str, str | None]] = []
    for option in entry.get("options", ()):
        if option in _ADD:
            add |= _ADD[option]
        elif option in _REMOVE:
            remove |= _REMOVE[option]
        elif option in ("bind", "rbind"):
            bind, recursive = True, option == "rbind"
        elif option.removeprefix("r") in _PROPAGATION:
            propagation = _PROPAGATION[option.removeprefix("r")]
        else:
            key, separator, value = option.partition("=")
            rest.append((key, value if separator else None))
    kind = "bind" if bind else entry.get("type", "bind")
    if kind == "bind" and rest:
        raise ValueError(f"mount {entry['destination']}: unknown options {[key for key, _ in rest]}")
    source = entry.get("source", kind)
    return MountPlan(entry["destination"], kind, source, add, remove, recursive, propagation, tuple(rest))


def _environment(entries: Sequence[str]) -> dict[bytes, bytes]:
    pairs = (os.fsencode(entry).partition(b"=") for entry in entries)
    return {key: value for key, separator, value in pairs if separator}


def _namespaces(entries: Sequence[Mapping[str, str]]) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Flags of the namespaces to create, and (flag, path) of those to join."""
    created = 0
    joined = []
    for entry in entries:
        if entry["type"] == "time":
            raise ValueError("linux.namespaces: type time is not implemented")
        flag = namespaces.FLAGS[entry["type"]]
        if entry.get("path"):
            joined.append((flag, entry["path"]))
        else:
            created |= flag
    return created, tuple(joined)


def _capability_sets(sets: Mapping[str, Sequence[str]]) -> CapabilitySets:
    return CapabilitySets(*(capabilities.mask(sets.get(name, ())) for name in CapabilitySets._fields))


def _rlimit(entry: Mapping[str, Any]) -> Rlimit:
    name = entry["type"]
    return Rlimit(name, getattr(resource, name), _limit(entry["soft"]), _limit(entry["hard"]))


def _limit(value: int) -> int:
    """OCI writes "unlimited" as 2^64 - 1."""
    return resource.RLIM_INFINITY if value >= 1 << 63 else value


def _id_map(entries: Sequence[Mapping[str, int]]) -> tuple[IdMapping, ...]:
    return tuple(IdMapping(entry["containerID"], entry["hostID"], entry["size"]) for entry in entries)


def _outside(inside: int, mappings: Sequence[IdMapping]) -> int:
    if not mappings:
        return inside
    for first, outside, size in mappings:
        if first <= inside < first + size:
            return outside + inside - first
    raise StartError("config", errno.EINVAL, f"id {inside} has no mapping in linux.uidMappings/gidMappings")
