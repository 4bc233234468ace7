"""Podman's containers, from its storage on disk: names, images, pids, states, exits; labels by its own word.

Podman has no daemon, so nothing has to answer: the storage is watched. What only Podman knows (labels, pods,
restarts) comes from its database where that is SQLite, else from its API service where one is enabled.

The agent reads one storage: root's, or its own user's. Those of other users are not read, since what lies in
them is theirs to forge.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import structlog

from collectors.inventory.base import Board
from collectors.inventory.podman.entry import ENGINE
from collectors.inventory.podman.follow import Follower
from collectors.inventory.storage.lists import StorageUnreadable, require
from collectors.inventory.storage.runs import StorageRuns
from runtime.linux.hierarchies import Hierarchies

log = structlog.get_logger()

FOUND = "podman_storage_found"
AWAY = "podman_storage_away"
LOOK_AGAIN = 5.0

SYSTEM_ROOT = "/var/lib/containers/storage"
SYSTEM_RUN = "/run/containers/storage"
SYSTEM_SOCKET = "/run/podman/podman.sock"
SYSTEM_TEMPORARY = "/run/libpod"


class Places(NamedTuple):
    """A storage, its run directory, the service's socket, and the directories that may hold exits."""

    root: str
    run: str
    socket: str
    temporary: tuple[str, ...]


class PodmanSource:
    """Keeps the board true to one storage of Podman, which may be absent and come later.

    `temporary` are the directories in which Podman may keep its exits, beside the usual ones; an absent storage
    is looked for every `look_again` seconds.
    """

    name = ENGINE

    def __init__(
        self,
        root: str,
        run: str,
        socket: str,
        hierarchies: Hierarchies,
        *,
        temporary: Iterable[str] = (),
        look_again: float = LOOK_AGAIN,
    ) -> None:
        places = places_of(root, run, socket, os.geteuid(), os.environ)
        self._root, self._run, self._socket = places.root, places.run, places.socket
        self._temporary = (*temporary, *places.temporary)
        self._hierarchies = hierarchies
        self._look_again = look_again
        self._runs: StorageRuns | None = None
        self._reason = ""

    async def run(self, board: Board) -> None:
        """Follow the storage, and look again when it cannot be read, until cancelled."""
        self._runs = self._runs or StorageRuns(board, ENGINE)
        while True:
            try:
                require(self._root)
                follower = Follower(
                    self._root, self._run, self._temporary, self._socket, self._runs, self._hierarchies
                )
                await follower.follow(self._found)
            except* StorageUnreadable as group:
                self._away(board, _first(group))
            await asyncio.sleep(self._look_again)

    def _found(self, containers: int) -> None:
        self._reason = ""
        log.info(FOUND, root=self._root, containers=containers)

    def _away(self, board: Board, reason: str) -> None:
        board.unavailable(ENGINE, reason)
        if reason != self._reason:
            # On a host without Podman its absence is nothing to warn of.
            tell = log.warning if os.path.exists(self._root) else log.debug
            tell(AWAY, root=self._root, reason=reason)
        self._reason = reason


def places_of(root: str, run: str, socket: str, user: int, environment: Mapping[str, str]) -> Places:
    """Where a user's Podman keeps its things: an ordinary user's own places stand for the system's."""
    if user == 0:
        return Places(root, run, socket, (SYSTEM_TEMPORARY,))
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{user}"
    data = environment.get("XDG_DATA_HOME") or f"{environment.get('HOME', '')}/.local/share"
    temporary = (f"{runtime}/libpod/tmp", SYSTEM_TEMPORARY)
    own_socket = f"{runtime}/podman/podman.sock" if socket == SYSTEM_SOCKET else socket
    if (root, run) != (SYSTEM_ROOT, SYSTEM_RUN):
        return Places(root, run, own_socket, temporary)
    return Places(f"{data}/containers/storage", f"{runtime}/containers", own_socket, temporary)


def _first(group: BaseExceptionGroup[StorageUnreadable]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
