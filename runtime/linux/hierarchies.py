"""The cgroup hierarchies of this host, and every path in them as the host counts it.

v1, v2 and hybrid are told from mountinfo, controller by controller; no mount point is taken for granted.
Inside a private cgroup namespace the kernel tells paths from the namespace's root (`/../../docker/x`);
here they are always host-absolute. Source: cgroups(7), cgroup_namespaces(7).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from runtime.linux import mountinfo
from runtime.linux.errors import NotSupported
from runtime.linux.mountinfo import Mount

UNIFIED = "unified"
SYSTEMD = "name=systemd"

# Options of a v1 mount that are no controllers.
_OPTIONS = {"rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "seclabel"}
_DELETED = " (deleted)"


class Hierarchy(NamedTuple):
    """One mounted cgroup hierarchy.

    `controllers` are those it carries (v1: co-mounted ones together, `name=systemd` for a named one;
    v2: those of cgroup.controllers at the mount). `root` is the host path of the cgroup that stands at
    `mountpoint`, "/" when the whole hierarchy is mounted.
    """

    version: int
    controllers: frozenset[str]
    mountpoint: str
    root: str = "/"

    def directory(self, path: str) -> str:
        """Where a host-absolute cgroup path lies in the file system; NotSupported when it is not mounted."""
        if self.root == "/":
            return self.mountpoint + path if path != "/" else self.mountpoint
        if path == self.root or path.startswith(self.root + "/"):
            return self.mountpoint + path[len(self.root) :]
        raise NotSupported(
            f"cgroup {path} lies outside {self.root}, all that is mounted at {self.mountpoint}; "
            "mount the host's /sys/fs/cgroup"
        )


class Hierarchies(NamedTuple):
    """All cgroup hierarchies of the host. `v1` maps each controller to its hierarchy."""

    v1: Mapping[str, Hierarchy]
    unified: Hierarchy | None
    proc: str = "/proc"
    # Host path of this process's cgroup namespace root, per controller; "/" outside a private namespace.
    namespace_roots: Mapping[str, str] = MappingProxyType({})

    @property
    def mode(self) -> str:
        """`v1`, `v2` or `hybrid` (v1 controllers beside a v2 tree)."""
        if self.unified is None:
            return "v1"
        return "hybrid" if self.v1 else "v2"

    def of(self, controller: str) -> Hierarchy | None:
        """The hierarchy that carries a controller, v1 or v2; None when none does."""
        if controller == UNIFIED:
            return self.unified
        if controller in self.v1:
            return self.v1[controller]
        if self.unified is not None and controller in self.unified.controllers:
            return self.unified
        return None

    def all(self) -> list[Hierarchy]:
        """Each hierarchy once: the v1 ones in order of their controllers' names, then the unified one."""
        found = dict.fromkeys(self.v1[name] for name in sorted(self.v1))
        if self.unified is not None:
            found[self.unified] = None
        return list(found)

    def directory(self, controller: str, host_path: str) -> str:
        """Directory of a cgroup in the hierarchy of a controller, or of `unified`.

        Raises NotSupported when no hierarchy carries the controller or the path is not mounted.
        """
        hierarchy = self.of(controller)
        if hierarchy is None:
            raise NotSupported(f"no cgroup hierarchy with {controller} is mounted")
        return hierarchy.directory(host_path)

    def paths_of_pid(self, pid: int | str) -> dict[str, str]:
        """Host-absolute cgroup path of a process per controller, and under `unified`; empty when it is gone.

        Hierarchies that exist without being mounted here are listed too.
        """
        roots = self.namespace_roots
        return {
            name: _host_path(roots.get(name, "/"), path)
            for name, path in _cgroup_file(self.proc, pid).items()
        }

    def id_of(self, paths: Mapping[str, str]) -> str:
        """The id of a container whose process has these paths.

        v2: its path. Beside v1: the path in the systemd or unified hierarchy, else memory's, else the
        longest. A path "/" says only that the hierarchy was not used for it.
        """
        for name in (SYSTEMD, UNIFIED, "memory"):
            if paths.get(name, "/") != "/":
                return paths[name]
        return max((paths[name] for name in sorted(paths)), key=len, default="/")


def detect(proc: str = "/proc") -> Hierarchies:
    """Find the hierarchies that are mounted for this process.

    Of several mounts of one hierarchy the one that shows most of it is taken. An unreadable mountinfo
    raises KernelError; a host without cgroups gives no hierarchy at all.
    """
    groups: dict[frozenset[str], list[Mount]] = {}
    for mount in mountinfo.visible(mountinfo.read(f"{proc}/self/mountinfo"), ("cgroup", "cgroup2")):
        if mount.fs_type == "cgroup2":
            groups.setdefault(frozenset((UNIFIED,)), []).append(mount)
        elif mount.fs_type == "cgroup":
            groups.setdefault(_v1_controllers(mount), []).append(mount)
    own = _cgroup_file(proc, "self")
    v1: dict[str, Hierarchy] = {}
    unified: Hierarchy | None = None
    namespace_roots: dict[str, str] = {}
    for controllers, mounts in groups.items():
        mount = min(mounts, key=_shows_less)
        version = 2 if UNIFIED in controllers else 1
        names = _v2_controllers(mount.target) if version == 2 else controllers
        inside = _namespace_root(mount, mounts, own.get(min(controllers), "/"), version)
        hierarchy = Hierarchy(version, names, mount.target.rstrip("/"), _host_path(inside, mount.root))
        namespace_roots.update(dict.fromkeys(controllers, inside))
        if version == 2:
            unified = hierarchy
        else:
            v1.update(dict.fromkeys(controllers, hierarchy))
    return Hierarchies(v1, unified, proc, namespace_roots)


def _cgroup_file(proc: str, pid: int | str) -> dict[str, str]:
    """/proc/PID/cgroup as the kernel tells it, by controller; empty when the process is gone."""
    try:
        with open(f"{proc}/{pid}/cgroup", "rb") as file:
            content = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    found: dict[str, str] = {}
    for line in content.split(b"\n")[:-1]:
        _, names, raw = line.split(b":", 2)
        path = raw.decode("utf-8", "surrogateescape").removesuffix(_DELETED)
        found.update(dict.fromkeys(names.decode().split(",") if names else (UNIFIED,), path))
    return found


def _host_path(namespace_root: str, path: str) -> str:
    """A path told from a cgroup namespace's root, from the host's root."""
    if namespace_root == "/" and "/.." not in path:
        return path
    return os.path.normpath(f"/{namespace_root.strip('/')}/{path.strip('/')}").replace("//", "/")


def _v1_controllers(mount: Mount) -> frozenset[str]:
    return frozenset(
        option
        for option in mount.super_options
        if option not in _OPTIONS and ("=" not in option or option.startswith("name="))
    )


def _v2_controllers(mountpoint: str) -> frozenset[str]:
    try:
        with open(f"{mountpoint}/cgroup.controllers", encoding="ascii") as file:
            return frozenset(file.read().split())
    except OSError:
        return frozenset()


def _rises(root: str) -> int:
    """How many levels above the cgroup namespace's root a mount's root lies; 0 at or below it."""
    steps = root.strip("/").split("/")
    return len(steps) if all(step == ".." for step in steps) else 0


def _shows_less(mount: Mount) -> tuple[int, int]:
    return -_rises(mount.root), len(mount.root)


def _namespace_root(mount: Mount, mounts: list[Mount], own: str, version: int) -> str:
    """Host path of this process's cgroup namespace root in one hierarchy.

    It shows only when a mount rises above it: then it is the directory that many levels below the mount
    with the inode of the namespace's own mount or, without one, with this thread in it.
    """
    rises = _rises(mount.root)
    if not rises:
        return "/"
    inodes = {os.stat(other.target).st_ino for other in mounts if other.root == "/"}
    tasks = "cgroup.threads" if version == 2 else "tasks"
    thread = b"%d" % threading.get_native_id()
    for path in _descendants(mount.target, rises):
        if inodes:
            if os.stat(mount.target + path).st_ino in inodes:
                return path
        elif _holds(os.path.normpath(f"{mount.target}{path}/{own}/{tasks}"), thread):
            return path
    raise NotSupported(
        f"cannot find this process's own cgroup below {mount.target}; mount the host's whole tree"
    )


def _holds(tasks: str, thread: bytes) -> bool:
    try:
        with open(tasks, "rb") as file:
            return thread in file.read().split()
    except OSError:
        return False


def _descendants(directory: str, depth: int, path: str = "") -> Iterator[str]:
    """Paths of all directories exactly so many levels below."""
    if depth == 0:
        yield path
        return
    try:
        names = sorted(
            entry.name for entry in os.scandir(directory + path) if entry.is_dir(follow_symlinks=False)
        )
    except FileNotFoundError:
        return
    for name in names:
        yield from _descendants(directory, depth - 1, f"{path}/{name}")
