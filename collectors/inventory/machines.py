"""Containers of systemd-nspawn, LXC and libvirt, told by the cgroups that are made for them.

Source: systemd, "Control Group APIs and Delegation", and machined's scopes; lxc, src/lxc/cgroups
(`lxc.payload.NAME`, before 4.0 `lxc.payload/NAME`, before 3.1 `lxc/NAME`); libvirt, "Control Groups".
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from collectors.cgroups.procs import content_of, pids_in
from collectors.inventory.base import Board
from collectors.inventory.paths import PathSource, created_at
from collectors.model import Container, Entry, State
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import start_time

NAME = "machines"
NSPAWN = "nspawn"
LXC = "lxc"

# What lies above belongs to the host's own units, never to another container.
_UNITS = r"(?:/(?!machine-)(?![^/]*[0-9a-f]{64})[^/]+\.(?:slice|scope|service))*"
_SLICES = r"(?:/[^/]+\.slice)+"
_SCOPE = re.compile(rf"{_SLICES}/machine-(?P<name>[^/]+)\.scope")
_SERVICE = re.compile(rf"{_SLICES}/systemd-nspawn@(?P<name>[^/]+)\.service")
_PAYLOAD = re.compile(rf"{_UNITS}/(?:lxc\.payload[./]|lxc/)(?P<name>[^/]+)")
_LIBVIRT = re.compile(r"(?:/machine(?:\.slice)?)?/(?P<name>[^/]+)\.libvirt-lxc")
# libvirt registers its containers and virtual machines as DRIVER-NUMBER-NAME.
_OF_LIBVIRT = re.compile(r"(?P<driver>lxc|qemu|xen|ch)-\d+-(?P<name>.+)", re.DOTALL)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")

# Where a container's first process sits below its cgroup, the likeliest first.
_PLACES = ("/payload/init.scope", "/payload", "/init.scope", "")
_SUPERVISORS = (b"systemd-nspawn", b"libvirt_lxc", b"lxc-start", b"systemd-vmspawn")
_MOST_LOOKED_AT = 64
_AGAIN = (0.05, 0.2, 0.5, 1.0, 3.0)
_TICKS = os.sysconf("SC_CLK_TCK")


class Machine(NamedTuple):
    """What a cgroup's path says of the container in it."""

    engine: str
    name: str


def machine_of(path: str) -> Machine | None:
    """The container whose cgroup this is; None for every other cgroup, also for those inside one."""
    # Most cgroups are told to be none of these at a glance.
    if "/lxc" not in path and "/machine-" not in path and "-nspawn@" not in path and "-lxc" not in path:
        return None
    if (found := _SCOPE.fullmatch(path)) is not None:
        return _registered(unescaped(found["name"]))
    if (found := _SERVICE.fullmatch(path)) is not None:
        return Machine(NSPAWN, unescaped(found["name"]))
    if (found := _PAYLOAD.fullmatch(path) or _LIBVIRT.fullmatch(path)) is not None:
        return Machine(LXC, found["name"])
    return None


def _registered(name: str) -> Machine | None:
    found = _OF_LIBVIRT.fullmatch(name)
    if found is None:
        return Machine(NSPAWN, name)
    return Machine(LXC, found["name"]) if found["driver"] == "lxc" else None


def unescaped(name: str) -> str:
    """A name without systemd's escapes: `my\\x2dmachine` is `my-machine`."""
    raw = os.fsencode(_ESCAPED.sub(lambda found: os.fsdecode(bytes([int(found[1], 16)])), name))
    return raw.decode("utf-8", "replace")


class MachineSource(PathSource):
    """Shows machines once their first process is there, which may be a while after their cgroup.

    `again` are the waits between looks for it, in seconds; `boot` tells when the host started, in seconds since
    the epoch.
    """

    def __init__(
        self,
        hierarchies: Hierarchies,
        *,
        again: tuple[float, ...] = _AGAIN,
        boot: Callable[[], float] = lambda: time.time() - time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        super().__init__(NAME, self._entry)
        self._hierarchies = hierarchies
        self._again = again
        # Once, because it moves with each correction of the clock; and as coarse as the kernel's ticks, so that
        # the next agent tells the same run by the same time.
        self._boot = round(boot(), 2)
        self._shown: dict[str, Entry] = {}
        self._waiting: dict[str, tuple[int, asyncio.TimerHandle]] = {}

    async def run(self, board: Board) -> None:
        """See `Source.run`."""
        try:
            await super().run(board)
        finally:
            for path in list(self._waiting):
                self._forget(path)

    def reset(self, paths: Iterable[str]) -> None:
        """See `PathSource.reset`; only machines are kept."""
        super().reset(path for path in paths if machine_of(path) is not None)

    def created(self, path: str) -> None:
        """See `PathSource.created`. A cgroup inside a machine may be that of its first process."""
        machine = path if machine_of(path) is not None else self._around(path)
        if machine:
            self._forget(machine)
            super().created(machine)

    def removed(self, path: str) -> None:
        """See `PathSource.removed`."""
        if machine_of(path) is not None:
            self._forget(path)
            self._shown.pop(path, None)
            super().removed(path)

    def _around(self, path: str) -> str:
        """The known machine that a cgroup is one of the first levels of; empty when there is none."""
        for _ in range(2):
            path = path.rpartition("/")[0]
            if path in self._paths:
                return path
        return ""

    def _entry(self, path: str) -> Entry | None:
        machine = machine_of(path)
        if machine is None:
            return None
        before = self._shown.get(path)
        if before is not None and before.pid and start_time(before.pid, self._proc) == before.pid_start:
            return before
        pid = self._leader(path)
        if not pid:
            if not self._is_patience_over(path):
                return before
            pid = self._leader(path, outsiders=True)
        began = start_time(pid, self._proc) if pid else 0
        container = Container(
            id=path,
            name=machine.name,
            engine=machine.engine,
            state=State.RUNNING,
            started_at=self._boot + began / _TICKS if began else created_at(self._hierarchies, path),
        )
        self._shown[path] = Entry(container=container, pid=pid if began else 0, pid_start=began)
        return self._shown[path]

    def _is_patience_over(self, path: str) -> bool:
        """Whether nobody came who could be the first process, though there are some; else look again later."""
        attempt, _ = self._waiting.pop(path, (0, None))
        if attempt < len(self._again):
            handle = asyncio.get_running_loop().call_later(self._again[attempt], super().created, path)
            self._waiting[path] = (attempt + 1, handle)
            return False
        return path not in self._shown and any(pids_in(self._hierarchies, path + place) for place in _PLACES)

    def _forget(self, path: str) -> None:
        _, handle = self._waiting.pop(path, (0, None))
        if handle is not None:
            handle.cancel()

    @property
    def _proc(self) -> str:
        return self._hierarchies.proc

    def _leader(self, path: str, *, outsiders: bool = False) -> int:
        """The machine's first process; 0 when there is none yet.

        `outsiders`: also one in no pid namespace of its own, which may as well be on its way into it.
        """
        for place in _PLACES:
            pids = sorted(pids_in(self._hierarchies, path + place))[:_MOST_LOOKED_AT]
            if pids and (pid := self._first_of(pids, outsiders)):
                return pid
        return 0

    def _first_of(self, pids: list[int], outsiders: bool) -> int:
        """Of some processes the one that is number 1 in a namespace of its own, else the first that will do."""
        others = 0
        for pid in pids:
            status = content_of(f"{self._proc}/{pid}/status").split(b"\n")
            fields = dict(line.split(b":", 1) for line in status if b":" in line)
            numbers = fields.get(b"NSpid", b"").split()
            if numbers[1:] and numbers[-1] == b"1":
                return pid
            if numbers[1:] or (outsiders and fields and fields[b"Name"].strip() not in _SUPERVISORS):
                others = others or pid
        return others
