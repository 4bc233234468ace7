"""What the supervisor answers when asked how its workloads are."""

from __future__ import annotations

from typing import Any

import msgspec


class ReplicaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One replica. `pid` is 0 when it does not run; unknown codes are None.

    `unenforced` are the keys of a best-effort workload that this host cannot enforce, each with its reason;
    `seccomp` is the filter of its last run (`none` or the filter's name; empty before the first).
    """

    name: str
    state: str
    run: int
    pid: int = 0
    pid_start: int = 0
    cgroup: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    message: str = ""
    unenforced: list[str] = []
    seccomp: str = ""
    restarts: int = 0
    log_path: str = ""
    final: dict[str, Any] = {}


class WorkloadStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One workload with its replicas; `stopped` says that somebody stopped it by hand."""

    name: str
    owner: str
    generation: int
    stopped: bool
    replicas: list[ReplicaStatus]

    @property
    def failures(self) -> list[str]:
        """One line for each replica that did not come up: its name, state and why."""
        return [
            f"{replica.name}: {replica.state}: {replica.message or replica.reason or 'unknown'}"
            for replica in self.replicas
            if replica.state in ("refused", "crash_loop", "restarting")
        ]
