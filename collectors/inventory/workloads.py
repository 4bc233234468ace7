"""Deckwatch's own workloads, from their state on disk."""

from __future__ import annotations

import asyncio

import structlog

from collectors.inventory.base import Board
from collectors.model import Container, Entry, Limits, LogSource, Network, Reason, State
from runtime.linux.process import start_time
from runtime.supervision.state import Desired, ReplicaRecord, StateError, read, read_replicas, workload_dir

log = structlog.get_logger()

ENGINE = "deckwatch"
UNREADABLE = "workload_state_unreadable"

_STATES = {str(state): state for state in State}
_REASONS = {str(reason): reason for reason in Reason}


class WorkloadSource:
    """Shows each replica that has a record. `notify` says that something changed on disk."""

    name = ENGINE

    def __init__(self, state_dir: str, run_dir: str) -> None:
        self._state_dir = state_dir
        self._run_dir = run_dir
        self._changed = asyncio.Event()
        self._unreadable: set[str] = set()

    def notify(self) -> None:
        """Read again, soon; several calls at once are one reading."""
        self._changed.set()

    async def run(self, board: Board) -> None:
        """Read once, and again at each notice, until cancelled."""
        while True:
            self._changed.clear()
            records = read_replicas(self._state_dir, self._run_dir, self._damaged)
            wanted = {name: self._desired(name) for name in {record.workload for record in records}}
            board.replace(ENGINE, [entry_of(record, wanted[record.workload]) for record in records])
            await self._changed.wait()

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


def entry_of(record: ReplicaRecord, desired: Desired | None) -> Entry:
    """The entry of one replica, whose specification is None once its workload was removed.

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
