"""CRI-O's sandboxes and containers, from its storage on disk, whether or not its socket may be asked.

They lie in the same kind of storage as Podman's, often in the same one; those that have a pod beside them are
CRI-O's.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace as altered

from collectors.inventory.base import Board
from collectors.inventory.crio.entry import ENGINE, Look, course_of, entry_of, look_at
from collectors.inventory.pods import Pod, Pods
from collectors.inventory.storage.conmon import Exit
from collectors.inventory.storage.lists import (
    StorageUnreadable,
    Stored,
    containers,
    require,
)
from collectors.inventory.storage.runs import StorageRuns
from collectors.inventory.storage.watch import RESCAN, News, StorageWatch
from collectors.model import Entry, Network, State
from runtime.linux.hierarchies import Hierarchies

if TYPE_CHECKING:
    from collectors.inventory.cri.socket import CriSocket

log = structlog.get_logger()

FOUND = "crio_storage_found"
AWAY = "crio_storage_away"
EXITS = "/var/run/crio/exits"
SETTING = "inventory.crio.socket"
LOOK_AGAIN = 5.0
SETTLE = 0.01
ASK_AGAIN = 0.1
SLICE = 0.004

_LIVE = (State.RUNNING, State.PAUSED)


class CrioSource:
    """Keeps the board true to one storage of CRI-O, and `pods` to the pods in it.

    The storage may be absent and come later; until then the CRI at `socket` is asked, if there is one. `exits`
    is where conmon notes ends.
    """

    name = ENGINE

    def __init__(
        self,
        root: str,
        run: str,
        hierarchies: Hierarchies,
        pods: Pods,
        *,
        socket: str = "",
        exits: str = EXITS,
        look_again: float = LOOK_AGAIN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._run = run
        self._hierarchies = hierarchies
        self._pods = pods
        self._socket = socket
        self._look_again = look_again
        self._runs: StorageRuns | None = None
        self._watch = StorageWatch(root, run, [exits], self._noted, clock=clock)
        self._stored: dict[str, Stored] = {}
        self._looks: dict[str, Look] = {}
        self._pods_here: dict[str, Pod] = {}
        self._unsettled: set[str] = set()
        self._reason = ""

    async def run(self, board: Board) -> None:
        """Follow the storage, and look again when it cannot be read, until cancelled."""
        runs = self._runs = self._runs or StorageRuns(board, ENGINE)
        while True:
            try:
                require(self._root)
                with self._watch:
                    await self._follow(runs)
            except StorageUnreadable as error:
                self._away(board, str(error))
                await self._by_socket(board)
            await asyncio.sleep(self._look_again)

    async def _follow(self, runs: StorageRuns) -> None:
        await self._look_at(runs, News(all=True))
        runs.settle(self._stored.keys())
        self._reason = ""
        log.info(FOUND, root=self._root, containers=len(self._stored))
        while True:
            news = await self._watch.news(ASK_AGAIN if self._unsettled else RESCAN)
            await asyncio.sleep(SETTLE)
            await self._look_at(runs, news)

    async def _look_at(self, runs: StorageRuns, news: News) -> None:
        touched = self._unsettled | news.ids
        if news.listing or news.all:
            self._watch.tops()
            touched |= await self._read_list(runs)
        await self._look(runs, set(self._stored) if news.all else touched)

    async def _read_list(self, runs: StorageRuns) -> set[str]:
        """Read which containers there are; the ids of the new ones."""
        listed = await asyncio.to_thread(containers, self._root, self._run)
        before, self._stored = self._stored, {one.id: one for one in listed if one.metadata.pod_id}
        for id in before.keys() - self._stored.keys():
            self._watch.forget(before[id])
            self._looks.pop(id, None)
            self._pods_here.pop(id, None)
            self._unsettled.discard(id)
        runs.keep(self._stored.keys())
        self._tell_pods()
        return self._stored.keys() - before.keys()

    async def _look(self, runs: StorageRuns, ids: Iterable[str]) -> None:
        stored = [self._stored[id] for id in ids if id in self._stored]
        if not stored:
            return
        for one in stored:
            self._watch.container(one, one.directory)
        looks = await asyncio.to_thread(lambda: [look_at(one, self._hierarchies) for one in stored])
        self._looks |= {look.stored.id: look for look in looks}
        self._pods_here |= {look.stored.id: look.pod for look in looks if look.is_sandbox}
        # Sandboxes first: their containers are told with what they know.
        slice_end = time.perf_counter() + SLICE
        for look in sorted(looks, key=lambda look: not look.is_sandbox):
            self._take(runs, look)
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + SLICE
        self._tell_pods()
        self._give_networks_an_owner(runs)

    def _take(self, runs: StorageRuns, look: Look) -> None:
        id = look.stored.id
        last = runs.entries().get(id)
        course = course_of(look, runs.end_of(id))
        if course is None:
            self._unsettled.add(id)
            return
        self._unsettled.discard(id)
        sandbox = None if look.is_sandbox else self._looks.get(look.stored.metadata.pod_id)
        runs.learn(_keeping_network(entry_of(look, course, sandbox, last), last))

    def _tell_pods(self) -> None:
        self._pods.tell(ENGINE, {pod.uid: pod for pod in self._pods_here.values() if pod.uid})

    def _give_networks_an_owner(self, runs: StorageRuns) -> None:
        """Where a sandbox has no process, the oldest of its containers stands for the pod's network."""
        entries = runs.entries()
        without = {
            id
            for id, look in self._looks.items()
            if look.is_sandbox and id in entries and not entries[id].pid
        }
        members: dict[str, list[Entry]] = {}
        for id, entry in entries.items():
            pod_id = self._looks[id].stored.metadata.pod_id if id in self._looks else ""
            if pod_id in without and id != pod_id and entry.container.state in _LIVE:
                members.setdefault(pod_id, []).append(entry)
        for entry in [_oldest(found) for found in members.values()]:
            if entry.network is Network.FOLLOWER:
                runs.learn(altered(entry, network=Network.OWNER))

    def _noted(self, id: str, end: Exit) -> None:
        if self._runs is not None:
            self._runs.noted(id, end)

    async def _by_socket(self, board: Board) -> None:
        """Where the storage cannot be read the socket tells of the pods, for as long as it answers."""
        if not os.path.exists(self._socket):
            return
        # An agent on a host without CRI-O has no use for a gRPC library; and to import one takes a while.
        grpc = await asyncio.to_thread(importlib.import_module, "collectors.inventory.cri.socket")
        socket: CriSocket = grpc.CriSocket(ENGINE, self._socket, SETTING, self._hierarchies, self._pods)
        self._away(board, await socket.follow(board))

    def _away(self, board: Board, reason: str) -> None:
        board.unavailable(ENGINE, reason)
        if reason != self._reason:
            # On a host without CRI-O its absence is nothing to warn of.
            tell = log.warning if os.path.exists(self._root) else log.debug
            tell(AWAY, root=self._root, reason=reason)
        self._reason = reason


def _keeping_network(entry: Entry, last: Entry | None) -> Entry:
    """A container that stands for its pod's network does so until it ends."""
    stands = last is not None and last.network is Network.OWNER and entry.network is Network.FOLLOWER
    lives = entry.container.state in _LIVE and last is not None and last.pid == entry.pid
    return altered(entry, network=Network.OWNER) if stands and lives else entry


def _oldest(entries: list[Entry]) -> Entry:
    """The one that owns the network already, else the one that began first."""
    return min(
        entries,
        key=lambda one: (
            one.network is not Network.OWNER,
            one.container.started_at or 0.0,
            one.container.name,
        ),
    )
