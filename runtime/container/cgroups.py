"""The cgroup of one container in every hierarchy of the host: made, limited, joined, killed, read, removed.

v1, v2 and hybrid. A limit that the host cannot enforce raises Refused with the workload's key; nothing is
left half made. Source: cgroup-v1/*.rst and cgroup-v2.rst of the kernel; OCI runtime-spec config-linux.md.
"""

from __future__ import annotations

import errno
import os
import signal
import time
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.container import limits, usage
from runtime.linux.errors import KernelError

if TYPE_CHECKING:
    from runtime.linux.hierarchies import Hierarchies

_WAIT = 5.0
_PAUSE = 0.002
# Handed down on v2 without any limit too, so that use is counted.
_ACCOUNTED = {"cpu", "memory", "pids", "io"}


class Place(NamedTuple):
    """A container's directory in one hierarchy; `name` is what the hierarchy's mount point is called."""

    version: int
    controllers: tuple[str, ...]
    name: str
    mountpoint: str
    directory: str


class ContainerCgroup:
    """One container's cgroup: a directory in each hierarchy, all with the same host-absolute path."""

    def __init__(self, path: str, places: tuple[Place, ...]) -> None:
        self.path = path
        self.places = places

    @classmethod
    def open(cls, hierarchies: Hierarchies, path: str) -> ContainerCgroup:
        """The cgroup at a path, existing or not, without touching it."""
        return cls(path, places_of(hierarchies, path))

    @classmethod
    def create(cls, hierarchies: Hierarchies, path: str, resources: Mapping[str, Any]) -> ContainerCgroup:
        """Make the cgroup with OCI `linux.resources` in force; parents are made on demand."""
        cgroup = cls.open(hierarchies, path)
        cgroup.make(resources)
        return cgroup

    def make(self, resources: Mapping[str, Any]) -> None:
        """Make the directories and set the limits; Refused or KernelError leaves nothing behind."""
        writes = limits.writes_of(resources, self.controllers())
        # Readable by everybody as all cgroups are, whatever the mask is that keeps run and log files private.
        mask = os.umask(0o022)
        try:
            for place in self.places:
                _make_directory(place, {key for key, _, _ in writes})
            for controller, file, value in writes:
                _set(self, controller, file, value)
        except BaseException:
            self.remove()
            raise
        finally:
            os.umask(mask)

    def controllers(self) -> dict[str, int]:
        """Version (1 or 2) of each controller that this cgroup has."""
        return {name: place.version for place in self.places for name in place.controllers}

    def directory(self, controller: str) -> str | None:
        """Directory where a controller's files of this cgroup are; None without that controller."""
        for place in self.places:
            if controller in place.controllers:
                return place.directory
        return None

    def join(self, pid: int = 0) -> None:
        """Move a process (0: the caller, whatever its pid namespace) into every hierarchy."""
        for place in self.places:
            _write(place.directory + "/cgroup.procs", str(pid))

    def views(self) -> list[tuple[str, str]]:
        """(name below /sys/fs/cgroup, directory) to show inside the container; name "" on v2 alone."""
        if len(self.places) == 1 and self.places[0].version == 2:
            return [("", self.places[0].directory)]
        return [(place.name, place.directory) for place in self.places]

    def processes(self) -> set[int]:
        """Pids of all processes in the cgroup and below it."""
        found: set[int] = set()
        for place in self.places:
            for directory, _, _ in os.walk(place.directory):
                found.update(map(int, usage.read(f"{directory}/cgroup.procs").split()))
        return found

    def populated(self) -> bool:
        """Whether a process is left in the cgroup or below it; the unified hierarchy knows, where there is one."""
        unified = self.directory("unified")
        if unified is not None:
            return bool(usage.keyed(f"{unified}/cgroup.events").get("populated"))
        return bool(self.processes())

    def exists(self) -> bool:
        """Whether it is there, in the first hierarchy that would have it."""
        return bool(self.places) and os.path.exists(self.places[0].directory)

    def kill(self) -> None:
        """SIGKILL to every process, those just forking and those frozen too. Returns without waiting."""
        unified = self.directory("unified")
        if unified is None or not _try_write(f"{unified}/cgroup.kill", "1"):
            self._kill_frozen()
        else:
            self._signal_all()
        self._thaw()

    def final(self) -> dict[str, Any]:
        """What the container used in all, as far as the kernel tells it; see `usage.final`."""
        return usage.final(self.directory, self.controllers())

    def remove(self) -> None:
        """Remove the directories of every hierarchy, those below included; KernelError when it stays busy."""
        for place in self.places:
            _remove_tree(place.directory)

    def remove_if_empty(self) -> None:
        """Remove the directories that have no process and nothing below; others' stay."""
        for place in self.places:
            limit = time.monotonic() + _WAIT
            while time.monotonic() < limit and not _has_below(place.directory):
                try:
                    os.rmdir(place.directory)
                except FileNotFoundError:
                    break
                except OSError:
                    # The last process is still on its way out.
                    time.sleep(_PAUSE)

    def _kill_frozen(self) -> None:
        """Without cgroup.kill: freeze, so that nothing forks, signal all, and let the thaw deliver it."""
        freezer = self.directory("freezer")
        if freezer is not None:
            _try_write(f"{freezer}/freezer.state", "FROZEN")
        self._signal_all()

    def _signal_all(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _thaw(self) -> None:
        freezer = self.directory("freezer")
        if freezer is not None:
            _try_write(f"{freezer}/freezer.state", "THAWED")


def monitors_path(parent: str, run_dir: str) -> str:
    """Cgroup of one agent's zygote and monitors: agents that share a parent must not end each other's."""
    return f"{parent}/monitors/{zlib.crc32(os.fsencode(run_dir)):08x}"


def places_of(hierarchies: Hierarchies, path: str) -> tuple[Place, ...]:
    """A cgroup's directory in each hierarchy that is mounted."""
    found = []
    for hierarchy in hierarchies.all():
        names = tuple(sorted(hierarchy.controllers))
        if hierarchy.version == 2:
            names = ("unified", *names)
        mountpoint = hierarchy.directory("/")
        found.append(
            Place(
                hierarchy.version, names, os.path.basename(mountpoint), mountpoint, hierarchy.directory(path)
            )
        )
    return tuple(found)


def _make_directory(place: Place, wanted: set[str]) -> None:
    """Make a directory with its parents; v2 controllers are handed down, v1 cpusets take their parent's."""
    needed = (wanted | _ACCOUNTED) & set(place.controllers) if place.version == 2 else set()
    _make_below(place, place.directory, needed, wanted)


def _make_below(place: Place, directory: str, needed: set[str], wanted: set[str]) -> None:
    """Make one level and what is missing above it; controllers in `wanted` must come down to it."""
    parent = os.path.dirname(directory)
    if needed and directory != place.mountpoint:
        if parent != place.mountpoint:
            _make_below(place, parent, needed, wanted)
        _hand_down(parent, needed, wanted)
    try:
        os.mkdir(directory)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_below(place, parent, needed, wanted)
        _make_below(place, directory, set(), wanted)
        return
    except OSError as error:
        raise KernelError("make cgroup", directory, error.errno or 0, "run as root") from error
    if place.version == 1 and "cpuset" in place.controllers:
        _inherit_cpuset(parent, directory)


def _hand_down(directory: str, controllers: set[str], wanted: set[str]) -> None:
    """Enable controllers for the children of a v2 cgroup, those that are not yet."""
    enabled = set(usage.read(f"{directory}/cgroup.subtree_control").split())
    for controller in sorted(controllers - enabled):
        try:
            _write(f"{directory}/cgroup.subtree_control", f"+{controller}")
        except KernelError:
            # Without a limit on it the container can do without: its figures are then absent.
            if controller in wanted:
                raise


def _inherit_cpuset(parent: str, child: str) -> None:
    """A new v1 cpuset is empty, and nothing can run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not usage.read(f"{child}/{name}").strip():
            _write(f"{child}/{name}", usage.read(f"{parent}/{name}").strip())


def _set(cgroup: ContainerCgroup, controller: str, file: str, value: str) -> None:
    try:
        _write(f"{cgroup.directory(controller)}/{file}", value)
    except KernelError as error:
        if error.errno == errno.ENOENT and file == limits.MEMSW and not _has_swap():
            return
        raise limits.refusal(controller, file, value, error) from error


def _has_swap(proc: str = "/proc") -> bool:
    """Whether anything can be swapped at all: /proc/swaps has a line after its heading."""
    return len(usage.read(f"{proc}/swaps").splitlines()) > 1


def _write(path: str, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KernelError(f"write {text} to", path, error.errno or 0) from error


def _try_write(path: str, text: str) -> bool:
    """Whether the file exists and took the text."""
    try:
        _write(path, text)
    except KernelError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
            raise
        return False
    return True


def _has_below(directory: str) -> bool:
    try:
        return any(entry.is_dir(follow_symlinks=False) for entry in os.scandir(directory))
    except FileNotFoundError:
        return False


def _remove_tree(directory: str) -> None:
    """Remove a cgroup; while the kernel says EBUSY those below it first, and again for a limited time."""
    limit = time.monotonic() + _WAIT
    while True:
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > limit:
                raise KernelError("remove cgroup", directory, error.errno or 0) from error
        below = [entry.path for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]
        for path in below:
            _remove_tree(path)
        if not below:
            # The last process is still on its way out.
            time.sleep(_PAUSE)
