"""The host's own mounts: which file systems it has, and which of them holds a directory.

Source: proc_pid_mountinfo(5); that poll tells of changes is said in proc_pid_mounts(5).
"""

from __future__ import annotations

import os
import select

from collectors.metrics.filesystem.mounts import VIRTUAL, device_of, parse
from runtime.linux import mountinfo
from runtime.linux.mountinfo import Mount

# Mounts of the host that are taken for file systems of its own.
_MOST_OF_HOST = 64

# Below these, engines and the kubelet mount tmpfs for containers, and the system for itself.
_OTHERS_TMPFS = tuple(
    f"{directory}/"
    for directory in (
        *("/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet"),
        *("/run/containerd", "/run/containers", "/run/docker", "/run/netns", "/run/user", "/run/credentials"),
        *("/sys", "/proc", "/dev/.", "/run/deckwatch", "/var/lib/deckwatch"),
    )
)


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
        return self._host.mounts.root

    def by_id(self, mount: int) -> Mount | None:
        """The mount of the host (or of the agent) with this id, overlays left out."""
        return self._host.by_id.get(mount) or self._own.by_id.get(mount)

    def is_served(self, mount: Mount) -> bool:
        """Whether a program serves a mount of the host (or of the agent), or one on the way to it."""
        return mount.mount_id in self._host.mounts.served | self._own.mounts.served

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

    def overlay(self, device: str) -> str | None:
        """Where on the host the overlay of this device number is mounted."""
        return self._host.mounts.overlays.get(device)


class _Table:
    """One mountinfo, kept open."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1
        self._changes = select.poll()
        self.by_id: dict[int, Mount] = {}
        self.real: list[Mount] = []
        self.mounts = parse(b"")

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
        parts: list[bytes] = []
        at = 0
        while part := os.pread(self._file, 1 << 20, at):
            parts.append(part)
            at += len(part)
        self.mounts = parse(b"".join(parts))
        found = [mount for mount in (self.mounts.root, *self.mounts.others) if mount is not None]
        self.by_id = {mount.mount_id: mount for mount in found}
        self.real = _file_systems(found)


def _directory(target: str) -> str:
    return f"{target.rstrip('/')}/"


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
