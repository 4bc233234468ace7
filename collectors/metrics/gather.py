"""Turns one container into a row: reads its files collector by collector and parses them."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable

import structlog

from collectors.cgroups.procs import pids_below, pids_in
from collectors.cgroups.reader import GONE, STALLED, Descriptors, Reader
from collectors.cgroups.tree import Cgroup, Tree, Wanted
from collectors.metrics import catalogue, support
from collectors.metrics.plan import PROC, Census, Host, Pace, Plan
from collectors.metrics.rows import Row, Value
from collectors.metrics.target import ROOT, Target, paths_of, process_of
from collectors.metrics.times import Times
from collectors.metrics.traffic import Traffic

log = structlog.get_logger()

COLLECTOR_FAILED = "collector_failed"

# What seldom changes is read again after this many seconds.
_RARE = 60.0
_NOTHING: list[Value] = [None] * len(catalogue.ROW)


class Vanished(Exception):
    """The cgroup ended while it was read."""


def _alone(id: str) -> bool:
    """Whether a cgroup is told for itself, where only one is read."""
    return False


class Gatherer:
    """Reads targets one at a time, synchronously; about 0.1 ms each.

    `costs` adds up seconds per collector and `errors` counts files that could not be read or understood.
    `reasons` has "" for each collector that the host supports, else why it does not. `apart` says which
    cgroups below a container are told for themselves.
    """

    def __init__(self, host: Host, descriptors: Descriptors, apart: Callable[[str], bool] = _alone) -> None:
        # Throttling is told only where there is a quota, so limits are read even when not exported.
        supported = support.probe(host, {**host.switches, "spec": True})
        named = [(name, one) for name, group in supported.plans.items() for one in group]
        plans = [(name, one) for name, one in named if isinstance(one, Plan)]
        self._censuses = [(name, one) for name, one in named if isinstance(one, Census)]
        self.surveys = supported.surveys
        usual = [(name, plan) for name, plan in plans if plan.pace is not Pace.RARE and not _of_proc(plan)]
        # The still ones last, when it is known whether anything else changed.
        usual.sort(key=lambda named: named[1].pace is Pace.STILL)
        self.reasons = {name: why for name, why in supported.reasons.items() if host.switched_on(name)}
        self.costs = dict.fromkeys((*supported.plans, *supported.surveys), 0.0)
        self.errors = dict.fromkeys((*supported.plans, *supported.surveys), 0)
        self._hidden = [at for at, f in enumerate(catalogue.ROW) if not host.switched_on(f.collector)]
        self._usual = [
            (name, p.parse, p.span, p.pace is Pace.STILL, catalogue.INDEX[p.needs] if p.needs else -1)
            for name, p in usual
        ]
        self._still = [at for at, (_, plan) in enumerate(usual) if plan.pace is Pace.STILL]
        self._rare = [(name, _wanted(plan), plan.parse) for name, plan in plans if plan.pace is Pace.RARE]
        self._tree = Tree(host.hierarchies, [_wanted(plan) for _, plan in usual], descriptors)
        self._controllers = tuple(
            dict.fromkeys(file.controller for _, plan in plans for file in plan.files if not _of_proc(plan))
        )
        self._host = host
        self._apart = apart
        self._reader = Reader()
        self._times = Times(host.proc)
        of_proc = [(name, plan) for name, plan in plans if _of_proc(plan)]
        self._network = [name for name, _ in of_proc]
        self._traffic = Traffic(host.proc, self._reader, [plan for _, plan in of_proc]) if of_proc else None
        self._reported: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Let go of what stands open, and end the surveys."""
        for survey in self.surveys.values():
            survey.close()
        for _, census in self._censuses:
            census.close()
        self._tree.close()
        if self._traffic is not None:
            self._traffic.close()

    def usual_files(self) -> tuple[tuple[Wanted, ...], ...]:
        """The files that a pass reads of each container, by plan."""
        return self._tree.plans

    def begin(self) -> None:
        """To be called when reading goes on after something else had its turn."""
        self._reader.begin()

    def row(self, target: Target, now: float, *, final: bool = False) -> Row:
        """One reading of one container; raises Vanished, and closes the target, when its cgroup has gone.

        A `final` one reads everything, however little has changed.
        """
        started = time.perf_counter()
        if final or target.cgroup is None or started >= target.due:
            self._settle(target, started, afresh=final)
        try:
            values = self._values(target)
        except Vanished:
            # A new run may have come into the same path, with limits of its own.
            self._reopen(target)
            self._settle(target, started, afresh=True)
            try:
                values = self._values(target)
            except Vanished:
                target.close()
                raise
        if self._traffic is not None:
            self._read_traffic(self._traffic, target, values, final=final)
        if self._censuses and target.id != ROOT:
            self._count(target, values)
        for survey in self.surveys.values():
            survey.fill(target.id, values)
        self._times.seen(now, values)
        for place in self._hidden:
            values[place] = None
        return Row(target.id, target.labels or "", values, now, final)

    def release(self, target: Target) -> None:
        """Forget a target that is no longer read."""
        for survey in self.surveys.values():
            survey.forget(target.id)
        for _, census in self._censuses:
            census.forget(target.id)
        if self._traffic is not None:
            self._traffic.release(target)
        target.close()

    def _values(self, target: Target) -> list[Value]:
        assert target.cgroup is not None
        values = target.template.copy()
        seen, costs = target.seen, self.costs
        contents, clock = self._reader.contents, time.perf_counter
        sources = target.cgroup.sources
        still_the_same = "cpu" in costs
        last = clock()
        for at, (name, parse, span, still, needs) in enumerate(self._usual):
            before = seen[at]
            if still and still_the_same and before is not None:
                values[span] = before[1]
                continue
            if needs >= 0 and values[needs] is None:
                continue
            try:
                found = contents(sources[at])
                if before is not None and found == before[0]:
                    values[span] = before[1]
                    still_the_same = still_the_same and found[0] != b""
                else:
                    parse(found, values)
                    seen[at] = (found, values[span])
                    still_the_same = False
            except OSError as error:
                if error.errno in GONE:
                    raise Vanished from error
                self._failed(name, target, error)
            except ValueError as error:
                self._failed(name, target, error)
            ended = clock()
            costs[name] += ended - last
            if ended - last > STALLED:
                self._reader.stalled(ended)
                contents = self._reader.contents
            last = ended
        return values

    def _read_traffic(self, traffic: Traffic, target: Target, values: list[Value], *, final: bool) -> None:
        pid = traffic.process(target)
        if not pid:
            return
        for at, name in enumerate(self._network):
            started = time.perf_counter()
            try:
                traffic.read(pid, at, target, values, final=final)
            except (OSError, ValueError) as error:
                self._failed(name, target, error)
            self.costs[name] += time.perf_counter() - started

    def _count(self, target: Target, values: list[Value]) -> None:
        """What is added up over the container's processes; a pod or a slice has only those in it itself."""
        hierarchies = self._host.hierarchies
        found: list[int] | None = None

        # Most censuses never ask, and functools.cache costs 3 µs to make.
        def pids() -> list[int]:
            nonlocal found
            if found is None:
                if target.pid:
                    found = pids_below(hierarchies, target.id, self._apart)
                else:
                    found = pids_in(hierarchies, target.id)
            return found

        for name, census in self._censuses:
            started = time.perf_counter()
            try:
                census.count(target.id, pids, values)
            except (OSError, ValueError) as error:
                self._failed(name, target, error)
            self.costs[name] += time.perf_counter() - started

    def surveyed(self) -> None:
        """Take over what the surveys spent and could not read since the last time."""
        for name, survey in self.surveys.items():
            self.costs[name] = survey.seconds()
            self.errors[name] = survey.errors()

    def _failed(self, collector: str, target: Target, error: Exception) -> None:
        """Count an error; it is logged the first time its kind is seen."""
        self.errors[collector] += 1
        kind = (collector, f"{type(error).__name__} {getattr(error, 'errno', '')}")
        if kind not in self._reported:
            self._reported.add(kind)
            log.warning(COLLECTOR_FAILED, collector=collector, cgroup=target.id, error=str(error))

    def _settle(self, target: Target, started: float, *, afresh: bool) -> None:
        """Open what is not open yet, and read what seldom changes.

        What must be as it was read is read again; with `afresh`, or when anything seldom has changed, nothing is
        taken for unchanged, however equal its contents are.
        """
        self._reader.settle(started)
        if target.cgroup is None:
            self._open(target)
            afresh = True
        elif not target.cgroup.whole or (not target.cgroup.kept and self._tree.could_keep()):
            self._reopen(target)
        if self._traffic is not None:
            self._traffic.settle(target)
        before, target.template = target.template, self._template(target)
        if afresh or target.template != before:
            target.seen = [None] * len(self._usual)
        else:
            for at in self._still:
                target.seen[at] = None
        target.wait = _wait(target)
        target.due = time.perf_counter() + target.wait

    def _template(self, target: Target) -> list[Value]:
        """The values that seldom change."""
        template = _NOTHING.copy()
        if target.id == ROOT:
            self._times.host_started(template)
        else:
            self._times.created(target.created_at, template)
            self._times.started(target.started_at, target.pid_start, template)
        for name, files, parse in self._rare:
            started = time.perf_counter()
            try:
                parse(self._reader.present(self._tree.sources(files, target.paths)), template)
            except (OSError, ValueError) as error:
                self._failed(name, target, error)
            self.costs[name] += time.perf_counter() - started
        return template

    def _open(self, target: Target) -> None:
        pid = process_of(target, self._host.proc)
        # When the process has ended, what it told of its place still holds.
        if pid or not target.paths:
            target.paths = paths_of(target.id, pid, self._controllers, self._host.hierarchies)
        cgroup = Cgroup(self._tree, target.paths)
        if not cgroup.controllers:
            cgroup.close()
            raise Vanished
        target.cgroup = cgroup

    def _reopen(self, target: Target) -> None:
        """Open it anew; of a cgroup that is being removed some hierarchies are missing already."""
        before = target.cgroup.controllers if target.cgroup is not None else frozenset()
        target.close()
        self._open(target)
        assert target.cgroup is not None
        if not target.cgroup.controllers >= before:
            target.close()
            raise Vanished


def _wait(target: Target) -> float:
    """For how many seconds what seldom changes is good.

    A container whose files are not all there may just be starting, so it is looked at again soon. The first
    time spreads the containers over the minute, so that no single pass reads all of it.
    """
    if target.cgroup is not None and not target.cgroup.whole:
        return min(_RARE, target.wait * 2 or 1.0)
    if target.wait:
        return _RARE
    return _RARE / 2 * (1 + zlib.crc32(os.fsencode(target.id)) % 512 / 512)


def _of_proc(plan: Plan) -> bool:
    return plan.files[0].controller == PROC


def _wanted(plan: Plan) -> tuple[Wanted, ...]:
    """The plan's files; those that an idle container is not asked for come last where descriptors are kept."""
    rank = {Pace.ALWAYS: 10, Pace.STILL: 1, Pace.RARE: 0}[plan.pace] if plan.needs is None else 0
    return tuple(Wanted(file.controller, file.name, file.keep * rank) for file in plan.files)
