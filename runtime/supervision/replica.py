"""One replica: started, followed, restarted by its policy, stopped; its state kept on disk at each step."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import structlog

from runtime.container.protocol import read_file
from runtime.linux.errors import DeckwatchError, Refused
from runtime.supervision import state
from runtime.supervision.events import EventType, WorkloadEvent
from runtime.supervision.monitor_link import MonitorLink
from runtime.supervision.request import Place, limits_left_out, refusals, write_request
from runtime.supervision.restart import decide
from runtime.supervision.spec import WorkloadSpec, replica_name
from runtime.supervision.status import ReplicaStatus
from runtime.supervision.zygote_client import ZygoteClient

ADOPT_RETRY = 0.25
ADOPT_SLOWEST = 10.0
FAULT_RETRY = 5.0
DOWN = ("exited", "crash_loop", "refused")

log = structlog.get_logger()


class Replica:
    """A replica and the coroutine that keeps it as wanted. Methods are called on the loop's thread."""

    def __init__(
        self,
        workload: str,
        number: int,
        desired: state.Desired,
        place: Place,
        zygote: ZygoteClient,
        on_event: Callable[[WorkloadEvent], None],
        on_change: Callable[[], None],
    ) -> None:
        self.name = replica_name(workload, number)
        self._workload = workload
        self._place = place
        self._zygote = zygote
        self._on_event = on_event
        self._on_change = on_change
        self._changed = asyncio.Event()
        self._link: MonitorLink | None = None
        self._held: list[int] = []
        self._container: dict[str, Any] | None = None
        self._exit: state.ExitRecord | None = None
        self._since = time.time()
        self._hold = False
        self._again = False
        self._leaving = False
        self._faults = 0
        self.settled = False
        self.ended = asyncio.Event()
        self.spec: WorkloadSpec = desired.spec
        self.wanted = not desired.stopped
        self._record = self._load(number)
        self.generation = desired.generation

    def _load(self, number: int) -> state.ReplicaFile:
        try:
            known = state.read(self._record_path, state.ReplicaFile)
            self._exit = state.last_exit(self._place.state_dir, self.name)
        except state.StateError as error:
            log.error("replica_state_unreadable", replica=self.name, error=str(error))
            known = None
        if known is not None:
            return known
        # Without its record the numbers of earlier runs must not be used again.
        run = self._exit.run if self._exit else 0
        return state.ReplicaFile(name=self.name, workload=self._workload, number=number, run=run, handled=run)

    @property
    def _record_path(self) -> str:
        return f"{state.workload_dir(self._place.state_dir, self.name)}/replica.json"

    @property
    def _directory(self) -> str:
        return state.replica_dir(self._place.run_dir, self.name)

    # What is asked of it

    def start(self) -> None:
        """Run it, whatever it ended of before; the backoff starts afresh."""
        self.wanted = True
        self._hold = False
        if self._record.state in DOWN or self._record.state == "restarting":
            self.settled = False
            self._save(quick=0, state="created", message="")
        self._changed.set()

    def stop(self) -> None:
        """Stop it by its stop rules and keep it stopped."""
        self.wanted = False
        self._again = False
        self._send_stop()
        self._changed.set()

    def restart(self) -> None:
        """End the current run, if any, and start another at once."""
        self._again = self._link is not None
        self.start()
        self.settled = False
        self._send_stop()

    def update(self, desired: state.Desired) -> None:
        """Go on with another specification, restarting what runs."""
        self.spec, self.generation = desired.spec, desired.generation
        self.wanted = not desired.stopped
        if self.wanted:
            self.restart()

    def leave(self) -> None:
        """Stop it for good; `ended` is set when nothing of it runs any more."""
        self._leaving = True
        self.stop()

    def kill(self, number: int) -> None:
        """Send a signal to its first process."""
        if self._link is not None:
            self._link.send({"op": "kill", "signal": number})

    def _send_stop(self) -> None:
        if self._link is not None:
            self._link.send({"op": "stop"})

    # What it does

    async def run(self) -> None:
        """Keep the replica as wanted until it has left or the task is cancelled (then it goes on without us)."""
        try:
            await self._guarded(self._resume)
            while not self._leaving:
                if self._record.run > self._record.handled:
                    # A step failed on the way: what runs, or has ended, comes before anything new.
                    await self._guarded(self._resume)
                elif self.wanted and not self._hold:
                    await self._guarded(self._one_run)
                else:
                    self._settle()
                    await self._changed.wait()
                    self._changed.clear()
        finally:
            self._release()
            self.ended.set()

    async def _guarded(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """One step; a failure of ours (no zygote, full disk) is told and tried again later, never final."""
        try:
            await step()
        except Exception as error:
            known = isinstance(error, DeckwatchError | OSError)
            log.error("replica_step_failed", replica=self.name, error=str(error), exc_info=not known)
            self._record = msgspec.structs.replace(self._record, message=str(error))
            self._settle()
            await self._pause(FAULT_RETRY)

    async def _pause(self, delay: float) -> None:
        """Wait, unless something is asked meanwhile."""
        self._changed.clear()
        try:
            async with asyncio.timeout(delay):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _resume(self) -> None:
        """Find out what became of the last run while nobody looked, and follow it when it still runs."""
        record = self._record
        if record.run > record.handled:
            ended = state.last_exit(self._place.state_dir, self.name, record.run)
            asked = read_file(f"{self._directory}/start.json")
            if ended is None and asked is None:
                ended = self._lost(record.run)
            if ended is None and asked is not None and asked["run"] != record.run:
                # Counted, but not yet asked for.
                self._save(run=record.run - 1)
            elif ended is None:
                link = await MonitorLink.to(f"{self._directory}/monitor.sock") or await self._adopt()
                await self._follow(link, adopted=True)
            else:
                await self._judge(ended)
        elif record.state in ("exited", "crash_loop"):
            # What was stopped together with the agent, and not by hand, comes back with it.
            self._hold = record.state == "crash_loop" or self._exit is None or self._exit.reason != "stopped"
        elif record.state == "restarting":
            await self._pause(0)

    def _lost(self, run: int) -> state.ExitRecord:
        """The record of a run of which nothing is left: its host restarted and cleared the run directory."""
        ended = state.ExitRecord(run=run, finished_at=time.time(), reason="lost", boot_id=self._place.boot_id)
        state.write(f"{state.workload_dir(self._place.state_dir, self.name)}/exits/{run}.json", ended)
        return ended

    async def _one_run(self) -> None:
        """Start it and follow it to its end."""
        self._again = False
        refused = refusals(self.spec, self._place)
        if refused:
            self._refuse("; ".join(str(each) for each in refused))
            return
        _, left_out = limits_left_out(self.spec, self._place)
        run = self._record.run + 1
        self._save(
            run=run,
            state="created",
            message="",
            unenforced=[str(each) for each in left_out],
            generation=self.generation,
            cgroup=self._place.cgroup(self.name),
            labels=self.spec.labels,
            limits=state.limits_of(self.spec.resources),
        )
        try:
            seccomp = write_request(self.spec, self.name, run, self._place)
        except Refused as error:
            self._save(run=run - 1)
            self._refuse(str(error))
            return
        self._record = msgspec.structs.replace(self._record, seccomp=seccomp)
        try:
            link = await MonitorLink.over(await self._zygote.fork("start", self.name))
        except DeckwatchError as error:
            # It may have been forked all the same: only its socket or its absence can tell.
            log.error("start_unanswered", replica=self.name, error=str(error))
            link = await self._find_monitor()
        await self._follow(link, adopted=False)

    def _refuse(self, message: str) -> None:
        self._hold = True
        if (self._record.state, self._record.message) != ("refused", message):
            self._tell(EventType.REFUSED, self._record.run, time.time(), message=message)
        self._save(state="refused", message=message)
        self._settle()

    async def _adopt(self) -> MonitorLink:
        """A new monitor for a run whose monitor is gone."""
        return await MonitorLink.over(await self._zygote.fork("adopt", self.name))

    async def _follow(self, link: MonitorLink, *, adopted: bool) -> None:
        """Stay with a run, through the deaths of its monitors, until its exit record stands."""
        run = self._record.run
        if not self.wanted:
            link.send({"op": "stop"})
        while True:
            self._link = link
            try:
                await self._listen(link, run, adopted)
            finally:
                self._link = None
                link.close()
            ended = state.last_exit(self._place.state_dir, self.name, run)
            if ended is not None:
                break
            link = await self._find_monitor()
            adopted = True
            if not self.wanted or self._again:
                link.send({"op": "stop"})
        await self._judge(ended)

    async def _find_monitor(self) -> MonitorLink:
        """The monitor that still or again serves this run, else a new one; tried until there is one."""
        while True:
            link = await MonitorLink.to(f"{self._directory}/monitor.sock")
            if link is not None:
                return link
            log.info("monitor_replaced", replica=self.name)
            try:
                return await self._adopt()
            except DeckwatchError as error:
                await self._fault(str(error))

    async def _fault(self, message: str) -> None:
        """A monitor that cannot be had or cannot work: told once, tried again ever more slowly."""
        if message != self._record.message:
            log.error("monitor_failed", replica=self.name, error=message)
        self._record = msgspec.structs.replace(self._record, message=message)
        self._settle()
        await asyncio.sleep(min(ADOPT_SLOWEST, ADOPT_RETRY * 2**self._faults))
        self._faults += 1

    async def _listen(self, link: MonitorLink, run: int, adopted: bool) -> None:
        """Take a monitor's events until the run has ended or the monitor leaves."""
        while (event := await link.next()) is not None:
            kind = event.get("event")
            if kind == "failed":
                await self._fault(str(event.get("message")))
            elif event.get("run") == run and event.get("pid") and event.get("answer") == "watch":
                # A monitor that was running already tells the same on being watched, less completely.
                found = state.read(f"{self._directory}/container.json", state.ContainerFile)
                self._note_running(msgspec.to_builtins(found) if found is not None else event, adopted)
            elif kind == "started" and event.get("run") == run:
                self._note_running(event, adopted)
            elif kind == "exited" and event.get("run") == run:
                # Recorded already; the monitor only tidies up.
                return

    def _note_running(self, event: dict[str, Any], adopted: bool) -> None:
        self._container = event
        self._faults = 0
        self._hold_fifos()
        if self._record.state != "running":
            observed = "late" if adopted and event["started_at"] < self._since else "live"
            self._tell(EventType.START, self._record.run, event["started_at"], observed=observed)
            self._save(state="running")
        if not self._again:
            self._settle()

    def _hold_fifos(self) -> None:
        """One reading end of each FIFO, so that the last words survive the death of monitor and container."""
        if not self._held:
            for name in ("stdout", "stderr"):
                flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
                self._held.append(os.open(f"{self._directory}/{name}", flags))

    def _release(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)
        self._held.clear()
        self._container = None

    async def _judge(self, ended: state.ExitRecord) -> None:
        """Tell of an end, and decide what follows."""
        self._release()
        self._exit = ended
        observed = "late" if ended.finished_at < self._since or ended.reason == "lost" else "live"
        if ended.refused:
            self._save(handled=ended.run)
            self._refuse(ended.message)
            return
        oom_kills = int(ended.final.get("oom_kills", 0))
        if oom_kills:
            self._tell(EventType.OOM_KILL, ended.run, ended.finished_at, count=oom_kills, observed=observed)
        self._tell(
            EventType.EXIT,
            ended.run,
            ended.finished_at,
            exit_code=ended.exit_code,
            signal=ended.signal,
            reason=ended.reason,
            message=ended.message,
            observed=observed,
        )
        if not self.wanted:
            self._save(state="exited", handled=ended.run, message=ended.message)
        elif self._again:
            self._count_restart(handled=ended.run)
        else:
            await self._decide(ended)

    async def _decide(self, ended: state.ExitRecord) -> None:
        ran = ended.finished_at - (ended.started_at or ended.finished_at)
        decision = decide(
            self.spec.restart, reason=ended.reason, ran=ran, quick=self._record.quick, chance=random.random()
        )
        if not decision.again:
            self._hold = True
            name = "crash_loop" if decision.crash_loop else "exited"
            self._save(state=name, handled=ended.run, message=ended.message)
            self._settle()
            return
        self._save(state="restarting", handled=ended.run, quick=decision.quick, message=ended.message)
        if decision.delay:
            self._settle()
        await self._pause(decision.delay)
        if self.wanted:
            self._count_restart()
        else:
            self._save(state="exited")

    def _count_restart(self, **changes: Any) -> None:
        self._save(restarts=self._record.restarts + 1, **changes)
        self._tell(EventType.RESTART, self._record.run, time.time())

    # What it says

    def _tell(self, kind: EventType, run: int, when: float, **more: Any) -> None:
        self._on_event(
            WorkloadEvent(type=kind, replica=self.name, workload=self._workload, run=run, time=when, **more)
        )

    def _settle(self) -> None:
        self.settled = True
        self._on_change()

    def _save(self, **changes: Any) -> None:
        self._record = msgspec.structs.replace(self._record, **changes)
        # Not synced: after a power cut the exits tell the numbers, and nothing else here is missed.
        state.write(self._record_path, self._record, sync=False)
        self._on_change()

    def status(self) -> ReplicaStatus:
        """How it is now."""
        record, container = self._record, self._container
        ended = self._exit if container is None else None
        return ReplicaStatus(
            name=self.name,
            state=record.state,
            run=record.run,
            pid=container["pid"] if container else 0,
            pid_start=container.get("start", 0) if container else 0,
            cgroup=record.cgroup,
            started_at=container["started_at"] if container else ended.started_at if ended else None,
            finished_at=ended.finished_at if ended else None,
            exit_code=ended.exit_code if ended else None,
            signal=ended.signal if ended else None,
            reason=ended.reason if ended else None,
            message=record.message,
            unenforced=record.unenforced,
            seccomp=record.seccomp,
            restarts=record.restarts,
            log_path=state.log_path(self._place.state_dir, self.name),
            final=ended.final if ended else {},
        )
