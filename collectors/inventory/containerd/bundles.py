"""Follows containerd's bundles as they come and go, while its socket does not answer."""

from __future__ import annotations

import asyncio

from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import Ref
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.directories import DirectoryWatch
from collectors.inventory.docker.entry import LIVE
from collectors.inventory.docker.source import Lanes
from runtime.linux.inotify import IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO

RESCAN_EVERY = 10.0

_COMES_AND_GOES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO


class Bundles:
    """Keeps a follower true to what is on disk, from a first survey on."""

    def __init__(
        self, disk: ContainerdDisk, follower: Follower, *, rescan_every: float = RESCAN_EVERY
    ) -> None:
        self._disk = disk
        self._follower = follower
        self._rescan_every = rescan_every
        self._present: set[Ref] = set()

    async def survey(self) -> None:
        """Look at every bundle; those that have ended stay as they are known."""
        self._present = await self._follower.survey(self._disk, whole=False)

    async def follow(self) -> None:
        """Follow for ever."""
        with DirectoryWatch() as watch:
            async with asyncio.TaskGroup() as tasks:
                lanes: Lanes[Ref] = Lanes(tasks, self._handle)
                while True:
                    # Watched before they are read, so that nothing falls between the two.
                    for directory in self._disk.directories():
                        watch.add(directory, _COMES_AND_GOES)
                    present = await self._disk.refs()
                    for ref in (present ^ self._present) | self._stale(present):
                        lanes.add(ref.key, ref)
                    self._present = present
                    await watch.changes(self._rescan_every)

    def _stale(self, present: set[Ref]) -> set[Ref]:
        """Containers that may have changed without their bundle: those whose process is gone or never was.

        Without a bundle only a note can change; what has neither was told by the socket and stays as it is.
        """
        known = (ref for ref in self._follower.refs() if ref in present or self._follower.is_noted(ref))
        return {ref for ref in known if not self._runs(ref)}

    def _runs(self, ref: Ref) -> bool:
        entry = self._follower.runs.known(ref.key)
        if entry is None:
            return True
        return entry.container.state in LIVE and self._disk.is_running(entry.pid, entry.pid_start)

    async def _handle(self, _key: str, ref: Ref) -> None:
        if ref in self._present:
            await self._follower.appeared(self._disk, ref)
        else:
            await self._follower.vanished(self._disk, ref)
