"""Services and slices of the host's systemd, told by their cgroups, without asking systemd.

Only what stands in slices of the system's own manager is shown: a user's manager is one service, and its units are
the user's to name. Mounts, sockets, swaps and scopes are never shown. Source: systemd, "Control Group APIs
and Delegation".
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace as altered

from collectors.inventory.base import Board
from collectors.inventory.beginnings import Beginnings
from collectors.inventory.directories import DirectoryWatch
from collectors.inventory.kubernetes.podcgroup import pod_uid
from collectors.inventory.machines import machine_of
from collectors.inventory.paths import PathSource
from collectors.inventory.systemd.unitfiles import description
from collectors.inventory.systemd.unitstate import INVOCATION, UNITS, invocation_of, is_populated
from collectors.model import DESCRIPTION, Container, Entry, Network, Role, State
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.inotify import IN_MOVED_TO

ENGINE = "systemd"

_SERVICE = re.compile(r"(?:/[^/]+\.slice)*/(?P<name>[^/]+\.service)")
_SLICE = re.compile(r"(?:/[^/]+\.slice)*/(?P<name>[^/]+\.slice)")

# A new unit's cgroup is filled a moment after it is made.
_AGAIN = (0.02, 0.1, 0.5, 2.0, 5.0)
# Where a unit's cgroup stays though the unit is down, nothing tells; so its population is looked at.
_LOOK_EVERY = 10.0
_SLICE_TIME = 0.004


class Unit(NamedTuple):
    """What a cgroup's path says of the unit that it belongs to."""

    name: str
    role: Role


class Run(NamedTuple):
    """One activation of a service: its invocation id, empty when unknown, and when it began."""

    invocation: str
    began: float | None


def manages(root: str) -> bool:
    """Whether systemd is the host's init. Source: sd_booted(3)."""
    return os.path.isdir(f"{root.rstrip('/')}/run/systemd/system")


def unit_of(path: str) -> Unit | None:
    """The service or slice whose cgroup this is. Pods' slices and machines' units are others' to show."""
    if not path.endswith((".service", ".slice")):
        return None
    for pattern, role in ((_SERVICE, Role.SERVICE), (_SLICE, Role.SLICE)):
        if (found := pattern.fullmatch(path)) is not None:
            if pod_uid(path) is not None or machine_of(path) is not None:
                return None
            # A name that could be taken for one of the kernel's own files stands behind an underscore.
            return Unit(found["name"].removeprefix("_"), role)
    return None


class SystemdSource(PathSource):
    """Shows each unit that has processes, and each slice. `root` is the host's root file system."""

    def __init__(
        self,
        hierarchies: Hierarchies,
        root: str = "/",
        *,
        look_every: float = _LOOK_EVERY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(ENGINE, self._entry)
        self._hierarchies = hierarchies
        self._beginnings = Beginnings(hierarchies)
        self._root = root.rstrip("/")
        self._look_every = look_every
        self._clock = clock
        self._services: dict[str, str] = {}
        self._shown: dict[str, tuple[Run, Entry]] = {}
        self._waiting: dict[str, tuple[int, asyncio.TimerHandle]] = {}
        self._descriptions: dict[str, str] = {}
        self._undescribed: dict[str, str] = {}
        self._unknown = asyncio.Event()

    async def run(self, board: Board) -> None:
        """See `Source.run`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(super().run(board))
                tasks.create_task(self._describe())
                tasks.create_task(self._look())
        finally:
            for path in list(self._waiting):
                self._wait_no_more(path)

    def reset(self, paths: Iterable[str]) -> None:
        """See `PathSource.reset`; only units are kept."""
        units = {path: unit for path in paths if (unit := unit_of(path)) is not None}
        self._services = {unit.name: path for path, unit in units.items() if unit.role is Role.SERVICE}
        super().reset(units)

    def created(self, path: str) -> None:
        """See `PathSource.created`."""
        if (unit := unit_of(path)) is not None:
            if unit.role is Role.SERVICE:
                self._services[unit.name] = path
            self._look_at(path)

    def removed(self, path: str) -> None:
        """See `PathSource.removed`."""
        if (unit := unit_of(path)) is not None:
            self._wait_no_more(path)
            self._shown.pop(path, None)
            self._services.pop(unit.name, None)
            self._descriptions.pop(unit.name, None)
            self._beginnings.forget(path)
            super().removed(path)

    def _look_at(self, path: str) -> None:
        self._wait_no_more(path)
        super().created(path)

    # What a unit is doing

    def _entry(self, path: str) -> Entry | None:
        unit = unit_of(path)
        if unit is None:
            return None
        if unit.role is Role.SLICE:
            return self._made(path, unit, self._beginnings.of(path))
        before = self._shown.get(path)
        if not is_populated(self._hierarchies, path):
            self._look_again(path)
            return self._ended(path, before) if before else None
        self._wait_no_more(path)
        run = self._run(path, unit, before)
        self._shown[path] = run, self._made(path, unit, run.began)
        return self._shown[path][1]

    def _made(self, path: str, unit: Unit, began: float | None) -> Entry:
        container = Container(
            id=path,
            name=unit.name,
            engine=ENGINE,
            role=unit.role,
            state=State.RUNNING,
            created_at=self._created(path, began),
            started_at=began,
            labels=self._labels(path, unit),
        )
        return Entry(container=container, network=Network.NONE)

    def _created(self, path: str, began: float | None) -> float | None:
        """When its cgroup was made, which is before it began; the agent may first see it long after that."""
        made = self._beginnings.of(path)
        return made if made is None or began is None else min(made, began)

    def _ended(self, path: str, before: tuple[Run, Entry]) -> Entry:
        run, entry = before
        if entry.container.state is State.RUNNING:
            entry = altered(entry, container=altered(entry.container, state=State.EXITED))
            self._shown[path] = run, entry
        return entry

    def _run(self, path: str, unit: Unit, before: tuple[Run, Entry] | None) -> Run:
        """The present activation: another id is another run, and so is a return without any id."""
        invocation, at = invocation_of(unit.name, self._root)
        if before is None:
            return Run(invocation, at or self._beginnings.of(path))
        run, entry = before
        if invocation and invocation != run.invocation:
            return Run(invocation, at or self._clock())
        # Without a link the unit is down, and its processes are some that outlived it.
        if not run.invocation and entry.container.state is not State.RUNNING:
            return Run("", self._clock())
        return run

    # Looking again

    def _look_again(self, path: str) -> None:
        attempt, _ = self._waiting.get(path, (0, None))
        if attempt < len(_AGAIN) and path in self._paths:
            handle = asyncio.get_running_loop().call_later(_AGAIN[attempt], super().created, path)
            self._waiting[path] = (attempt + 1, handle)

    def _wait_no_more(self, path: str) -> None:
        _, handle = self._waiting.pop(path, (0, None))
        if handle is not None:
            handle.cancel()

    async def _look(self) -> None:
        """Follow new activations as systemd notes them, and now and then what has processes."""
        looked = time.monotonic()
        with DirectoryWatch() as watch:
            while True:
                watch.add(f"{self._root}/{UNITS}", IN_MOVED_TO)
                changes = await watch.changes(self._look_every)
                names = [one.name.removeprefix(INVOCATION) for one in changes.seen]
                for path in [self._services[name] for name in names if name in self._services]:
                    self._look_at(path)
                if time.monotonic() - looked >= self._look_every:
                    await self._look_at_all()
                    looked = time.monotonic()

    async def _look_at_all(self) -> None:
        slice_end = time.perf_counter() + _SLICE_TIME
        for path in list(self._services.values()):
            if path in self._paths:
                super().created(path)
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + _SLICE_TIME

    # What a unit is

    def _labels(self, path: str, unit: Unit) -> dict[str, str]:
        if unit.name not in self._descriptions:
            self._undescribed[unit.name] = path
            self._unknown.set()
        text = self._descriptions.get(unit.name, "")
        return {DESCRIPTION: text} if text else {}

    async def _describe(self) -> None:
        """Read the files of new units, which may wait for a disk."""
        while True:
            await self._unknown.wait()
            self._unknown.clear()
            wanted, self._undescribed = self._undescribed, {}
            found = await asyncio.to_thread(_described, list(wanted), self._root or "/")
            for name, path in wanted.items():
                if path in self._paths:
                    self._descriptions[name] = found[name]
                    super().created(path)


def _described(names: Iterable[str], root: str) -> dict[str, str]:
    return {name: description(name, root) for name in names}
