"""Where a container's files lie: its writable layer and its volumes, found by its first process's mounts.

Nothing is asked of an engine. The root mount is an overlay, whose `upperdir` is a directory of the host; or a
subvolume of btrfs; or a file system of its own; or a directory of one. A container on the host's own root has
none. Source: proc_pid_mountinfo(5), overlayfs.rst.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import NamedTuple

from collectors.metrics.crew import Crew, Stuck
from collectors.metrics.filesystem import labels, mounts
from collectors.metrics.filesystem.hostmounts import HostMounts
from collectors.metrics.filesystem.mounts import Mounts, device_of
from collectors.metrics.survey import Subject
from runtime.linux import beneath, btrfs, faraway, quota
from runtime.linux.mountinfo import Mount
from runtime.linux.process import start_time
from runtime.linux.statfs import Space

# What engines mount into every container, and the kernel's own.
_NO_VOLUMES = ("/dev", "/proc", "/sys", "/run/secrets", "/var/run/secrets", "/etc/hosts", "/etc/hostname")
_ALSO_NO_VOLUMES = ("/etc/resolv.conf", "/run/.containerenv")
_LONGEST_TARGET = 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_PROJECT = quota.Project(0, False)


class Place(NamedTuple):
    """One directory that belongs to a container.

    `device` is the number of its file system, which may not answer, `suffix` its label text. It is `path` on the
    host as the agent reaches it, or, with `pid`, within the root of that process; there it lies on the mount of that
    id. `whole` is where that mount is on the host, empty with `pid`. With `own` the file system holds nothing else;
    `project` and `subvolume` are 0 for none. A `served` one is reached through FUSE: no thread of the agent touches it.
    """

    device: str
    suffix: str
    path: str
    whole: str
    mount: int
    pid: int = 0
    own: bool = False
    project: int = 0
    inherits: bool = False
    subvolume: int = 0
    served: bool = False


class Layout(NamedTuple):
    """A container's directories; `layer` is None for one that has no writable layer.

    It is not `complete` when a volume could not be looked at, so that it is worth another look. `crossed` is whether
    who goes through its root may come upon FUSE.
    """

    layer: Place | None = None
    volumes: tuple[Place, ...] = ()
    complete: bool = True
    crossed: bool = False


class Places:
    """Finds directories, and opens them. All that may wait is done by the crew."""

    def __init__(self, host: HostMounts, crew: Crew, proc: str, most_volumes: int) -> None:
        self._host = host
        self._crew = crew
        self._proc = proc
        self._most_volumes = most_volumes

    def find(self, subject: Subject) -> Layout | None:
        """Where the files of a container lie; None when its process is gone.

        Raises OSError without the right to look (EACCES), Stuck when a file system does not answer.
        """
        try:
            seen = mounts.of_process(self._proc, subject.pid)
        except (FileNotFoundError, ProcessLookupError):
            return None
        if subject.pid_start and start_time(subject.pid, self._proc) != subject.pid_start:
            return None
        if seen.root is None or self._is_hosts(seen.root):
            return Layout()
        try:
            layer = self._layer(subject.pid, seen.root, served=seen.root.mount_id in seen.served)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return self._with_volumes(subject.pid, seen, layer)

    def open(self, place: Place) -> int:
        """Descriptor of a place, to be closed by the caller, in a call of the crew; OSError when it is gone."""
        if place.pid:
            descriptor = self._open_within(place.pid, place.path)
        else:
            descriptor = os.open(place.path, _DIRECTORY)
        if beneath.mount_of(descriptor) != place.mount:
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "is no longer mounted", place.path)
        return descriptor

    def space_of_served(self, place: Place) -> Space:
        """Figures of a place that FUSE may keep waiting for ever, which takes a process instead of a thread."""
        if place.pid:
            return faraway.space(f"{self._proc}/{place.pid}/root", place.path, place.mount)
        whole = place.whole.removeprefix(self._host.prefix)
        return faraway.space(self._host.prefix or "/", whole, place.mount)

    def _open_within(self, pid: int, path: str) -> int:
        root = os.open(f"{self._proc}/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return beneath.open_beneath(root, path)
        finally:
            os.close(root)

    def _is_hosts(self, mount: Mount) -> bool:
        host = self._host.root
        return host is not None and (mount.device, mount.root) == (host.device, host.root)

    def _layer(self, pid: int, root: Mount, *, served: bool) -> Place | None:
        if root.fs_type == "overlay":
            upper = next((one[9:] for one in root.super_options if one.startswith("upperdir=")), "")
            return self._upper(upper, root) if upper else None
        if "ro" in root.options or root.fs_type.encode() in mounts.VIRTUAL:
            return None
        found = Place(
            *(root.device, labels.suffix(device_of(root)), "/", "", root.mount_id, pid), served=served
        )
        # What FUSE serves as a root is made of layers elsewhere, whose file system others share.
        return found if served else self._told(found, root)

    def _upper(self, upper: str, root: Mount) -> Place | None:
        """The writable layer of an overlay; None when it is not the host that mounted it."""
        if not upper.startswith("/"):
            # Mounted from within the engine's directory, to keep the options short; its target is ID/merged there.
            target = self._host.overlay(root.device)
            if target is None:
                return None
            upper = os.path.join(os.path.dirname(os.path.dirname(target)), upper)
        path = self._host.prefix + upper

        def facts() -> tuple[int, quota.Project, int]:
            descriptor = os.open(path, _DIRECTORY)
            try:
                return beneath.mount_of(descriptor), *_accounts(descriptor)
            finally:
                os.close(descriptor)

        mount = self._host.holding(upper)
        if mount is not None and self._host.is_served(mount):
            return self._upper_on(mount, upper, _NO_PROJECT, 0)
        project, subvolume = _NO_PROJECT, 0
        try:
            number, project, subvolume = self._crew.ask(
                os.path.dirname(os.path.dirname(path)), f"open of {path}", facts
            )
            mount = self._host.by_id(number)
        except FileNotFoundError:
            return None
        except PermissionError:
            # Engines close their directories to others; the file system's own figures are no secret.
            pass
        return None if mount is None else self._upper_on(mount, upper, project, subvolume)

    def _upper_on(self, mount: Mount, upper: str, project: quota.Project, subvolume: int) -> Place:
        whole, path = self._host.prefix + mount.target, self._host.prefix + upper
        return Place(
            *(mount.device, labels.suffix(device_of(mount)), path, whole, mount.mount_id),
            own=mount.root == "/" and mount.target == os.path.dirname(upper) != "/",
            project=project.id,
            inherits=project.inherits,
            subvolume=subvolume,
            served=self._host.is_served(mount),
        )

    def _with_volumes(self, pid: int, seen: Mounts, layer: Place | None) -> Layout:
        """Mounted directories with figures of their own: not those that share the host's or the layer's."""
        host = self._host.root
        shared = {place.device for place in (host, layer) if place is not None}
        found: dict[str, Place] = {}
        complete = True
        for mount in filter(_may_be_volume, seen.others):
            if len(found) >= self._most_volumes:
                break
            suffix = labels.suffix(device_of(mount), mount.target)
            place = Place(
                *(mount.device, suffix, mount.target, "", mount.mount_id, pid),
                served=mount.mount_id in seen.served,
            )
            try:
                place = self._told(place, mount)
            except (NotADirectoryError, FileNotFoundError):
                continue
            except (Stuck, OSError):
                complete = False
                continue
            if place.project or place.subvolume or mount.device not in shared:
                found.setdefault(suffix, place)
        crossed = layer is not None and layer.pid > 0 and bool(seen.served)
        return Layout(layer, tuple(found.values()), complete, crossed)

    def _told(self, place: Place, mount: Mount) -> Place:
        """A place within the container with what its directory tells of it, unless that is FUSE's."""
        whole = mount.root == "/" and mount.fs_type != "btrfs" and not self._is_hosts(mount)
        if place.served:
            return place._replace(own=whole)

        def facts() -> tuple[quota.Project, int]:
            descriptor = self.open(place)
            try:
                return _accounts(descriptor)
            finally:
                os.close(descriptor)

        doing = f"open of {place.path} in process {place.pid}"
        project, subvolume = self._crew.ask(place.device, doing, facts)
        return place._replace(own=whole, project=project.id, inherits=project.inherits, subvolume=subvolume)


def _accounts(descriptor: int) -> tuple[quota.Project, int]:
    """The quota project and the subvolume that are a directory's own, as far as its file system has any."""
    project, subvolume = _NO_PROJECT, 0
    with contextlib.suppress(OSError):
        project = quota.project(descriptor)
    if os.fstat(descriptor).st_ino == btrfs.SUBVOLUME_INODE:
        with contextlib.suppress(OSError):
            subvolume = btrfs.subvolume(descriptor)
    return project, subvolume


def _may_be_volume(mount: Mount) -> bool:
    """Whether a mount is worth a look; a read-only tmpfs holds the secrets and settings of a pod."""
    target = mount.target
    if mount.fs_type == "tmpfs" and "ro" in mount.options:
        return False
    return len(target) <= _LONGEST_TARGET and not any(
        target == one or target.startswith(f"{one}/") for one in (*_NO_VOLUMES, *_ALSO_NO_VOLUMES)
    )
