"""containerd's containers: those of pods as the CRI has them, and all others.

Its socket is asked while it answers: one list, then its events. Meanwhile, and without rights to it, the bundles
on disk give names, and the CRI's notes beside them exit codes.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import time
from typing import TYPE_CHECKING

import structlog

from collectors.inventory.base import Backoff, Board
from collectors.inventory.containerd.bundles import Bundles
from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.containerd.runs import ENGINE, ContainerdRuns
from collectors.inventory.pods import Pods
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies

if TYPE_CHECKING:
    from collectors.inventory.containerd.session import Session
    from collectors.inventory.cri.api import CriApi

log = structlog.get_logger()

CONNECTED = "containerd_connected"
AWAY = "containerd_away"

SETTING = "inventory.containerd.socket"
LAYERS_EVERY = 30.0
# How long the socket may take for its first answer before the disk is asked.
FIRST_ANSWER = 1.0
LOOK_FOR_STATE_EVERY = 10.0


class ContainerdSource:
    """Keeps the board true to one containerd, which may be absent, stop, and come back.

    `pods` is told of the pods whose sandboxes it runs.
    """

    name = ENGINE

    def __init__(
        self,
        socket: str,
        state: str,
        root: str,
        hierarchies: Hierarchies,
        pods: Pods,
        *,
        layers_every: float = LAYERS_EVERY,
    ) -> None:
        self._socket = socket
        self._disk = ContainerdDisk(state, root, hierarchies.proc)
        self._hierarchies = hierarchies
        self._pods = pods
        self._backoff = Backoff()
        self._connected, self._disconnected = asyncio.Event(), asyncio.Event()
        self._reason = ""
        self._serving = False
        self._warned = False
        self._layers_every = layers_every
        self._layers: dict[str, int] = {}
        self._layers_wanted = float("-inf")

    async def run(self, board: Board) -> None:
        """Follow by the socket, and by the disk while that does not answer, until cancelled."""
        follower = Follower(ContainerdRuns(board), self._hierarchies, self._pods)
        self._connected.clear()
        self._disconnected.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._by_socket(follower, board))
            tasks.create_task(self._by_disk(follower, board))

    def writable_layers(self) -> dict[str, int]:
        """Bytes in the writable layers of pods' running containers, by the container's id (its cgroup).

        The engine counts them itself and is asked every 30 s, for as long as somebody goes on asking here; the
        first answers are empty, and those while its socket is away. Callable from any thread.
        """
        self._layers_wanted = time.monotonic()
        return self._layers

    async def _by_socket(self, follower: Follower, board: Board) -> None:
        while True:
            reason = await self._until_away(follower)
            self._layers = {}
            self._set_connected(False)
            self._away(reason)
            if self._serving or not self._disk.readable:
                board.unavailable(ENGINE, self._reason)
            await asyncio.sleep(self._backoff.seconds())

    async def _until_away(self, follower: Follower) -> str:
        """One connection from its beginning to its end; answers why it ended."""
        if not os.path.exists(self._socket):
            return f"cannot reach {self._socket}: no such file; start the engine, or set {SETTING}"
        # An agent on a host without containerd has no use for a gRPC library; and to import one takes a while.
        grpc = await asyncio.to_thread(importlib.import_module, "collectors.inventory.containerd.session")
        reason = ""
        try:
            async with grpc.Channel(self._socket, SETTING) as channel, asyncio.TaskGroup() as tasks:
                session: Session = grpc.Session(channel, self._disk, follower)
                tasks.create_task(session.follow(self._answered))
                tasks.create_task(self._count_layers(session.cri, follower))
        except* DeckwatchError as group:
            reason = _first(group)
        return reason

    def _answered(self, containers: int) -> None:
        self._backoff.reset()
        self._set_connected(True)
        self._warned = False
        log.info(CONNECTED, socket=self._socket, containers=containers)

    def _set_connected(self, connected: bool) -> None:
        present, absent = self._connected, self._disconnected
        (present if connected else absent).set()
        (absent if connected else present).clear()

    def _away(self, reason: str) -> None:
        """Note why the socket does not answer and what takes its place; say so once."""
        if self._disk.readable:
            reason = f"{reason}; names come from {self._disk.tasks} meanwhile"
        if not self._warned:
            # On a host without containerd its absence is nothing to warn of.
            tell = log.warning if os.path.exists(self._socket) or self._disk.readable else log.debug
            tell(AWAY, socket=self._socket, reason=reason)
        self._warned = True
        self._reason = reason

    async def _by_disk(self, follower: Follower, board: Board) -> None:
        """Take the socket's place whenever it does not answer, at first when it is slow to."""
        await _within(FIRST_ANSWER, self._connected, self._disconnected)
        while True:
            if self._connected.is_set():
                await self._disconnected.wait()
            if self._disk.readable:
                await self._serve(follower, board)
            else:
                await _within(LOOK_FOR_STATE_EVERY, self._connected)

    async def _serve(self, follower: Follower, board: Board) -> None:
        """Follow the bundles until the socket answers."""
        try:
            async with asyncio.TaskGroup() as tasks:
                following = tasks.create_task(self._follow(follower, board))
                await self._connected.wait()
                following.cancel()
        finally:
            self._serving = False

    async def _follow(self, follower: Follower, board: Board) -> None:
        bundles = Bundles(self._disk, follower)
        await bundles.survey()
        self._serving = True
        if self._reason:
            board.unavailable(ENGINE, self._reason)
        await bundles.follow()

    async def _count_layers(self, cri: CriApi, follower: Follower) -> None:
        """Ask for the sizes of writable layers while somebody wants them; an engine without them has none."""
        while True:
            await asyncio.sleep(self._layers_every)
            if time.monotonic() - self._layers_wanted < 2 * self._layers_every:
                with contextlib.suppress(DeckwatchError):
                    self._layers = follower.by_cgroup(await cri.writable_layers())


async def _within(seconds: float, *events: asyncio.Event) -> None:
    """Wait for the first of some events, but not longer."""
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(event.wait()) for event in events]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


def _first(group: BaseExceptionGroup[DeckwatchError]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
