"""Pods and their containers from a CRI socket alone, for an engine whose own files cannot be read.

The CRI promises no events, so it is asked for its lists as often as the kubelet does; the kernel tells of an end
in its moment anyway. Importing this module imports grpclib.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec.structs import replace as altered

from collectors.inventory.base import Board
from collectors.inventory.bundle import Spec, spec_of
from collectors.inventory.containerd.entry import KIND, SANDBOX_ID, Facts, Ref
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.containerd.runs import ContainerdRuns
from collectors.inventory.cri.api import CriApi, Inside
from collectors.inventory.docker.source import Lanes
from collectors.inventory.grpc import containerd_v1, runtime_v1
from collectors.inventory.grpc.channel import TIMEOUT
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, PodSandboxStatus
from collectors.inventory.pods import Pods
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies

CRI = "cri"  # in the place of a namespace, of which the CRI has none
LIST_EVERY = 1.0

_TASKS = {runtime_v1.CREATED: containerd_v1.CREATED, runtime_v1.RUNNING: containerd_v1.RUNNING}


class CriSocket:
    """Writes on the board as `engine` what the CRI at a socket lists; `setting` is the socket's key."""

    def __init__(
        self,
        engine: str,
        socket: str,
        setting: str,
        hierarchies: Hierarchies,
        pods: Pods,
        *,
        list_every: float = LIST_EVERY,
        timeout: float = TIMEOUT,
    ) -> None:
        self._engine = engine
        self._socket = socket
        self._setting = setting
        self._hierarchies = hierarchies
        self._pods = pods
        self._list_every = list_every
        self._timeout = timeout

    async def follow(self, board: Board, answered: Callable[[int], None] = lambda containers: None) -> str:
        """Follow until the engine goes away; why it did. `answered` gets how many it lists at first."""
        reason = ""
        try:
            await self._follow(board, answered)
        except* DeckwatchError as group:
            error: BaseException = group
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            reason = str(error)
        return reason

    async def _follow(self, board: Board, answered: Callable[[int], None]) -> None:
        follower = Follower(ContainerdRuns(board, self._engine), self._hierarchies, self._pods)
        async with CriApi(self._socket, self._setting, timeout=self._timeout) as api:
            await api.version()
            teller = CriTeller(api)
            answered(len(await follower.survey(teller)))
            async with asyncio.TaskGroup() as tasks:

                async def look(_key: str, ref: Ref) -> None:
                    await follower.look(teller, ref)

                lanes: Lanes[Ref] = Lanes(tasks, look)
                while True:
                    await asyncio.sleep(self._list_every)
                    before = teller.states
                    listed = await teller.refs()
                    for ref in follower.refs() - listed:
                        follower.forget(ref)
                    for ref in listed:
                        if before.get(ref.id) != teller.states[ref.id]:
                            lanes.add(ref.key, ref)


class CriTeller:
    """Answers from the CRI, asked as containerd is; `states` are those of the last lists, by id."""

    def __init__(self, api: CriApi) -> None:
        self._api = api
        self.states: dict[str, int] = {}
        self._sandbox_of: dict[str, str] = {}

    async def refs(self) -> set[Ref]:
        """All sandboxes and containers; a sandbox is its own."""
        sandboxes, containers = await self._api.sandboxes(), await self._api.containers()
        self._sandbox_of = {one.id: one.pod_sandbox_id for one in containers}
        self._sandbox_of |= {one.id: one.id for one in sandboxes}
        self.states = {one.id: one.state for one in sandboxes} | {one.id: one.state for one in containers}
        return {Ref(CRI, id) for id in self.states}

    async def facts(self, ref: Ref) -> Facts | None:
        """What does not change, by the annotations that containerd gives; None when it is gone."""
        inside, sandbox_id = await self._inside(ref), self._sandbox_of.get(ref.id, "")
        if inside is None:
            return None
        kind = "sandbox" if sandbox_id == ref.id else "container"
        spec = altered(_spec(inside), annotations={KIND: kind, SANDBOX_ID: sandbox_id})
        return Facts(spec=spec, image=inside.image)

    async def task(self, ref: Ref) -> Task | None:
        """The process as the engine tells it; None when it is gone."""
        inside = await self._inside(ref)
        if inside is None:
            return None
        state = self.states.get(ref.id, runtime_v1.EXITED)
        if self._is_sandbox(ref):
            status = containerd_v1.RUNNING if state == runtime_v1.READY else containerd_v1.STOPPED
        else:
            # Who asks for the task of a pod's container knows from its status that it runs.
            status = _TASKS.get(state, containerd_v1.RUNNING)
        return Task(ref.id, pid=inside.pid, status=status)

    async def began(self, ref: Ref) -> float | None:
        """Nothing: statuses tell it."""
        return None

    async def status(self, ref: Ref, facts: Facts) -> ContainerStatus | None:
        """A pod's container; None when it is gone."""
        return await self._api.container(ref.id)

    async def sandbox(self, id: str) -> PodSandboxStatus | None:
        """A sandbox; None when it is gone."""
        return await self._api.sandbox(id)

    def _is_sandbox(self, ref: Ref) -> bool:
        return self._sandbox_of.get(ref.id) == ref.id

    async def _inside(self, ref: Ref) -> Inside | None:
        ask = self._api.sandbox_inside if self._is_sandbox(ref) else self._api.container_inside
        return await ask(ref.id)


def _spec(inside: Inside) -> Spec:
    try:
        return spec_of(bytes(inside.runtime_spec))
    except msgspec.MsgspecError:
        return Spec()
