"""One connection to containerd: the list of its containers, then its events as they come.

Importing this module imports grpclib.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from collectors.inventory.containerd.api import ContainerdApi, ContainerdEvent
from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import DOCKERS, Ref
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.containerd.tell import ContainerdSocket
from collectors.inventory.cri.api import CriApi
from collectors.inventory.docker.source import Lanes
from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.channel import Channel, NoAnswer, NotOffered

PING_EVERY = 15.0
PINGS_PER_LIST = 20
# Nobody says from when on events are sent, so the first list is soon compared with another.
FIRST_LIST = 2.0
EVENT_BACKLOG = 20_000

_RUNS = (containerd_v1.RUNNING, containerd_v1.PAUSED, containerd_v1.PAUSING)
_LOOK, _GONE = "look", "/containers/delete"


class Session:
    """Follows the engine over an open connection until it goes away, which raises NoAnswer."""

    def __init__(self, channel: Channel, disk: ContainerdDisk, follower: Follower) -> None:
        self._api = ContainerdApi(channel)
        self.cri = CriApi.over(channel)
        self._teller = ContainerdSocket(self._api, self.cri, disk)
        self._follower = follower
        self._events: asyncio.Queue[ContainerdEvent] = asyncio.Queue(EVENT_BACKLOG)

    async def follow(self, answered: Callable[[int], None]) -> None:
        """Follow for ever; `answered` gets the number of containers once all were looked at."""
        await self._greet()
        async with asyncio.TaskGroup() as tasks:
            lanes: Lanes[tuple[Ref, ContainerdEvent]] = Lanes(tasks, self._handle)
            # The stream begins before the list is asked for, so that nothing falls between them.
            tasks.create_task(self._read())
            answered(len(await self._follower.survey(self._teller)))
            tasks.create_task(self._check(lanes))
            while True:
                event = await self._events.get()
                if event.namespace not in DOCKERS:
                    ref = Ref(event.namespace, event.id)
                    lanes.add(ref.key, (ref, event))

    async def _greet(self) -> None:
        """An engine, or its CRI, that does not answer one call will not answer hundreds."""
        await self._api.namespaces()
        with contextlib.suppress(NotOffered):
            await self.cri.version()

    async def _read(self) -> None:
        async with contextlib.aclosing(self._api.events()) as events:
            async for event in events:
                try:
                    self._events.put_nowait(event)
                except asyncio.QueueFull:
                    raise NoAnswer(f"more than {EVENT_BACKLOG} events wait; listing anew") from None
        raise NoAnswer("the engine ended its event stream; start the engine")

    async def _check(self, lanes: Lanes[tuple[Ref, ContainerdEvent]]) -> None:
        """Notice an engine that hangs, and now and then a container whose event never came."""
        await asyncio.sleep(FIRST_LIST)
        while True:
            for ref, topic in await self._differences():
                lanes.add(ref.key, (ref, ContainerdEvent(*ref, topic, 0.0)))
            for _ in range(PINGS_PER_LIST):
                await asyncio.sleep(PING_EVERY)
                await self._api.namespaces()

    async def _differences(self) -> list[tuple[Ref, str]]:
        """Containers that are not as they are known, or not there any more."""
        before = self._follower.refs()
        listed = await self._teller.refs()
        running: set[Ref] = set()
        for namespace in {ref.namespace for ref in listed}:
            tasks = await self._api.tasks(namespace)
            running |= {
                Ref(namespace, task.container_id or task.id) for task in tasks if task.status in _RUNS
            }
        live = self._follower.runs.live()
        changed = {ref for ref in listed if (ref in running) != (ref.key in live)} | (listed - before)
        return [(ref, _LOOK) for ref in changed] + [(ref, _GONE) for ref in before - listed]

    async def _handle(self, _key: str, item: tuple[Ref, ContainerdEvent]) -> None:
        ref, event = item
        follower = self._follower
        match event.topic:
            case "/tasks/start":
                await follower.started(self._teller, ref, event.time)
            case "/tasks/exit":
                await follower.exited(self._teller, ref, event.time, event.exit_code)
            case "/tasks/oom":
                follower.runs.ran_out_of_memory(ref.key)
            case "/tasks/paused" | "/tasks/resumed":
                follower.runs.pause(ref.key, paused=event.topic == "/tasks/paused")
            case "/containers/delete":
                follower.forget(ref)
            case "/containers/update":
                follower.changed(ref)
                await follower.look(self._teller, ref)
            case _:
                await follower.look(self._teller, ref)
