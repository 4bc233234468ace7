"""Files that a container's processes have open: 35 µs per process, and 5 µs for each descriptor to tell sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from collectors.metrics import catalogue
from collectors.metrics.complaints import Complaints
from collectors.metrics.crew import Crew
from collectors.metrics.inhabitants import Inhabitants
from collectors.metrics.openfiles import Counter, descriptor_counter, limit_of, sockets_of
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject
from collectors.metrics.surveyor import Surveyor
from runtime.linux.errors import NotSupported
from runtime.linux.process import start_time

Found = TypeVar("Found")

_PERIOD = 10.0
# Descriptors of one container that are looked at, to tell sockets.
_MOST_DESCRIPTORS = 10_000
# After so many processes the thread rests, in seconds.
_PROCESSES = 100
_REST = 0.005


class OpenFiles:
    """The look (see `collectors.metrics.surveyor`) at the descriptors of a container's processes."""

    families = catalogue.PROCESS

    def __init__(
        self, host: Host, count: Counter, crew: Crew, most_descriptors: int = _MOST_DESCRIPTORS
    ) -> None:
        self._host = host
        self._count = count
        self._crew = crew
        self._most = most_descriptors
        self._inhabitants = Inhabitants(host.hierarchies)
        self._complaints = Complaints()

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Know whose processes are whose, and forget what went wrong with containers that are no longer there."""
        self._inhabitants.begin(subjects)
        self._complaints.keep(subject.id for subject in subjects)

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """Values of the four families; nothing of the root cgroup, which is no container."""
        if not (pids := self._inhabitants.of(subject)):
            return None
        self._complaints.say(subject.id, "")
        counts = self._unless_refused(subject.id, lambda: self._counts(pids))
        if not counts:
            # Refused; or all have ended, or this process may not see them.
            return (None, None, None, self._first_limit(subject))
        total = sum(counts.values())
        sockets: int | None = None
        if total > self._most:
            self._complaints.say(
                subject.id, f"more than {self._most} open descriptors, so sockets are not told"
            )
        else:
            sockets = self._unless_refused(subject.id, lambda: self._sockets(pids))
        return (total, sockets, self._nearest_to_limit(counts), self._first_limit(subject))

    def trouble(self) -> str:
        """Why figures are missing."""
        return self._complaints.text()

    def _unless_refused(self, id: str, find: Callable[[], Found]) -> Found | None:
        try:
            return find()
        except PermissionError as error:
            self._complaints.say(
                id,
                f"cannot look at the descriptors of its processes: {error.strerror}; "
                "run as root or add CAP_SYS_PTRACE",
            )
            return None

    def _counts(self, pids: Sequence[int]) -> dict[int, int]:
        counts = ((pid, self._count(pid)) for pid in self._with_rests(pids))
        return {pid: count for pid, count in counts if count is not None}

    def _sockets(self, pids: Sequence[int]) -> int:
        return sum(sockets_of(pid, self._host.proc) or 0 for pid in self._with_rests(pids))

    def _nearest_to_limit(self, counts: dict[int, int]) -> float | None:
        ratios = []
        for pid in self._with_rests(counts):
            limit = limit_of(pid, self._host.proc)
            if limit is not None and limit > 0:
                ratios.append(counts[pid] / limit)
        return max(ratios, default=None)

    def _first_limit(self, subject: Subject) -> Value:
        """Of the container's first process; nothing when its pid belongs to another one by now."""
        proc = self._host.proc
        if not subject.pid or (subject.pid_start and start_time(subject.pid, proc) != subject.pid_start):
            return None
        limit = limit_of(subject.pid, proc)
        return None if limit is None else ((',ulimit="max_open_files"', limit),)

    def _with_rests(self, pids: Iterable[int]) -> Iterator[int]:
        for at, pid in enumerate(pids, 1):
            if at % _PROCESSES == 0:
                self._crew.rest(_REST)
            yield pid


def survey(host: Host) -> Surveyor:
    """/proc/PID/fd and /proc/PID/limits."""
    try:
        count = descriptor_counter(host.proc)
    except OSError as error:
        raise NotSupported(f"cannot look at {host.proc}/self/fd: {error.strerror}") from None
    crew = Crew("process")
    return Surveyor("process", OpenFiles(host, count, crew), crew, _PERIOD)
