"""Which processes are a container's, for surveys that look at processes."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.cgroups.procs import pids_below, pids_in
from collectors.metrics.survey import Subject
from collectors.metrics.target import ROOT
from runtime.linux.hierarchies import Hierarchies


class Inhabitants:
    """Pids of the containers of one round.

    Those in cgroups below a container's own are in it, unless the cgroup is told for itself; a pod or a slice,
    which has no first process, has only those in it itself. The root cgroup is no container.
    """

    def __init__(self, hierarchies: Hierarchies) -> None:
        self._hierarchies = hierarchies
        self._ids: frozenset[str] = frozenset()

    def begin(self, subjects: Sequence[Subject]) -> None:
        """These containers there are."""
        self._ids = frozenset(subject.id for subject in subjects)

    def of(self, subject: Subject) -> list[int]:
        """Pids, none when the container is gone. Raises OSError, and ValueError for one of too many cgroups."""
        if subject.id == ROOT:
            return []
        if subject.pid:
            return pids_below(self._hierarchies, subject.id, self._ids.__contains__)
        return pids_in(self._hierarchies, subject.id)
