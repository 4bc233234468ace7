"""The supervisor of this host's workloads: desired state kept on disk, and one Replica for each that it asks for."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog

from runtime.container.cgroups import ContainerCgroup, monitors_path
from runtime.linux.errors import DeckwatchError, Refused
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import boot_id
from runtime.supervision import state
from runtime.supervision.events import WorkloadEvent
from runtime.supervision.reconcile import API, Action, Change, check_owner, plan
from runtime.supervision.refusals import Host
from runtime.supervision.replica import Replica
from runtime.supervision.request import Place
from runtime.supervision.spec import WorkloadSpec, replica_name, seconds
from runtime.supervision.status import WorkloadStatus
from runtime.supervision.zygote_client import ZygoteClient, version

GRACE = 15.0

log = structlog.get_logger()


class NoSuchWorkload(DeckwatchError):
    """A name that no workload has."""


class Supervisor:
    """All workloads of one agent. Its methods are called on the loop that runs `run`.

    `hierarchies` is None where cgroups cannot be used (an ordinary user): then there are no limits and a
    replica is killed through its pid namespace.
    """

    def __init__(
        self,
        *,
        run_dir: str,
        state_dir: str,
        cgroup_parent: str,
        hierarchies: Hierarchies | None,
        hidden: Sequence[str],
        on_event: Callable[[WorkloadEvent], None],
        python: str = sys.executable,
    ) -> None:
        self._rootless = os.geteuid() != 0
        usable = hierarchies is not None and not self._rootless
        self._hierarchies = hierarchies if usable else None
        host = (
            Host.detect(hierarchies, rootless=self._rootless)
            if hierarchies is not None
            else Host(controllers={}, swap_is_limited=False, nofile=-1, nproc=-1, rootless=True)
        )
        self._place = Place(
            run_dir=os.path.abspath(run_dir),
            state_dir=os.path.abspath(state_dir),
            cgroup_parent=cgroup_parent.rstrip("/") if usable else "",
            hidden=tuple(hidden),
            host=host,
            boot_id=boot_id(),
            version=version(),
        )
        self._on_event = on_event
        for directory in (self._place.run_dir, self._place.state_dir):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        self._zygote = ZygoteClient(self._place.run_dir, self._place.cgroup_parent, python)
        self._desired: dict[str, state.Desired] = {}
        self._replicas: dict[str, dict[int, Replica]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._tick = asyncio.Event()
        self._turn = asyncio.Lock()
        self._load()

    def _load(self) -> None:
        for name in state.directories(self._place.state_dir, "desired.json"):
            try:
                desired = state.read(self._desired_path(name), state.Desired)
            except state.StateError as error:
                log.error("workload_unreadable", workload=name, error=str(error))
                continue
            if desired is not None:
                self._desired[name] = desired
                self._replicas[name] = {}
                self._make_replicas(name)

    def _desired_path(self, name: str) -> str:
        return f"{state.workload_dir(self._place.state_dir, name)}/desired.json"

    def _make_replicas(self, name: str) -> None:
        desired = self._desired[name]
        for number in range(1, desired.spec.replicas + 1):
            if number not in self._replicas[name]:
                replica = Replica(
                    name, number, desired, self._place, self._zygote, self._on_event, self._changed
                )
                self._replicas[name][number] = replica
                if self._group is not None:
                    self._group.create_task(replica.run(), name=replica.name)

    def _changed(self) -> None:
        self._tick.set()
        self._tick = asyncio.Event()

    async def run(self) -> None:
        """Adopt what runs, keep everything as wanted; until cancelled (workloads then go on by themselves)."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._zygote.run(), name="zygote")
                for replica in self._all():
                    group.create_task(replica.run(), name=replica.name)
        finally:
            self._group = None

    def _all(self) -> list[Replica]:
        return [replica for numbers in self._replicas.values() for replica in numbers.values()]

    async def shutdown(self, on_exit: str) -> None:
        """Before `run` is cancelled: `keep` leaves workloads running, `stop` ends all and leaves nothing behind.

        Stopping here is not a manual stop: the workloads start again with the agent.
        """
        if on_exit != "stop":
            return
        async with self._turn:
            replicas = self._all()
            for replica in replicas:
                replica.leave()
            await self._wait_ended(replicas)
            try:
                await self._zygote.leave()
            except DeckwatchError as error:
                log.warning("zygote_not_left", error=str(error))
            await asyncio.to_thread(self._clear)

    def _clear(self) -> None:
        for name in ("replicas", "zygote"):
            shutil.rmtree(f"{self._place.run_dir}/{name}", ignore_errors=True)
        if self._hierarchies is not None and self._place.cgroup_parent:
            parent = self._place.cgroup_parent
            monitors = ContainerCgroup.open(self._hierarchies, monitors_path(parent, self._place.run_dir))
            # What may still be in it has no further use: a zygote that waits, a log being compressed.
            monitors.kill()
            monitors.remove()
            for replica in self._all():
                ContainerCgroup.open(self._hierarchies, f"{parent}/workloads/{replica.name}").remove()
            for name in ("/monitors", "/workloads", ""):
                ContainerCgroup.open(self._hierarchies, parent + name).remove_if_empty()

    async def apply(
        self, specs: Sequence[WorkloadSpec], *, owner: str, prune: bool = False, dry_run: bool = False
    ) -> list[Change]:
        """Make `owner`'s workloads what `specs` say; Refused (and nothing done) when one is not the owner's."""
        async with self._turn:
            changes = plan(self._desired, specs, owner=owner, prune=prune)
            if dry_run:
                return changes
            for change in changes:
                if change.action is Action.REMOVE:
                    await self._remove(change.name, keep_logs=False)
                elif change.action is not Action.KEEP and change.spec is not None:
                    await self._put(change.spec, owner, restart=change.action is Action.UPDATE)
            return changes

    async def _put(self, spec: WorkloadSpec, owner: str, *, restart: bool) -> None:
        known = self._desired.get(spec.name)
        desired = state.Desired(
            spec=spec,
            owner=owner,
            generation=known.generation + 1 if known else 1,
            stopped=known.stopped if known else False,
        )
        await self._write(spec.name, desired)
        numbers = self._replicas.setdefault(spec.name, {})
        surplus = [numbers.pop(number) for number in sorted(numbers) if number > spec.replicas]
        for replica in numbers.values():
            if restart:
                replica.update(desired)
        self._make_replicas(spec.name)
        await self._forget(surplus, keep_logs=False)

    async def _write(self, name: str, desired: state.Desired) -> None:
        # A sync may wait for the disk; the loop must not.
        await asyncio.to_thread(state.write, self._desired_path(name), desired)
        self._desired[name] = desired

    def _known(self, name: str) -> state.Desired:
        if name not in self._desired:
            raise NoSuchWorkload(f"no workload is called {name}; `deckwatch ps -a` lists them")
        return self._desired[name]

    async def start(self, name: str) -> None:
        """Start a workload; also one that is stopped, ended or in a crash loop."""
        await self._set_stopped(name, False)
        for replica in self._replicas[name].values():
            replica.start()

    async def stop(self, name: str) -> None:
        """Stop a workload by its stop rules and wait; it stays stopped over restarts and reboots."""
        await self._set_stopped(name, True)
        replicas = list(self._replicas[name].values())
        for replica in replicas:
            replica.stop()
        await self._until(
            lambda: all(not replica.status().pid for replica in replicas), self._stop_limit(name)
        )

    async def restart(self, name: str) -> None:
        """End the current runs and start others at once; returns without waiting (see `settled`)."""
        await self._set_stopped(name, False)
        for replica in self._replicas[name].values():
            replica.restart()

    async def _set_stopped(self, name: str, stopped: bool) -> None:
        async with self._turn:
            desired = self._known(name)
            if desired.stopped != stopped:
                await self._write(name, msgspec.structs.replace(desired, stopped=stopped))

    async def kill(self, replica: str, signal: int) -> None:
        """Send a signal to the first process of one replica."""
        found = {each.name: each for each in self._all()}
        if replica not in found:
            raise NoSuchWorkload(f"no replica is called {replica}; `deckwatch ps -a` lists them")
        found[replica].kill(signal)

    async def scale(self, name: str, replicas: int) -> None:
        """Change the number of replicas of a workload of the API; Refused for one of a file."""
        async with self._turn:
            desired = self._known(name)
            check_owner(name, desired, API)
            spec = msgspec.structs.replace(desired.spec, replicas=replicas)
            plan(self._desired, [spec], owner=API, prune=False)
            await self._put(spec, API, restart=False)

    async def remove(self, name: str, keep_logs: bool = False) -> None:
        """Stop and forget a workload of the API, with its logs unless kept; Refused for one of a file."""
        async with self._turn:
            check_owner(name, self._known(name), API)
            await self._remove(name, keep_logs)

    async def _remove(self, name: str, keep_logs: bool) -> None:
        # Forgotten on disk first: what is interrupted here must not come back.
        desired = self._desired.pop(name)
        await asyncio.to_thread(_delete, self._desired_path(name))
        await self._forget(self._replicas.pop(name).values(), keep_logs)
        await asyncio.to_thread(_delete_if_empty, state.workload_dir(self._place.state_dir, name))
        log.info("workload_removed", workload=name, owner=desired.owner)

    async def _forget(self, replicas: Iterable[Replica], keep_logs: bool) -> None:
        replicas = list(replicas)
        for replica in replicas:
            replica.leave()
        await self._wait_ended(replicas)
        for replica in replicas:
            await asyncio.to_thread(self._delete_files, replica.name, keep_logs)
        self._changed()

    async def _wait_ended(self, replicas: Sequence[Replica]) -> None:
        if self._group is None:
            return
        limit = max((seconds(replica.spec.stop.timeout) for replica in replicas), default=0.0) + GRACE
        try:
            async with asyncio.timeout(limit):
                for replica in replicas:
                    await replica.ended.wait()
        except TimeoutError:
            names = ", ".join(replica.name for replica in replicas if not replica.ended.is_set())
            raise DeckwatchError(f"{names} did not end in {limit:g} s; see the agent's log") from None

    def _delete_files(self, replica: str, keep_logs: bool) -> None:
        shutil.rmtree(state.replica_dir(self._place.run_dir, replica), ignore_errors=True)
        kept = state.workload_dir(self._place.state_dir, replica)
        if keep_logs:
            _delete(f"{kept}/replica.json")
        else:
            shutil.rmtree(kept, ignore_errors=True)

    def _stop_limit(self, name: str) -> float:
        return seconds(self._desired[name].spec.stop.timeout) + GRACE

    async def settled(self, names: Sequence[str], timeout: float) -> list[WorkloadStatus]:
        """Wait until each replica of these workloads has started or failed, at most `timeout` seconds."""
        for name in names:
            self._known(name)
        await self._until(
            lambda: all(
                replica.settled for name in names for replica in self._replicas.get(name, {}).values()
            ),
            timeout,
        )
        return [status for status in self.status() if status.name in names]

    async def _until(self, condition: Callable[[], bool], limit: float) -> bool:
        try:
            async with asyncio.timeout(limit):
                while not condition():
                    await self._tick.wait()
        except TimeoutError:
            return False
        return True

    def status(self) -> list[WorkloadStatus]:
        """All workloads, sorted by name."""
        return [
            WorkloadStatus(
                name=name,
                owner=desired.owner,
                generation=desired.generation,
                stopped=desired.stopped,
                replicas=[replica.status() for _, replica in sorted(self._replicas[name].items())],
            )
            for name, desired in sorted(self._desired.items())
        ]

    def spec(self, name: str) -> WorkloadSpec:
        """The specification in force of one workload."""
        return self._known(name).spec

    def log_directory(self, name: str, number: int = 1) -> str:
        """Where a replica's log lies."""
        return os.path.dirname(state.log_path(self._place.state_dir, replica_name(name, number)))


def _delete(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _delete_if_empty(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        pass  # a replica's directory of the same name, or already gone


__all__ = ["Change", "NoSuchWorkload", "Refused", "Supervisor"]
