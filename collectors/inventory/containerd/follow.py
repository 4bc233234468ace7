"""Looks at containers of containerd when something is said to have happened to them, until what is seen agrees."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog
from msgspec.structs import replace as altered

from collectors.inventory.bundle import Process, UnreadableBundle, process_of
from collectors.inventory.containerd.entry import Facts, Ref, plain_entry, run_of
from collectors.inventory.containerd.runs import ContainerdRuns
from collectors.inventory.cri.entry import (
    Run,
    Sandbox,
    container_entry,
    pods_of,
    sandbox_entry,
    sandbox_of,
)
from collectors.inventory.cri.entry import run_of as pod_run_of
from collectors.inventory.docker.entry import LIVE
from collectors.inventory.fill import filled
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, PodSandboxStatus
from collectors.inventory.pods import Pods
from collectors.model import Entry, State
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies

log = structlog.get_logger()

UNREADABLE = "containerd_container_unreadable"

# The CRI notes a start or an end some moments after the kernel, under load a second or two.
_LOOKS = (0.0, 0.02, 0.04, 0.08, 0.16, 0.3, 0.6, 1.0, 2.0)
_AT_ONCE = 8
_SLICE = 0.004
_KILLED = 128 + signal.SIGKILL


class Teller(Protocol):
    """Somebody who can be asked about containers: the socket, or the disk."""

    async def refs(self) -> set[Ref]:
        """All containers there are."""

    async def facts(self, ref: Ref) -> Facts | None:
        """What does not change; None when the container is not known (any more)."""

    async def task(self, ref: Ref) -> Task | None:
        """The task; None when there is none."""

    async def began(self, ref: Ref) -> float | None:
        """When the present run began; None when that is not known."""

    async def status(self, ref: Ref, facts: Facts) -> ContainerStatus | None:
        """A pod's container as the CRI has it; None when it is gone."""

    async def sandbox(self, id: str) -> PodSandboxStatus | None:
        """A pod's sandbox; None when it is gone."""


class Follower:
    """Everything known of containerd's containers, whoever is asked: it outlives connections."""

    def __init__(self, runs: ContainerdRuns, hierarchies: Hierarchies, pods: Pods) -> None:
        self.runs = runs
        self._hierarchies = hierarchies
        self._pods = pods
        self._facts: dict[Ref, Facts] = {}
        self._sandboxes: dict[str, Sandbox] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._unreadable: set[Ref] = set()
        self._surveying = False

    def refs(self) -> set[Ref]:
        """All containers that were seen and not forgotten."""
        return set(self._facts)

    async def survey(self, teller: Teller, *, whole: bool = True) -> set[Ref]:
        """Look at every container there is, the oldest runs first, so that an attempt follows the one before it.

        A teller whose list is not `whole` knows those that run: the others are left as they are known.
        """
        listed = await teller.refs()
        if whole:
            self._facts.clear()
        self._surveying = True
        try:
            entries = await self._look_at_all(teller, listed)
        finally:
            self._surveying = False
        present = listed if whole else listed | self.refs()
        self._keep_sandboxes({ref.id for ref in present})
        await self._learn_all(entries)
        self.runs.settle({ref.key for ref in present})
        return listed

    async def _look_at_all(self, teller: Teller, listed: set[Ref]) -> list[Entry]:
        left = iter(listed)
        entries: list[Entry] = []

        async def look() -> None:
            for ref in left:
                if (entry := await self._listed(teller, ref)) is not None:
                    entries.append(entry)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(look())
        return entries

    async def _learn_all(self, entries: list[Entry]) -> None:
        slice_end = time.perf_counter() + _SLICE
        for entry in sorted(entries, key=_age):
            self.runs.learn(entry, listed=True)
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + _SLICE

    async def look(self, teller: Teller, ref: Ref) -> None:
        """Take in how a container is now."""
        await self._until(teller, ref, lambda entry: True)

    async def started(self, teller: Teller, ref: Ref, time: float) -> None:
        """A container is said to have started."""
        if not await self._until(teller, ref, lambda entry: entry.container.state is not State.CREATED):
            self.runs.begin(ref.key, time)

    async def exited(self, teller: Teller, ref: Ref, time: float, exit_code: int | None) -> None:
        """A container is said to have ended, with a code.

        Only of a kill somebody may know more, that memory ran out, so the CRI gets the time to say so.
        """
        known = self.runs.known(ref.key)
        if known is not None and (known.container.finished_at or 0.0) >= time:
            return
        begun = known is not None and known.container.state in LIVE
        if not begun or (exit_code == _KILLED and known is not None and known.container.pod):
            await self._until(teller, ref, lambda entry: entry.container.state is State.EXITED)
        self.runs.end(ref.key, time, exit_code)

    async def appeared(self, teller: Teller, ref: Ref) -> None:
        """The bundle of a container is there: its run begins soon."""
        await self._until(teller, ref, lambda entry: entry.container.state is not State.CREATED, patient=True)

    async def vanished(self, teller: Teller, ref: Ref) -> None:
        """The bundle of a container is gone: the CRI may have noted how it ended, or the container went with it."""
        noted = self.is_noted(ref)
        if not noted or not await self._until(
            teller, ref, lambda entry: entry.container.state is State.EXITED
        ):
            self.runs.end(ref.key, None, None)
            self.forget(ref)

    def is_noted(self, ref: Ref) -> bool:
        """Whether the CRI keeps a note of a container's end: it does of a pod's."""
        facts = self._facts.get(ref)
        return facts is not None and facts.is_pod_container

    def by_cgroup(self, values: Mapping[str, int]) -> dict[str, int]:
        """Values by engine id, of containers whose cgroup is known, by that."""
        known = ((self.runs.known(key), value) for key, value in values.items())
        return {entry.container.id: value for entry, value in known if entry and entry.container.id}

    def changed(self, ref: Ref) -> None:
        """What does not change, did."""
        self._facts.pop(ref, None)

    def forget(self, ref: Ref) -> None:
        """A container was removed."""
        self._facts.pop(ref, None)
        self._unreadable.discard(ref)
        if self._sandboxes.pop(ref.id, None) is not None:
            self._tell_pods()
        self.runs.forget(ref.key)

    async def _until(
        self, teller: Teller, ref: Ref, agrees: Callable[[Entry], bool], *, patient: bool = False
    ) -> bool:
        """Look until what is seen agrees with what was said; False when it never did.

        A container that is not there ends it at once, unless one is patient: its bundle is being written.
        """
        problem: DeckwatchError | None = None
        for wait in _LOOKS:
            await asyncio.sleep(wait)
            try:
                entry, problem = await self._ask(teller, ref), None
            except UnreadableBundle as error:
                entry, problem = None, error
            except DeckwatchError as error:
                self._note(ref, error)
                return False
            if entry is not None:
                self.runs.learn(entry)
                if agrees(entry):
                    return True
            elif not patient:
                break
        if problem is not None:
            self._note(ref, problem)
        return False

    async def _listed(self, teller: Teller, ref: Ref) -> Entry | None:
        """A container of the list as it is now; None when it is gone, or when nobody can tell in time."""
        try:
            return await self._ask(teller, ref)
        except DeckwatchError as error:
            self._note(ref, error)
            return None

    def _note(self, ref: Ref, error: DeckwatchError) -> None:
        """One container whose task hangs must not hide the others; a dead engine shows elsewhere."""
        if ref not in self._unreadable:
            log.warning(UNREADABLE, container=ref.key, reason=str(error))
        self._unreadable.add(ref)

    async def _ask(self, teller: Teller, ref: Ref) -> Entry | None:
        async with self._slots:
            return await self._entry(teller, ref)

    async def _entry(self, teller: Teller, ref: Ref) -> Entry | None:
        facts = await self._facts_of(teller, ref)
        if facts is None:
            return None
        last = self.runs.known(ref.key)
        if facts.is_pod_container:
            return await self._pod_container(teller, ref, facts, last)
        task = await teller.task(ref)
        run = run_of(task, await teller.began(ref)) if task is not None else _without_task(last)
        process = await self._process(task, run, facts)
        if not facts.is_sandbox:
            return plain_entry(ref, facts, run, process, last=last)
        sandbox = await self._sandbox(teller, facts, fresh=run.state is not State.CREATED)
        run = _one_run(run._replace(started_at=sandbox.created_at), last)
        return sandbox_entry(
            self.runs.engine, run, sandbox, process, spec=facts.spec, image=facts.image, last=last
        )

    async def _pod_container(
        self, teller: Teller, ref: Ref, facts: Facts, last: Entry | None
    ) -> Entry | None:
        status = await teller.status(ref, facts)
        if status is None:
            return None
        run = _one_run(pod_run_of(status), last)
        task = await teller.task(ref) if run.state in LIVE else None
        if task is not None and run_of(task, None).state is State.PAUSED:
            run = run._replace(state=State.PAUSED)
        process = await self._process(task, run, facts)
        sandbox = await self._sandbox(teller, facts)
        entry = container_entry(
            self.runs.engine, status, run, sandbox, process, spec=facts.spec, image=facts.image, last=last
        )
        return _kept(entry, last)

    async def _facts_of(self, teller: Teller, ref: Ref) -> Facts | None:
        if ref not in self._facts:
            facts = await teller.facts(ref)
            if facts is None:
                return None
            self._facts[ref] = facts
        return self._facts[ref]

    async def _process(self, task: Task | None, run: Run, facts: Facts) -> Process:
        if task is None or not task.pid or run.state not in LIVE:
            return Process()
        return await asyncio.to_thread(process_of, self._hierarchies, task.pid, facts.spec)

    async def _sandbox(self, teller: Teller, facts: Facts, *, fresh: bool = False) -> Sandbox:
        """The sandbox of a pod's container; what is known of it is asked anew when it is the sandbox itself.

        The CRI knows a sandbox once it is up; until then its annotations name it.
        """
        id = facts.sandbox_id
        if fresh or id not in self._sandboxes:
            status = await teller.sandbox(id)
            if status is None:
                return self._sandboxes.get(id) or facts.sandbox
            self._sandboxes[id] = _richer(sandbox_of(status), self._sandboxes.get(id))
            self._tell_pods()
        return self._sandboxes[id]

    def _keep_sandboxes(self, present: set[str]) -> None:
        for id in self._sandboxes.keys() - present:
            del self._sandboxes[id]
        self._tell_pods()

    def _tell_pods(self) -> None:
        # Each word of pods has all their cgroups looked at: of a whole list one is enough.
        if not self._surveying:
            self._pods.tell(self.runs.engine, pods_of(self._sandboxes))


def _age(entry: Entry) -> float:
    return entry.container.started_at or entry.container.finished_at or 0.0


def _without_task(last: Entry | None) -> Run:
    """A container without a task has not started yet, or its task was deleted after its end."""
    if last is None or last.container.state is State.CREATED:
        return Run(State.CREATED)
    known = last.container
    return Run(State.EXITED, known.started_at, known.finished_at, known.exit_code, known.reason)


def _one_run(run: Run, last: Entry | None) -> Run:
    """A container of a pod runs once, and that run began when it was first told to have."""
    began = last.container.started_at if last else None
    return run if began is None or run.state is State.CREATED else run._replace(started_at=began)


def _richer(sandbox: Sandbox, known: Sandbox | None) -> Sandbox:
    """The disk tells less of a sandbox than the socket did."""
    return known if known is not None and known.labels and not sandbox.labels else sandbox


def _kept(entry: Entry, last: Entry | None) -> Entry:
    """What was told once of a pod's container stays: the disk tells less than the socket did.

    Its log among it: by the time it has ended the newest file may be the next attempt's.
    """
    if last is None or last.container.state is State.CREATED:
        return entry
    restarts = (entry if last.log is None else last).container.restarts
    created_at = last.container.created_at or entry.container.created_at
    container = altered(entry.container, restarts=restarts, created_at=created_at)
    return filled(altered(entry, container=container, log=last.log or entry.log), last)
