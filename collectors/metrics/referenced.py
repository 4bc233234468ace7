"""Memory that is marked as used.

The kernel goes through a process's page tables for it, and waits while the process changes its mappings: so
each process is asked about in a thread that may be left behind, and the survey rests ten times as long as
an answer took. Nothing is cleared: see Documentation/filesystems/proc.rst, clear_refs.
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Sequence

from collectors.cgroups.procs import content_of
from collectors.metrics import catalogue
from collectors.metrics.complaints import Complaints
from collectors.metrics.crew import Crew
from collectors.metrics.inhabitants import Inhabitants
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject
from collectors.metrics.surveyor import Surveyor
from runtime.linux.errors import NotSupported

_PERIOD = 60.0
_PATIENCE = 30.0
_REST_FACTOR = 10
_LONGEST_REST = 30.0

_REFERENCED = re.compile(rb"^Referenced: +(\d+) kB$", re.MULTILINE)


class Referenced:
    """The look (see `collectors.metrics.surveyor`) at the memory of a container's processes."""

    families = catalogue.REFERENCED

    def __init__(self, host: Host, crew: Crew) -> None:
        self._host = host
        self._crew = crew
        self._inhabitants = Inhabitants(host.hierarchies)
        self._complaints = Complaints()

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Know whose processes are whose, and forget what went wrong with containers that are no longer there."""
        self._inhabitants.begin(subjects)
        self._complaints.keep(subject.id for subject in subjects)

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """Bytes; nothing of the root cgroup, which is no container. Raises Stuck, OSError."""
        self._complaints.say(subject.id, "")
        try:
            found = [self._bytes(pid) for pid in self._inhabitants.of(subject)]
        except PermissionError as error:
            self._complaints.say(
                subject.id,
                f"cannot look at the memory of its processes: {error.strerror}; "
                "run as root or add CAP_SYS_PTRACE",
            )
            return None
        told = [number for number in found if number is not None]
        return (sum(told),) if told else None

    def trouble(self) -> str:
        """Why figures are missing."""
        return self._complaints.text()

    def _bytes(self, pid: int) -> int | None:
        """What a process has referenced; None when it has ended."""
        path = f"{self._host.proc}/{pid}/smaps_rollup"
        started = time.monotonic()
        content = self._crew.ask(path, f"reading {path}", functools.partial(content_of, path))
        self._crew.rest(min(_LONGEST_REST, _REST_FACTOR * (time.monotonic() - started)))
        found = _REFERENCED.search(content)
        return int(found[1]) * 1024 if found else None


def survey(host: Host) -> Surveyor:
    """/proc/PID/smaps_rollup."""
    if not os.path.exists(f"{host.proc}/self/smaps_rollup"):
        raise NotSupported(
            "the kernel has no /proc/PID/smaps_rollup; it needs Linux 4.14 and CONFIG_PROC_PAGE_MONITOR"
        )
    crew = Crew("referenced_memory", patience=_PATIENCE)
    return Surveyor("referenced_memory", Referenced(host, crew), crew, _PERIOD)
