"""What only Podman itself knows of a container, whether its database or its API told it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

# A pod of Podman is none of Kubernetes', so it shows in labels and not as `pod`.
POD_ID_LABEL = "io.podman.pod.id"
POD_NAME_LABEL = "io.podman.pod.name"


class End(NamedTuple):
    """How the run that began at a certain time ended; None for what is not known."""

    time: float | None = None
    code: int | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Labels, pod and the last end of a container.

    `infra` marks the container that holds a pod's namespaces. `exit_code` belongs to the run that ended at
    `finished_at`. `stopped` says that somebody asked for that end; None where that is not told. `begun` is
    whether the container has ever started. `log` is the file of its log, empty for another log driver.
    """

    labels: dict[str, str] = {}
    pod_id: str = ""
    pod_name: str = ""
    infra: bool = False
    restarts: int = 0
    exit_code: int | None = None
    finished_at: float | None = None
    stopped: bool | None = None
    begun: bool = True
    log: str = ""
    ports: tuple[int, ...] = ()

    def end_of(self, began: float) -> End:
        """The end of the run that began at a time; nothing when the last end it knows is an earlier run's.

        The API counts in whole seconds, so an end may seem to come before the run.
        """
        if self.finished_at is None or self.finished_at < int(began):
            return End()
        return End(max(self.finished_at, began), self.exit_code)

    def all_labels(self) -> dict[str, str]:
        """The container's own labels, and those that tell its pod."""
        pod = {POD_ID_LABEL: self.pod_id, POD_NAME_LABEL: self.pod_name}
        return {label: value for label, value in pod.items() if value} | self.labels
