"""Where each container's files lie, found once in each of its runs."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence

from collectors.metrics.filesystem.places import Layout, Place, Places
from collectors.metrics.survey import Subject

# What nobody may look at is no error of one container, so it is told once, not counted.
_FORBIDDEN = (errno.EACCES, errno.EPERM)
# A first process that was seen before it had its root is looked at again in so many rounds, unless it had run
# for so many seconds by then: who is given a root is given it at once.
_LOOKS = 3
_SETTLED = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


def _since_boot() -> float:
    """Seconds since the host started, on the clock of processes' start times."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Layouts:
    """Layouts by container, remembered as long as its first process runs."""

    def __init__(self, places: Places, since_boot: Callable[[], float] = _since_boot) -> None:
        self._places = places
        self._since_boot = since_boot
        self._known: dict[str, tuple[Subject, Layout, int]] = {}
        self._forbidden: dict[str, int] = {}

    def begin(self, subjects: Sequence[Subject]) -> Iterator[Place]:
        """A round over these containers begins; all places that are known of them."""
        there = {subject.id for subject in subjects}
        self._known = {id: known for id, known in self._known.items() if id in there}
        self._forbidden = {id: code for id, code in self._forbidden.items() if id in there}
        for _, layout, _ in self._known.values():
            if layout.layer is not None:
                yield layout.layer
            yield from layout.volumes

    def of(self, subject: Subject) -> Layout | None:
        """Where a container's files lie; None when no process of it is known, or nobody may look.

        Raises OSError and Stuck as `Places.find`.
        """
        if not subject.pid:
            return None
        before, layout, looks = self._known.get(subject.id, (None, None, 0))
        if before != subject:
            layout, looks = None, 0
        if layout is None or ((layout.layer is None or not layout.complete) and looks < _LOOKS):
            layout = self._find(subject)
            if layout is not None:
                if layout.complete:
                    looks = _LOOKS if self._is_settled(subject) else looks + 1
                self._known[subject.id] = (subject, layout, looks)
        return layout

    def _is_settled(self, subject: Subject) -> bool:
        """Whether its first process has run for so long that its root is the one it is to have."""
        return subject.pid_start > 0 and self._since_boot() - subject.pid_start / _TICKS > _SETTLED

    def trouble(self) -> str:
        """How many containers' files nobody may look at, and what to do; else empty."""
        if not (forbidden := list(self._forbidden.values())):
            return ""
        reason = os.strerror(forbidden[0])
        remedy = "run as root or add CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
        return f"the files of {len(forbidden)} containers: {reason}; {remedy}"

    def _find(self, subject: Subject) -> Layout | None:
        try:
            layout = self._places.find(subject)
        except OSError as error:
            if error.errno not in _FORBIDDEN:
                raise
            self._forbidden[subject.id] = error.errno
            return None
        self._forbidden.pop(subject.id, None)
        return layout
