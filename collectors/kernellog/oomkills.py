"""What the kernel says of a process that it killed for want of memory, over several lines made into one record.

Source: mm/oom_kill.c and mm/memcontrol.c of the kernel. A line `oom-kill:…` names victim and cgroup (Linux
4.19), `Killed process …` its memory; with memory.oom.group further such lines follow for the rest of the group.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_WHOM = re.compile(
    r"oom-kill:constraint=(?P<constraint>\w+),.*?"
    r"(?:oom_memcg=(?P<limited>.*?)|global_oom),task_memcg=(?P<cgroup>.*?),"
    r"task=(?P<name>.*),pid=(?P<pid>\d+),uid=(?P<uid>\d+)$",
    re.DOTALL,
)
_KILLED = re.compile(
    r"(?:(?:Memory cgroup out|Out) of memory(?: \(oom_kill_allocating_task\))?: )?"
    r"Killed process (?P<pid>\d+)(?:, UID \d+,)? \((?P<name>.*)\),? total-vm:\d+kB, "
    r"anon-rss:(?P<anon>\d+)kB, file-rss:(?P<file>\d+)kB(?:, shmem-rss:(?P<shmem>\d+)kB)?"
    r"(?:.*? oom_score_adj:(?P<score>-?\d+))?",
    re.DOTALL,
)
_GROUP = re.compile(
    r"Tasks in (?P<cgroup>.*) are going to be killed due to memory\.oom\.group set", re.DOTALL
)
# Before Linux 4.19: `Task in CGROUP killed as a result of limit of LIMITED`.
_OLD = re.compile(r"Task in (?P<cgroup>.*) killed as a result of limit of (?P<limited>.*)", re.DOTALL)
_MEMCG = "CONSTRAINT_MEMCG"


class OomKill(NamedTuple):
    """One killed process. `time` in seconds since the epoch; sizes in bytes.

    `cgroup` is where the process was and `limited` whose limit was hit, both as host-absolute paths in the
    memory hierarchy; `limited` is "" when the host as a whole ran out.
    """

    time: float
    pid: int
    name: str
    cgroup: str
    limited: str
    constraint: str
    uid: int | None
    anon: int
    file: int
    shmem: int | None
    oom_score_adj: int | None

    def process(self) -> dict[str, Any]:
        """The process as an event tells of it; what the kernel did not say is left out."""
        told = {
            "pid": self.pid,
            "name": self.name,
            "uid": self.uid,
            "anon_bytes": self.anon,
            "file_bytes": self.file,
            "shmem_bytes": self.shmem,
            "oom_score_adj": self.oom_score_adj,
            "constraint": self.constraint,
            "cgroup": self.cgroup,
            "limited_cgroup": self.limited,
        }
        return {key: value for key, value in told.items() if value not in (None, "")}


class OomKills:
    """Puts the lines of one kill together. Lines of two kills do not mix: the kernel holds a lock meanwhile."""

    def __init__(self) -> None:
        self._whom: dict[str, str] = {}

    def line(self, text: str, time: float) -> OomKill | None:
        """Take the next line of the log; the kill that it completes."""
        if found := _WHOM.match(text):
            self._whom = {key: value or "" for key, value in found.groupdict().items()}
        elif (found := _GROUP.match(text)) or (found := _OLD.match(text)):
            self._whom = {"constraint": _MEMCG, "limited": "", **self._whom, **found.groupdict()}
            self._whom.pop("pid", None)
        elif found := _KILLED.match(text):
            return self._killed(found, time)
        return None

    def _killed(self, found: re.Match[str], time: float) -> OomKill | None:
        whom = self._whom
        if not whom or whom.get("pid", found["pid"]) != found["pid"]:
            return None  # of the line that names the cgroup nothing is left in the log
        uid = whom.pop("uid", None)
        # The rest of a group has no line of its own that names it.
        whom.pop("pid", None)
        return OomKill(
            time=time,
            pid=int(found["pid"]),
            name=found["name"],
            cgroup=whom["cgroup"],
            limited=whom["limited"],
            constraint=whom["constraint"].removeprefix("CONSTRAINT_").lower(),
            uid=int(uid) if uid else None,
            anon=int(found["anon"]) * 1024,
            file=int(found["file"]) * 1024,
            shmem=int(found["shmem"]) * 1024 if found["shmem"] else None,
            oom_score_adj=int(found["score"]) if found["score"] else None,
        )
