"""Turns one container into a row: reads its files collector by collector and parses them."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Mapping

import structlog

from collectors.cgroups.reader import GONE, STALLED, Descriptors, Reader, Source
from collectors.cgroups.tree import Cgroup, Tree, Wanted
from collectors.metrics import catalogue, support
from collectors.metrics.network import PLACES, Namespaces
from collectors.metrics.plan import PROC, Host, Parse
from collectors.metrics.rows import Row, Value
from collectors.metrics.target import Target, paths_of
from collectors.metrics.times import Times
from collectors.model import Network

log = structlog.get_logger()

COLLECTOR_FAILED = "collector_failed"
ROOT = "/"

# What seldom changes is read again after this many seconds.
_RARE = 60.0
_TRAFFIC = slice(PLACES[0], PLACES[-1] + 1)
_NOTHING: list[Value] = [None] * len(catalogue.ROW)


class Vanished(Exception):
    """The cgroup ended while it was read."""


class Gatherer:
    """Reads targets one at a time, synchronously; about 0.1 ms each.

    `costs` adds up seconds per collector and `errors` counts files that could not be read or understood;
    whoever reports them resets them.
    """

    def __init__(self, host: Host, switches: Mapping[str, bool], descriptors: Descriptors) -> None:
        # Throttling is told only where there is a quota, so limits are read even when not exported.
        supported = support.probe(host, {**switches, "spec": True})
        self.reasons = {name: why for name, why in supported.reasons.items() if switches.get(name, True)}
        self.costs = dict.fromkeys(supported.plans, 0.0)
        self.errors = dict.fromkeys(supported.plans, 0)
        self._hidden = [at for at, f in enumerate(catalogue.ROW) if not switches.get(f.collector, True)]
        self._usual: list[tuple[str, Parse]] = []
        self._rare: list[tuple[str, tuple[Wanted, ...], Parse]] = []
        self._network: Parse | None = None
        groups: list[tuple[Wanted, ...]] = []
        for name, plan in supported.plans.items():
            files = tuple(Wanted(*file) for file in plan.files)
            if files[0].controller == PROC:
                self._network = plan.parse
            elif plan.rare:
                self._rare.append((name, files, plan.parse))
            else:
                self._usual.append((name, plan.parse))
                groups.append(files)
        self._host = host
        self._tree = Tree(host.hierarchies, groups, descriptors)
        everything = [file for files in groups for file in files] + [
            f for _, files, _ in self._rare for f in files
        ]
        self._controllers = tuple(dict.fromkeys(file.controller for file in everything))
        self._reader = Reader()
        self._times = Times(host.proc)
        self._namespaces = Namespaces()
        self._reported: set[tuple[str, str]] = set()
        self._proc = os.open(host.proc, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._host_namespace = self._namespace_of(1)

    def close(self) -> None:
        """Let go of the directories that stand open."""
        self._tree.close()
        os.close(self._proc)

    def row(self, target: Target, now: float, *, final: bool = False) -> Row:
        """One reading of one container; raises Vanished, and closes the target, when its cgroup has gone."""
        started = time.perf_counter()
        if target.cgroup is None or started >= target.due:
            self._settle(target, started)
        try:
            values = self._values(target)
        except Vanished:
            # A new run may have come into the same path.
            self._reopen(target)
            try:
                values = self._values(target)
            except Vanished:
                target.close()
                raise
        self._read_network(target, values, final)
        self._times.seen(now, values)
        for place in self._hidden:
            values[place] = None
        return Row(target.id, target.labels or "", values, now, final)

    def _values(self, target: Target) -> list[Value]:
        assert target.cgroup is not None
        values = target.template.copy()
        contents = self._reader.contents
        clock = time.perf_counter
        costs = self.costs
        last = clock()
        for (name, parse), sources in zip(self._usual, target.cgroup.sources, strict=True):
            try:
                parse(contents(sources), values)
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

    def _failed(self, collector: str, target: Target, error: Exception) -> None:
        """Count an error; it is logged the first time its kind is seen."""
        self.errors[collector] += 1
        kind = (collector, f"{type(error).__name__} {getattr(error, 'errno', '')}")
        if kind not in self._reported:
            self._reported.add(kind)
            log.warning(COLLECTOR_FAILED, collector=collector, cgroup=target.id, error=str(error))

    def _settle(self, target: Target, started: float) -> None:
        """Open what is not open yet and read what seldom changes."""
        self._reader.settle(started)
        if target.cgroup is None:
            self._open(target)
        elif not target.cgroup.whole:
            self._reopen(target)
        self._claim(target)
        template = _NOTHING.copy()
        if target.id == ROOT:
            self._times.host_started(template)
        else:
            self._times.started(target.started_at, target.pid_start, template)
        for name, files, parse in self._rare:
            sources = [self._tree.source(file, target.paths) for file in files]
            try:
                parse(self._reader.present(sources), template)
            except (OSError, ValueError) as error:
                self._failed(name, target, error)
        ended = time.perf_counter()
        for name, _, _ in self._rare:
            self.costs[name] += ended - started
        target.template = template
        target.wait = self._wait(target)
        target.due = ended + target.wait

    @staticmethod
    def _wait(target: Target) -> float:
        """How long what seldom changes is good for.

        A container whose files are not all there may just be starting, so it is looked at again soon.
        The first time spreads the containers over the minute, so that no single pass reads all of it.
        """
        if target.cgroup is not None and not target.cgroup.whole:
            return min(_RARE, target.wait * 2 or 1.0)
        if target.wait:
            return _RARE
        return _RARE / 2 + zlib.crc32(os.fsencode(target.id)) % 512 / 512 * _RARE / 2

    def _open(self, target: Target) -> None:
        target.paths = paths_of(target.id, target.pid, self._controllers, self._host.hierarchies)
        cgroup = Cgroup(self._tree, target.paths)
        if not cgroup.controllers:
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

    def _namespace_of(self, pid: int) -> int:
        """The network namespace of a process, told by an inode; 0 when the process is gone."""
        try:
            return os.stat(b"%d/net/dev" % pid, dir_fd=self._proc).st_ino
        except OSError:
            return 0

    def _claim(self, target: Target) -> None:
        namespace = 0
        if target.pid and target.network is Network.OWNER:
            namespace = self._namespace_of(target.pid)
        if namespace == self._host_namespace:
            namespace = 0
        if target.namespace and target.namespace != namespace:
            self._namespaces.release(target.namespace, target.id)
        if namespace:
            self._namespaces.claim(namespace, target.id, target.pid_start)
        target.namespace = namespace

    def release(self, target: Target) -> None:
        """Forget a target that is no longer read."""
        if target.namespace:
            self._namespaces.release(target.namespace, target.id)
            target.namespace = 0
        target.close()

    def _read_network(self, target: Target, values: list[Value], final: bool) -> None:
        if self._network is None:
            return
        if target.id == ROOT:
            source: Source = (-1, self._proc, b"1/net/dev")
        elif target.namespace and self._namespaces.owned_by(target.namespace, target.id):
            source = (-1, self._proc, b"%d/net/dev" % target.pid)
        else:
            return
        started = time.perf_counter()
        try:
            self._network(self._reader.contents((source,)), values)
            target.traffic = values[_TRAFFIC]
        except OSError as error:
            # The namespace goes with its last process: then the last counts seen are the final ones.
            if final:
                values[_TRAFFIC] = target.traffic or values[_TRAFFIC]
            if error.errno not in GONE:
                self._failed("network", target, error)
        except ValueError as error:
            self._failed("network", target, error)
        self.costs["network"] += time.perf_counter() - started
