"""Pods of this node, from its kubelet: asked now and then, and soon when a pod or container appears."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator

import structlog

from collectors.inventory.base import Backoff, Board
from collectors.inventory.kubernetes.client import Access, KubernetesClient, KubernetesError
from collectors.inventory.kubernetes.podlist import known, pod_list, tell
from collectors.inventory.pods import Pods

log = structlog.get_logger()

NAME = "kubelet"
ANSWERS = "kubelet_answers"
AWAY = "kubelet_away"
RIGHTS = (
    "allow the agent's service account to get nodes/pods (where the kubelet knows it, since Kubernetes 1.33), "
    "else nodes/proxy"
)

PATH = "/pods"
EVERY = (15.0, 30.0)
# The kubelet knows a new container's id a moment after its cgroup shows; meanwhile it is asked again.
SOON = (1.0, 2.0, 4.0, 8.0)
AT_MOST_EVERY = 1.0
# How long somebody who waits for the answer is kept waiting.
ONCE = 5.0


class KubeletSource:
    """Tells what a kubelet knows of its pods, which an engine does not: labels, owners, restarts.

    `every` are the shortest and longest wait between two questions, `soon` those after news, and
    `at_most_every` the least of all, in seconds.
    """

    name = NAME

    def __init__(
        self,
        access: Access,
        pods: Pods,
        *,
        every: tuple[float, float] = EVERY,
        soon: tuple[float, ...] = SOON,
        at_most_every: float = AT_MOST_EVERY,
    ) -> None:
        self._access = access
        self._pods = pods
        self._every = every
        self._soon = soon
        self._at_most_every = at_most_every
        self._news = asyncio.Event()
        self._waits: Iterator[float] = iter(())
        self._backoff = Backoff(1.0, 30.0)
        self._answers: bool | None = None

    @property
    def url(self) -> str:
        """Whom it asks."""
        return self._access.url

    async def trouble(self) -> str:
        """Ask once; why there is no answer, empty when there is one."""
        try:
            async with KubernetesClient(self._access, timeout=ONCE) as client:
                await client.get(PATH, {}, pod_list)
        except KubernetesError as error:
            return str(error)
        return ""

    def news(self) -> None:
        """A pod or a container appeared: ask soon."""
        self._news.set()

    async def run(self, board: Board) -> None:
        """Ask until cancelled; what was told last stays while the kubelet does not answer."""
        while True:
            try:
                async with KubernetesClient(self._access) as client:
                    while True:
                        told = await client.get(PATH, {}, pod_list)
                        tell(NAME, board, self._pods, [known(pod) for pod in told.pods])
                        self._answered(len(told.pods))
                        await self._pause()
            except KubernetesError as error:
                board.unavailable(NAME, str(error))
                if self._answers is not False:
                    log.warning(AWAY, reason=str(error))
                self._answers = False
            await asyncio.sleep(self._backoff.seconds())

    def _answered(self, pods: int) -> None:
        self._backoff.reset()
        if not self._answers:
            log.info(ANSWERS, url=self._access.url, pods=pods)
        self._answers = True

    async def _pause(self) -> None:
        await asyncio.sleep(self._at_most_every)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(next(self._waits, random.uniform(*self._every))):
                await self._news.wait()
        if self._news.is_set():
            self._news.clear()
            self._waits = iter(self._soon)
