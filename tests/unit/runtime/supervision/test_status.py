"""What `settled` answers for a person."""

from __future__ import annotations

from runtime.supervision.status import ReplicaStatus, WorkloadStatus


def test_failures_name_replica_state_and_reason() -> None:
    replicas = [
        ReplicaStatus(name="web-1", state="running", run=1),
        ReplicaStatus(name="web-2", state="refused", run=0, message="image: is not implemented"),
        ReplicaStatus(name="web-3", state="crash_loop", run=4, reason="error"),
    ]
    status = WorkloadStatus(name="web", owner="api", generation=1, stopped=False, replicas=replicas)
    assert status.failures == ["web-2: refused: image: is not implemented", "web-3: crash_loop: error"]
