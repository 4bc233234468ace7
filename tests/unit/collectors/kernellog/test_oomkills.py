"""The kernel's lines about a kill, of several kernels, with names that try to deceive."""

from __future__ import annotations

import pytest

from collectors.kernellog.oomkills import OomKill, OomKills

WHOM = (
    "oom-kill:constraint={constraint},nodemask=(null),cpuset=web,mems_allowed=0,{limited},"
    "task_memcg={cgroup},task={name},pid={pid},uid=33"
)
KILLED = (
    "Memory cgroup out of memory: Killed process {pid} ({name}) total-vm:82092kB, anon-rss:7936kB, "
    "file-rss:6608kB, shmem-rss:4kB, UID:33 pgtables:72kB oom_score_adj:-5"
)


def whom(
    name: str = "python3", pid: int = 7, cgroup: str = "/pods/a/web", limited: str = "oom_memcg=/pods/a"
) -> str:
    constraint = "CONSTRAINT_MEMCG" if "memcg" in limited else "CONSTRAINT_NONE"
    return WHOM.format(constraint=constraint, limited=limited, cgroup=cgroup, name=name, pid=pid)


def told(*lines: str) -> list[OomKill]:
    kills = OomKills()
    return [kill for number, line in enumerate(lines) if (kill := kills.line(line, float(number)))]


def test_two_lines_make_one_kill() -> None:
    (kill,) = told("unrelated", whom(), "more", KILLED.format(pid=7, name="python3"))
    assert kill == OomKill(
        3.0, 7, "python3", "/pods/a/web", "/pods/a", "memcg", 33, 7936 << 10, 6608 << 10, 4096, -5
    )
    assert kill.process() == {
        "pid": 7, "name": "python3", "uid": 33, "anon_bytes": 7936 << 10, "file_bytes": 6608 << 10,
        "shmem_bytes": 4096, "oom_score_adj": -5, "constraint": "memcg", "cgroup": "/pods/a/web",
        "limited_cgroup": "/pods/a",
    }  # fmt: skip


def test_when_the_host_runs_out_no_limit_is_named() -> None:
    text = KILLED.replace("Memory cgroup out", "Out")
    (kill,) = told(whom(limited="global_oom"), text.format(pid=7, name="x"))
    assert (kill.limited, kill.constraint, kill.cgroup) == ("", "none", "/pods/a/web")


@pytest.mark.parametrize(
    "name", ["a,pid=1,uid=0", "x) total-vm:1kB, anon-rss:9kB", "two\nlines", ",task=b", "()"]
)
def test_a_name_cannot_deceive(name: str) -> None:
    (kill,) = told(whom(name=name), KILLED.format(pid=7, name=name))
    assert (kill.name, kill.pid, kill.uid, kill.anon) == (name, 7, 33, 7936 << 10)


def test_the_rest_of_a_group_belongs_to_it() -> None:
    kills = told(
        whom(pid=7),
        KILLED.format(pid=7, name="a"),
        "Tasks in /pods/a/web are going to be killed due to memory.oom.group set",
        KILLED.format(pid=8, name="b"),
        KILLED.format(pid=9, name="c"),
    )
    assert [(kill.pid, kill.cgroup, kill.limited) for kill in kills] == [
        (pid, "/pods/a/web", "/pods/a") for pid in (7, 8, 9)
    ]


def test_old_kernels_name_the_task_first() -> None:
    (kill,) = told(
        "Task in /docker/ab killed as a result of limit of /docker/ab",
        "Killed process 12 (stress) total-vm:100kB, anon-rss:90kB, file-rss:4kB, shmem-rss:0kB",
    )
    assert (kill.cgroup, kill.limited, kill.name, kill.anon) == (
        "/docker/ab",
        "/docker/ab",
        "stress",
        90 << 10,
    )
    assert kill.oom_score_adj is None and "oom_score_adj" not in kill.process()


def test_half_a_kill_is_none() -> None:
    assert told(KILLED.format(pid=7, name="x")) == []
    assert told(whom(pid=7), KILLED.format(pid=8, name="x")) == []
