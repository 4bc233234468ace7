"""Deckwatch's own workloads, from their state on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import structlog

from collectors.inventory.base import Board
from collectors.model import Container, Entry, Limits, LogSource, Network, Reason, State
from runtime.linux.birth import birth
from runtime.linux.process import start_time
from runtime.supervision.state import (
    Desired,
    ExitRecord,
    ReplicaRecord,
    StateError,
    last_exit,
    read,
    read_replicas,
    workload_dir,
)

log = structlog.get_logger()

ENGINE = "deckwatch"
MOST_MISSED = 50
UNREADABLE = "workload_state_unreadable"

_STATES = {str(state): state for state in State}
# States whose entry tells the end of the run: beside another one an exit record may lie already.
_OVER = ("exited", "restarting", "crash_loop")
_REASONS = {str(reason): reason for reason in Reason}


class WorkloadSource:
    """Shows each replica that has a record. `notify` says that something changed on disk."""

    name = ENGINE

    def __init__(self, state_dir: str, run_dir: str) -> None:
        self._state_dir = state_dir
        self._run_dir = run_dir
        self._changed = asyncio.Event()
        self._unreadable: set[str] = set()
        self._told: dict[
            str, tuple[int, bool]
        ] = {}  # the last run of each replica, and whether its end was told

    def notify(self) -> None:
        """Read again, soon; several calls at once are one reading."""
        self._changed.set()

    async def run(self, board: Board) -> None:
        """Read once, and again at each notice, until cancelled."""
        while True:
            self._changed.clear()
            records = read_replicas(self._state_dir, self._run_dir, self._damaged)
            wanted = {name: self._desired(name) for name in {record.workload for record in records}}
            for record in records:
                for missed in self._missed(record):
                    board.put(ENGINE, self._entry(missed, wanted))
                ended = record.state in _OVER and self._exit(record.name, record.run) is not None
                self._told[record.name] = record.run, ended
            self._told = {record.name: self._told[record.name] for record in records}
            board.replace(ENGINE, [self._entry(record, wanted) for record in records])
            await self._changed.wait()

    def _entry(self, record: ReplicaRecord, wanted: dict[str, Desired | None]) -> Entry:
        created_at = birth(workload_dir(self._state_dir, record.name))
        return entry_of(record, wanted[record.workload], created_at)

    def _missed(self, record: ReplicaRecord) -> Iterator[ReplicaRecord]:
        """Runs that ended before this one and whose end was not told: two may pass between two readings."""
        run, ended = self._told.get(record.name, (record.run - 1, False))
        for number in range(max(run + ended, record.run - MOST_MISSED, 1), record.run):
            if (end := self._exit(record.name, number)) is not None:
                yield msgspec.structs.replace(
                    record,
                    run=number,
                    state="exited",
                    pid=0,
                    pid_start=0,
                    started_at=end.started_at,
                    finished_at=end.finished_at,
                    exit_code=end.exit_code,
                    signal=end.signal,
                    reason=end.reason,
                    message=end.message,
                )

    def _exit(self, replica: str, run: int) -> ExitRecord | None:
        try:
            return last_exit(self._state_dir, replica, run)
        except StateError as error:
            self._damaged(error)
            return None

    def _desired(self, workload: str) -> Desired | None:
        try:
            return read(f"{workload_dir(self._state_dir, workload)}/desired.json", Desired)
        except StateError as error:
            self._damaged(error)
            return None

    def _damaged(self, error: StateError) -> None:
        if str(error) not in self._unreadable:
            log.warning(UNREADABLE, reason=str(error))
        self._unreadable.add(str(error))


def entry_of(record: ReplicaRecord, desired: Desired | None, created_at: float | None = None) -> Entry:
    """The entry of one replica, whose specification is None once its workload was removed.

    It was created with the directory of its state, which stays through all its runs.
    A pid that is no longer its process is left out. `metrics:` shows as the annotations by which any other
    container asks to be scraped.
    """
    alive = record.pid != 0 and start_time(record.pid) == record.pid_start
    limits = record.limits
    container = Container(
        id=record.cgroup,
        name=record.name,
        engine=ENGINE,
        engine_id=record.name,
        image=(desired.spec.image or "") if desired else "",
        state=_STATES.get(record.state, State.EXITED),
        run=max(record.run, 1),
        created_at=created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        exit_code=record.exit_code,
        signal=record.signal,
        reason=_REASONS.get(record.reason or ""),
        restarts=record.restarts,
        workload=record.workload,
        message=record.message,
        labels=record.labels,
        limits=Limits(
            cpus=limits.cpus,
            memory=limits.memory,
            memory_high=limits.memory_high,
            swap=limits.swap,
            pids=limits.pids,
        ),
    )
    return Entry(
        container=container,
        pid=record.pid if alive else 0,
        pid_start=record.pid_start if alive else 0,
        network=Network.HOST if desired and desired.spec.network.mode == "host" else Network.OWNER,
        log=LogSource(path=record.log_path, format="cri") if record.log_path else None,
        annotations=_annotations(desired),
        stop_requested=record.reason == Reason.STOPPED,
    )


def _annotations(desired: Desired | None) -> dict[str, str]:
    metrics = desired.spec.metrics if desired else None
    if metrics is None:
        return {}
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(metrics.port),
        "prometheus.io/path": metrics.path,
    }
