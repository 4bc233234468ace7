"""A workload's specification as an OCI configuration: `config_for`; what cannot be done: `refusals.check`.

Source: OCI runtime-spec config.md and config-linux.md. Hidden and read-only paths, devices and mounts are
those of current container engines; capabilities are fewer.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Sequence
from typing import Any

from runtime.container import bundle, hostroot
from runtime.linux import capabilities
from runtime.supervision import users
from runtime.supervision.refusals import Host, check, enforceable
from runtime.supervision.resources import oci_resources, oci_rlimits
from runtime.supervision.spec import Mount, WorkloadSpec, size

__all__ = ["Host", "check", "config_for", "enforceable"]

NOBODY = 65534
CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)


def config_for(
    spec: WorkloadSpec,
    replica: str,
    *,
    cgroup_path: str,
    hidden: Sequence[str],
    rootless: bool,
    uid: int,
    gid: int,
) -> dict[str, Any]:
    """The config.json of one replica. `uid` and `gid` are the agent's own, mapped to the workload's when rootless.

    `hidden` are directories of the host that a workload on the host's root must not see. The
    specification must have passed `check`.
    """
    host_root = spec.rootfs == "host"
    rootfs = "/" if host_root else str(spec.rootfs)
    user = users.resolve(spec.user, rootfs, default=NOBODY if host_root else 0)
    groups = [users.group_id(group, rootfs) for group in spec.groups]
    config: dict[str, Any] = {
        "ociVersion": "1.0.2",
        "process": _process(spec, replica, user, groups),
        "root": {"path": rootfs, "readonly": spec.security.read_only},
        "hostname": spec.hostname or replica,
        "mounts": _mounts(spec, host_root, rootless),
        "annotations": {
            bundle.ROOTFS: "host" if host_root else "directory",
            bundle.INIT: "true" if spec.init else "false",
            bundle.HIDDEN: json.dumps(_hidden(spec, hidden) if host_root else []),
            bundle.SECCOMP: "none" if spec.security.seccomp == "unconfined" else "narrow",
        },
        "linux": {
            "cgroupsPath": cgroup_path,
            "namespaces": [{"type": name} for name in _namespaces(spec, rootless)],
            "resources": {} if rootless else oci_resources(spec.resources),
            "sysctl": {key: str(value) for key, value in spec.sysctls.items()},
            "readonlyPaths": list(READ_ONLY_PATHS),
            "maskedPaths": [*MASKED_PATHS, *_thermal()],
        },
    }
    if spec.domainname:
        config["domainname"] = spec.domainname
    if rootless:
        config["linux"]["uidMappings"] = [{"containerID": user.uid, "hostID": uid, "size": 1}]
        config["linux"]["gidMappings"] = [{"containerID": user.gid, "hostID": gid, "size": 1}]
    return config


def _hidden(spec: WorkloadSpec, hidden: Sequence[str]) -> list[str]:
    """What a workload on the host's root does not see of it."""
    return [*hidden, *hostroot.doors(mount.target for mount in spec.mounts)]


def _process(spec: WorkloadSpec, replica: str, user: users.User, groups: Sequence[int]) -> dict[str, Any]:
    environment = {"PATH": bundle.DEFAULT_PATH, "HOME": user.home, "HOSTNAME": spec.hostname or replica}
    return {
        "args": list(spec.command),
        "cwd": spec.working_dir or "/",
        "env": [f"{key}={value}" for key, value in (environment | spec.env).items()],
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(groups)},
        "capabilities": _capabilities(spec, user.uid),
        "noNewPrivileges": spec.security.no_new_privileges,
        "rlimits": oci_rlimits(spec.resources),
    }


def _capabilities(spec: WorkloadSpec, uid: int) -> dict[str, list[str]]:
    """Root has the whole set; another user only what was added by name, which then survives execve."""
    asked = spec.security.capabilities
    dropped = {capability for name in asked.drop for capability in named(name)}
    added = {capability for name in asked.add for capability in named(name)}
    bounding = sorted((set(CAPABILITIES) - dropped) | added)
    if uid == 0:
        return {"bounding": bounding, "effective": bounding, "permitted": bounding}
    own = sorted(added)
    sets = ("effective", "permitted", "inheritable", "ambient")
    return {"bounding": bounding} | dict.fromkeys(sets, own)


def named(name: str) -> tuple[str, ...]:
    """Capabilities that `NET_RAW`, `CAP_NET_RAW` or `ALL` means."""
    if name == "ALL":
        return capabilities.NAMES
    return (name if name.startswith("CAP_") else f"CAP_{name}",)


def _namespaces(spec: WorkloadSpec, rootless: bool) -> list[str]:
    found = ["pid", "mount", "uts", "ipc", "cgroup"]
    if spec.network.mode != "host":
        found.append("network")
    return ["user", *found] if rootless else found


def _mounts(spec: WorkloadSpec, host_root: bool, rootless: bool) -> list[dict[str, Any]]:
    """The standard file systems, the host root's private directories, then the workload's own."""
    shm = size(spec.resources.shm)
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    quiet = ["nosuid", "noexec", "nodev"]
    found = [
        _mount("/proc", "proc", quiet),
        _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", terminals if rootless else [*terminals, "gid=5"]),
        _mount("/dev/shm", "tmpfs", [*quiet, "mode=1777", f"size={shm}"]),
        _mount("/dev/mqueue", "mqueue", quiet),
    ]
    if rootless and spec.network.mode == "host":
        # A new sysfs needs a network namespace of one's own.
        found.append(_mount("/sys", "bind", ["rbind", "ro", *quiet], source="/sys"))
    else:
        found.append(_mount("/sys", "sysfs", [*quiet, "ro"]))
    if not rootless:
        found.append(_mount("/sys/fs/cgroup", "cgroup", [*quiet, "ro"]))
    if host_root:
        found += hostroot.own_mounts()
    return found + [_own_mount(mount) for mount in spec.mounts]


def _mount(target: str, kind: str, options: list[str], source: str = "") -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": source or kind, "options": options}


def _own_mount(mount: Mount) -> dict[str, Any]:
    access = "ro" if mount.read_only else "rw"
    if mount.type == "bind":
        return _mount(
            mount.target, "bind", ["rbind", "rprivate", "nosuid", "nodev", access], str(mount.source)
        )
    limit = [f"size={size(mount.size)}"] if mount.size is not None else []
    return _mount(mount.target, "tmpfs", ["nosuid", "nodev", "mode=1777", access, *limit])


def _thermal() -> list[str]:
    """Per processor a directory that tells the host's load by its heat."""
    return sorted(glob.glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle"))
