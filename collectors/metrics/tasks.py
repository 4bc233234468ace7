"""States of a container's threads. About 12 µs each.

The kernel's own summary (cgroupstats) exists on v1 alone, and since Linux 6.1 leaves out most sleeping ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collectors.cgroups.procs import content_of, threads_of
from collectors.metrics import catalogue
from collectors.metrics.complaints import Complaints
from collectors.metrics.crew import Crew
from collectors.metrics.inhabitants import Inhabitants
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject
from collectors.metrics.surveyor import Surveyor

_PERIOD = 10.0
# Threads of one container that are looked at.
_MOST_THREADS = 10_000
# After so many threads the thread that looks rests, in seconds.
_THREADS = 100
_REST = 0.005

# cAdvisor's words for the letters of proc_pid_stat(5); a thread that has ended is none.
_WORDS = {"R": "running", "S": "sleeping", "D": "uninterruptible", "T": "stopped", "t": "stopped"}


class TooMany(Exception):
    """A container has more threads than are looked at."""


class States:
    """The look (see `collectors.metrics.surveyor`) at the threads of a container's processes."""

    families = catalogue.TASKS

    def __init__(self, host: Host, crew: Crew, most_threads: int = _MOST_THREADS) -> None:
        self._host = host
        self._crew = crew
        self._most = most_threads
        self._inhabitants = Inhabitants(host.hierarchies)
        self._complaints = Complaints()

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Know whose processes are whose, and forget what went wrong with containers that are no longer there."""
        self._inhabitants.begin(subjects)
        self._complaints.keep(subject.id for subject in subjects)

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """Threads by state; nothing of the root cgroup, which is no container."""
        if not (pids := self._inhabitants.of(subject)):
            return None
        self._complaints.say(subject.id, "")
        counts = dict.fromkeys(("sleeping", "running", "stopped", "uninterruptible"), 0)
        try:
            for letter in self._letters(pids):
                if letter in _WORDS:
                    counts[_WORDS[letter]] += 1
        except TooMany:
            self._complaints.say(subject.id, f"more than {self._most} threads, so their states are not told")
            return None
        if not any(counts.values()):
            # Its processes have ended, or this process may not see them.
            return None
        return (tuple((f',state="{word}"', count) for word, count in counts.items()),)

    def trouble(self) -> str:
        """Which containers have too many threads."""
        return self._complaints.text()

    def _letters(self, pids: Sequence[int]) -> Iterator[str]:
        """State of each thread; raises TooMany."""
        proc, seen = self._host.proc, 0
        for pid in pids:
            for thread in threads_of(pid, proc):
                seen += 1
                if seen > self._most:
                    raise TooMany
                if seen % _THREADS == 0:
                    self._crew.rest(_REST)
                # The command stands in parentheses and may hold anything, so look behind the last one.
                behind = content_of(f"{proc}/{pid}/task/{thread}/stat").rpartition(b")")[2]
                yield behind[1:2].decode("ascii", "replace")


def survey(host: Host) -> Surveyor:
    """/proc/PID/task/TID/stat."""
    crew = Crew("cpuLoad")
    return Surveyor("cpuLoad", States(host, crew), crew, _PERIOD)
