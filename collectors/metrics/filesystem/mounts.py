"""What is mounted on the host and in a container, without what only looks like a file system.

Source: proc_pid_mountinfo(5); that poll tells of changes is said in proc_pid_mounts(5).
"""

from __future__ import annotations

import contextlib
import os
import select
from typing import NamedTuple

from runtime.linux import mountinfo
from runtime.linux.mountinfo import Mount

# Bytes of a container's list that are looked at, as it may mount what it likes.
_MOST_BYTES = 256 << 10
# Mounts of the host that are taken for file systems of its own.
_MOST_OF_HOST = 64

# Types that hold no files of anybody's, or that are full by nature.
VIRTUAL = frozenset(
    b"autofs binfmt_misc bpf cgroup cgroup2 configfs cramfs debugfs devpts devtmpfs efivarfs erofs fuse.gvfsd-fuse"
    b" fuse.lxcfs fuse.portal fusectl hostfs hugetlbfs iso9660 mqueue nsfs proc pstore ramfs rootfs rpc_pipefs"
    b" securityfs selinuxfs smackfs squashfs sysfs tracefs udf".split()
)
# A program serves these, and may never answer.
_SERVED = (b"fuse", b"fuseblk")
# Below these, engines and the kubelet mount tmpfs for containers, and the system for itself.
_OTHERS_TMPFS = tuple(
    f"{directory}/"
    for directory in (
        *("/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet"),
        *("/run/containerd", "/run/containers", "/run/docker", "/run/netns", "/run/user", "/run/credentials"),
        *("/sys", "/proc", "/dev/.", "/run/deckwatch", "/var/lib/deckwatch"),
    )
)


class Mounts(NamedTuple):
    """One process's mounts: what its `/` is, whatever its type, and the other file systems that hold files.

    `served` are the ids of those that a program serves (FUSE), and of those that are reached through one.
    """

    root: Mount | None
    others: tuple[Mount, ...]
    served: frozenset[int]


def parse(content: bytes) -> Mounts:
    """What a mountinfo lists, in the kernel's order. Overlays that are not the root are somebody's containers."""
    root, others = None, []
    served: set[bytes] = set()
    parents: list[tuple[bytes, bytes]] = []
    for line in content.split(b"\n"):
        _, _, rest = line.partition(b" - ")
        kind = rest[: rest.find(b" ")]
        fields = line.split(b" ", 5)
        if len(fields) < 6 or not kind:
            continue
        parents.append((fields[0], fields[1]))
        if kind in _SERVED or kind.startswith(b"fuse."):
            served.add(fields[0])
        if fields[4] == b"/" or (kind not in VIRTUAL and kind != b"overlay"):
            with contextlib.suppress(ValueError, IndexError):
                mount = mountinfo.parse(line)
                if fields[4] == b"/":
                    root = mount
                else:
                    others.append(mount)
    return Mounts(root, tuple(others), _with_what_is_below(served, parents))


def _with_what_is_below(served: set[bytes], parents: list[tuple[bytes, bytes]]) -> frozenset[int]:
    found = 0
    while len(served) > found:
        found = len(served)
        served.update(mount for mount, parent in parents if parent in served)
    return frozenset(int(mount) for mount in served)


def of_process(proc: str, pid: int) -> Mounts:
    """What a container's first process sees, as far as it is looked at; OSError without the right to look."""
    content = b""
    with open(f"{proc}/{pid}/mountinfo", "rb", buffering=0) as file:
        while len(content) < _MOST_BYTES and (part := file.read(_MOST_BYTES - len(content))):
            content += part
    whole, _, _ = content.rpartition(b"\n")
    return parse(whole)


class HostMounts:
    """The host's mounts, read again when the kernel says that they changed.

    `prefix` leads from the agent to the host's root: empty where both see the same mounts, else through the
    first process.
    """

    def __init__(self, proc: str = "/proc") -> None:
        self._own = _Table(f"{proc}/self/mountinfo")
        self._own.refresh()
        self._host = self._own
        self.prefix = ""
        first = _Table(f"{proc}/1/mountinfo")
        # The mounts of a namespace have ids that no other has.
        if first.refresh() and not first.by_id.keys() & self._own.by_id.keys():
            self._host, self.prefix = first, f"{proc}/1/root"
        if self._host is not first:
            first.close()

    def close(self) -> None:
        """Let go of the kernel's lists."""
        self._own.close()
        self._host.close()

    def refresh(self) -> None:
        """Take over what was mounted and unmounted since."""
        self._own.refresh()
        if self._host is not self._own:
            self._host.refresh()

    @property
    def root(self) -> Mount | None:
        """What the host's `/` is."""
        return self._host.root

    def by_id(self, mount: int) -> Mount | None:
        """The mount of the host (or of the agent) with this id, overlays left out."""
        return self._host.by_id.get(mount) or self._own.by_id.get(mount)

    def is_served(self, mount: Mount) -> bool:
        """Whether a program serves a mount of the host (or of the agent), or one on the way to it."""
        return mount.mount_id in self._host.served or mount.mount_id in self._own.served

    def holding(self, path: str) -> Mount | None:
        """The mount of the host that a path lies on, told by its name alone, as long as no link leads elsewhere."""
        found = None
        for mount in self._host.by_id.values():
            if f"{path}/".startswith(_directory(mount.target)) and (
                found is None or len(mount.target) >= len(found.target)
            ):
                found = mount
        return found

    def real(self) -> list[Mount]:
        """The host's file systems, each once, the first 64 in the kernel's order."""
        return self._host.real

    def target_of(self, device: str) -> str | None:
        """Where on the host a file system of this device number is mounted; an overlay, too."""
        return self._host.target_of(device)


class _Table:
    """One mountinfo, kept open."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1
        self._changes = select.poll()
        self.content = b""
        self.by_id: dict[int, Mount] = {}
        self.real: list[Mount] = []
        self.root: Mount | None = None
        self.served: frozenset[int] = frozenset()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def refresh(self) -> bool:
        """Whether it could be read; it is when it has changed."""
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                self._changes.register(self._file, select.POLLPRI)
            elif not self._changes.poll(0):
                return True
            self._read()
        except OSError:
            return False
        return True

    def _read(self) -> None:
        parts, at = [], 0
        while part := os.pread(self._file, 1 << 20, at):
            parts.append(part)
            at += len(part)
        self.content = b"".join(parts)
        self.root, others, self.served = parse(self.content)
        found = [mount for mount in (self.root, *others) if mount is not None]
        self.by_id = {mount.mount_id: mount for mount in found}
        self.real = _file_systems(found)

    def target_of(self, device: str) -> str | None:
        number = device.encode()
        for line in self.content.split(b"\n"):
            if line.split(b" ", 3)[2:3] == [number]:
                return mountinfo.parse(line).target
        return None


def _directory(target: str) -> str:
    return f"{target.rstrip('/')}/"


def device_of(mount: Mount) -> str:
    """What cAdvisor calls the device: the source; for tmpfs, which has none, where it is mounted."""
    if mount.fs_type == "overlay":
        return f"overlay_{mount.device.replace(':', '-')}"
    if mount.fs_type == "tmpfs" or not mount.source or mount.source == "none":
        return mount.target
    return mount.source


def _file_systems(mounts: list[Mount]) -> list[Mount]:
    """Those of the host itself: each device once, nothing that another mount covers."""
    devices: set[str] = set()
    names: set[str] = set()
    found = []
    for mount in mounts:
        if mount.fs_type.encode() in VIRTUAL or mount.device in devices or device_of(mount) in names:
            continue
        if mount.fs_type == "tmpfs" and (
            mount.target.startswith(_OTHERS_TMPFS) or "/kubernetes.io~" in mount.target
        ):
            continue
        devices.add(mount.device)
        names.add(device_of(mount))
        found.append(mount)
        if len(found) == _MOST_OF_HOST:
            break
    return mountinfo.visible(found, {mount.fs_type for mount in found})
