"""Follows running containers by the kernel's word alone, to their final reading in the moment of their end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from agent.lifecycle.exits import ExitWatch
from agent.lifecycle.inhabitants import Inhabitants
from agent.lifecycle.life import Life
from agent.lifecycle.newcomers import Newcomers, Readings
from agent.lifecycle.roles import has_story
from agent.lifecycle.roster import Roster
from collectors.metrics import catalogue
from collectors.metrics.rows import Row
from collectors.model import Entry, Role
from runtime.linux.process import ended, exit_status, open_pidfd

_CPU = catalogue.INDEX[catalogue.CPU_USAGE]
_THREADS = catalogue.INDEX[catalogue.THREADS]
# A cgroup younger than this may be about to get its first process.
_NEW = 2.0


class Finals(Protocol):
    """Where final readings are kept."""

    def add(self, row: Row) -> None:
        """A container's last reading."""


class Following:
    """Puts containers into each scrape, and takes them out when they end.

    `add(entry, labels)` begins to read a container, `missed` counts a final reading that came too late,
    `count(life, row)` is told of each reading, `ended(life, row, at)` when the kernel says that a run is over.
    """

    def __init__(
        self,
        roster: Roster,
        *,
        sampler: Readings,
        newcomers: Newcomers,
        finals: Finals,
        labels_of: Callable[[Entry], str],
        add: Callable[[Entry, str], None],
        missed: Callable[[], None],
        clock: Callable[[], float] = time.time,
        count: Callable[[Life, Row], None],
        ended: Callable[[Life, Row | None, float | None], None],
    ) -> None:
        self._roster = roster
        self._sampler = sampler
        self._newcomers = newcomers
        self._finals = finals
        self._labels_of = labels_of
        self._add = add
        self._missed = missed
        self._clock = clock
        self._count = count
        self._ended = ended
        self._exits = ExitWatch(self._process_ended)
        self._inhabitants = Inhabitants(self._exits, sampler.processes)

    def follow(self, life: Life) -> None:
        """Read its cgroup with every scrape, and its init's end at once."""
        entry = life.entry
        id = entry.container.id
        if not id:
            return
        unnamed = self._newcomers.claim(id)
        if unnamed is not None and not _goes_on(entry):
            self._ended(life, unnamed.row, unnamed.time)
            return
        self.relabel(life)
        if life.first is None:
            life.first = self._sampler.read_one(id)
        if not entry.pid:
            self._follow_inhabitants(life)
        elif not self._exits.watch(id, entry.pid, entry.pid_start):
            self._ended(life, self._sampler.read_one(id), None)

    def has_read(self, life: Life, row: Row) -> None:
        """A pass has read a container. One without an init may have got a process after it was looked into."""
        life.latest = row
        if life.alive and not life.entry.pid and row.values[_THREADS] and not self._exits.pid(row.id):
            self._inhabitants.pick(row.id)

    def _follow_inhabitants(self, life: Life) -> None:
        """Of what was empty for long already the next reading tells when a process comes."""
        container = life.entry.container
        if self._clock() - (container.started_at or 0.0) < _NEW:
            self._inhabitants.follow(container.id)
        else:
            self._inhabitants.pick(container.id)

    def relabel(self, life: Life) -> None:
        """Put it into the scrapes under the labels it has now."""
        self._add(life.entry, self._labels_of(life.entry))

    def last_word(self, life: Life) -> Row | None:
        """A reading of a run that is said to have ended: of its cgroup, or taken while nobody had named it."""
        container = life.entry.container
        row = self._sampler.read_one(container.id) if container.id else None
        if row is None and container.engine_id:
            ended = self._newcomers.claim_by_engine_id(container.engine_id)
            row = ended.row if ended else None
        return row

    def finish(self, life: Life, row: Row | None) -> None:
        """Keep the final reading of a run and let go of its cgroup, which open descriptors would keep alive."""
        row = row or life.final
        life.in_time = row is not None and not _torn(row, life.first)
        if not life.in_time:
            # Around containers nothing ends by itself: the last scrape's reading is as good as there is.
            if has_story(life.entry.container):
                self._missed()
            row = None
        # A plain cgroup may be read again between the end of its last process and its own.
        row = _newest(life.first, life.latest, life.final, row)
        if row is not None:
            life.final = replace(row, labels=self._labels_of(life.entry), final=True)
            self._count(life, row)
            self._finals.add(life.final)
        self.let_go(life.entry.container.id)

    def let_go(self, id: str) -> None:
        """Follow a cgroup no longer."""
        if id:
            self._inhabitants.forget(id)
            self._sampler.remove(id)

    def cgroup_removed(self, id: str) -> None:
        """A cgroup is gone: what has no init ends with it."""
        life = self._roster.by_id(id)
        if life is not None and life.alive and life.entry.pid == 0:
            self._ended(life, self._sampler.read_one(id), None)
        self._sampler.remove(id)

    def close(self) -> None:
        """Follow nobody."""
        self._inhabitants.close()
        self._exits.close()

    def _process_ended(self, id: str, _pid: int, pidfd: int) -> None:
        life = self._roster.by_id(id)
        if life is None:
            return
        row = self._sampler.read_one(id)
        if life.entry.pid == 0:
            # A plain cgroup has no init: it lives until it is removed, and its processes come and go.
            life.final = _newest(life.first, life.final, row)
            self._inhabitants.follow(id)
            return
        life.status = exit_status(pidfd)
        self._ended(life, row, None)


def _goes_on(entry: Entry) -> bool:
    """Whether it is known to run though its cgroup was empty for a moment while nobody had named it.

    A service's cgroup is so between the commands before its start and its own, a machine's before its init.
    """
    if not entry.pid:
        return entry.container.role is Role.SERVICE
    pidfd = open_pidfd(entry.pid, entry.pid_start)
    if pidfd is None:
        return False
    try:
        return not ended(pidfd)
    finally:
        os.close(pidfd)


def _newest(first: Row | None, *others: Row | None) -> Row | None:
    """The newest whole reading; of two equally old ones the later in this order."""
    whole = [row for row in (first, *others) if row is not None and not _torn(row, first)]
    return max(reversed(whole), key=lambda row: row.time, default=None)


def _torn(row: Row, first: Row | None) -> bool:
    """Whether a reading lacks what the first one had: some of the cgroup's hierarchies were removed already."""
    return first is not None and first.values[_CPU] is not None and row.values[_CPU] is None
