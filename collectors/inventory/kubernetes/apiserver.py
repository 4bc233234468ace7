"""Pods of this node, from the API server: one list, then a watch from its version on.

Source: Kubernetes API concepts, "Efficient detection of changes" (watch, bookmarks, 410 Gone).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import msgspec
import structlog

from collectors.inventory.base import Backoff, Board
from collectors.inventory.kubernetes.client import Access, Gone, KubernetesClient, KubernetesError
from collectors.inventory.kubernetes.podlist import Known, PodObject, known, pod_list, tell
from collectors.inventory.pods import Pods

log = structlog.get_logger()

NAME = "api_server"
ANSWERS = "api_server_answers"
AWAY = "api_server_away"
RIGHTS = "allow the agent's service account to list and watch pods (ClusterRole)"

PATH = "/api/v1/pods"
# How long a watch may last, in seconds; the server ends it then. Spread, so that nodes do not come together.
WATCH = (240, 480)
GRACE = 30.0
# Who ends a watch at once is not asked for the next one at once.
SHORTEST = 1.0
# How long somebody who waits for the answer is kept waiting.
ONCE = 5.0


class WatchEvent(msgspec.Struct, frozen=True):
    """One line of a watch."""

    type: str = ""
    object: msgspec.Raw = msgspec.Raw()


class WatchStatus(msgspec.Struct, frozen=True):
    """The object of an ERROR."""

    code: int = 0
    message: str = ""


class ApiServerSource:
    """Tells what the API server knows of the pods of one node."""

    name = NAME

    def __init__(self, access: Access, node: str, pods: Pods) -> None:
        self._access = access
        self._node = node
        self._pods = pods
        self._known: dict[str, Known] = {}
        self._version = ""
        self._backoff = Backoff(0.5, 30.0)
        self._answers: bool | None = None

    @property
    def url(self) -> str:
        """Whom it asks."""
        return self._access.url

    async def trouble(self) -> str:
        """Ask once; why there is no answer, empty when there is one."""
        try:
            async with KubernetesClient(self._access, timeout=ONCE) as client:
                await client.get(PATH, self._parameters(limit="1"), pod_list)
        except KubernetesError as error:
            return str(error)
        return ""

    async def run(self, board: Board) -> None:
        """Follow until cancelled; what was told last stays while the API server does not answer."""
        while True:
            try:
                async with KubernetesClient(self._access) as client:
                    await self._follow(client, board)
            except Gone:
                self._version = ""
            except KubernetesError as error:
                board.unavailable(NAME, str(error))
                if self._answers is not False:
                    log.warning(AWAY, reason=str(error))
                self._answers = False
            await asyncio.sleep(self._backoff.seconds())

    async def _follow(self, client: KubernetesClient, board: Board) -> None:
        """List when there is no version to go on from, and watch again and again."""
        while True:
            if not self._version:
                await self._list(client, board)
            began = time.monotonic()
            await self._watch(client, board)
            await asyncio.sleep(max(0.0, SHORTEST - (time.monotonic() - began)))

    async def _list(self, client: KubernetesClient, board: Board) -> None:
        # Version 0 is any that the server has at hand: it need not ask its store for this one node's sake.
        told = await client.get(PATH, self._parameters(resourceVersion="0"), pod_list)
        self._known = {pod.metadata.uid: known(pod) for pod in told.pods}
        self._version = told.version
        self._tell(board)

    async def _watch(self, client: KubernetesClient, board: Board) -> None:
        seconds = random.randint(*WATCH)
        parameters = self._parameters(
            watch="1",
            allowWatchBookmarks="true",
            resourceVersion=self._version,
            timeoutSeconds=str(seconds),
        )
        lines = client.lines(PATH, parameters, seconds + GRACE)
        async with contextlib.aclosing(lines):
            async for line in lines:
                if not line:
                    # After a time away this says that what is known holds again.
                    self._tell(board)
                elif self._take(line):
                    self._tell(board)

    def _parameters(self, **more: str) -> dict[str, str]:
        return {"fieldSelector": f"spec.nodeName={self._node}", **more}

    def _take(self, line: bytes) -> bool:
        """Take one event in; whether anything that is told of has changed."""
        try:
            event = msgspec.json.decode(line, type=WatchEvent)
            if event.type == "ERROR":
                raise self._ended(msgspec.json.decode(event.object, type=WatchStatus))
            pod = msgspec.json.decode(event.object, type=PodObject)
        except msgspec.MsgspecError as error:
            raise KubernetesError(f"{self._access.url} tells something else than pods: {error}") from error
        self._version = pod.metadata.resource_version or self._version
        uid = pod.metadata.uid
        if event.type == "DELETED":
            return self._known.pop(uid, None) is not None
        if event.type not in ("ADDED", "MODIFIED"):
            return False
        before, self._known[uid] = self._known.get(uid), known(pod)
        return before != self._known[uid]

    def _ended(self, status: WatchStatus) -> KubernetesError:
        self._version = ""
        if status.code == 410:
            return Gone(status.message)
        return KubernetesError(f"{self._access.url} ended the watch of pods: {status.message or status.code}")

    def _tell(self, board: Board) -> None:
        tell(NAME, board, self._pods, self._known.values())
        self._backoff.reset()
        if not self._answers:
            log.info(ANSWERS, url=self._access.url, pods=len(self._known))
        self._answers = True
