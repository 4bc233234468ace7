"""What a process holds of the kernel: descriptors, inotify watches, threads, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from runtime.linux import hierarchies
from runtime.linux.hierarchies import SYSTEMD, UNIFIED

WORKER = "agent.logs.worker"


@dataclass(frozen=True, slots=True)
class Vitals:
    """One process at one moment; `rss` and `pss` in MB."""

    descriptors: int
    watches: int
    threads: int
    rss: float
    pss: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds apart from the cgroups and processes there are, which are other people's, too."""

    in_vain: int
    """Descriptors of cgroups and of processes that are gone, and inotify watches beyond the directories there are."""
    elsewhere: int
    """Descriptors of everything else."""


def vitals(pid: int) -> Vitals:
    """Of a process that runs; raises OSError when it has ended."""
    status = _fields(f"/proc/{pid}/status")
    return Vitals(
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
        watches=_watches(pid),
        threads=status["Threads"],
        rss=status["VmRSS"] / 1024,
        pss=_fields(f"/proc/{pid}/smaps_rollup")["Pss"] / 1024,
    )


def worker_of(pid: int) -> int | None:
    """The log worker of an agent; None while there is none."""
    found = (one.pid for one in psutil.Process(pid).children() if WORKER in one.cmdline())
    return next(found, None)


def footprint(pid: int) -> Footprint:
    """Of an agent that runs."""
    trees = hierarchies.detect()
    in_vain = elsewhere = 0
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if target == "anon_inode:[pidfd]":
                in_vain += _fields(f"/proc/{pid}/fdinfo/{descriptor}").get("Pid", -1) < 0
            elif any(target.startswith(tree.mountpoint) for tree in trees.all()):
                in_vain += not os.path.exists(target)
            else:
                elsewhere += 1
        except FileNotFoundError:  # closed meanwhile
            continue
    watched = {tree for name in (SYSTEMD, UNIFIED, "memory") if (tree := trees.of(name)) is not None}
    directories = sum(1 for tree in watched for _ in os.walk(tree.mountpoint))
    return Footprint(in_vain + max(0, _watches(pid) - directories), elsewhere)


def _watches(pid: int) -> int:
    """Inotify watches of all its instances, as fdinfo lists them; see proc(5)."""
    count = 0
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") != "anon_inode:inotify":
                continue
            with open(f"/proc/{pid}/fdinfo/{descriptor}") as file:
                count += sum(line.startswith("inotify ") for line in file)
        except FileNotFoundError:  # closed meanwhile
            continue
    return count


def _fields(path: str) -> dict[str, int]:
    """The lines `Name: number …` of a file of procfs."""
    with open(path) as file:
        pairs = (line.partition(":")[::2] for line in file if ":" in line)
        return {name: int(words[0]) for name, text in pairs if (words := text.split()) and words[0].isdigit()}
