"""Reads each network namespace once, for the container that owns it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from collectors.cgroups.reader import GONE, Reader, Source
from collectors.metrics.plan import Plan
from collectors.metrics.rows import Value
from collectors.metrics.target import ROOT, Target, process_of
from collectors.model import Network


class Namespaces:
    """Which container carries the series of each network namespace.

    A namespace is told by the inode of net/dev, which anyone may look at. Of several containers that
    claim one, the one whose process started first made it.
    """

    def __init__(self) -> None:
        self._claims: dict[int, dict[str, int]] = {}
        self._owners: dict[int, str] = {}

    def claim(self, namespace: int, id: str, start: int) -> None:
        """Say that a container, whose process started at that tick, may own the namespace."""
        self._claims.setdefault(namespace, {})[id] = start
        self._choose(namespace)

    def release(self, namespace: int, id: str) -> None:
        """Take a claim back; of one never made there is nothing to take back."""
        claims = self._claims.get(namespace, {})
        if claims.pop(id, None) is not None:
            self._choose(namespace)

    def owned_by(self, namespace: int, id: str) -> bool:
        """Whether this container carries the namespace's series."""
        return self._owners.get(namespace) == id

    def _choose(self, namespace: int) -> None:
        claims = self._claims[namespace]
        if claims:
            self._owners[namespace] = min(claims, key=lambda id: (claims[id], id))
        else:
            del self._claims[namespace], self._owners[namespace]


class Traffic:
    """What plans read below /proc/PID/net of the namespaces that targets own, and of the host's on the root."""

    def __init__(self, proc: str, reader: Reader, plans: Sequence[Plan]) -> None:
        self._reader = reader
        self._plans = tuple(plans)
        self._names = [tuple(os.fsencode(file.name) for file in plan.files) for plan in self._plans]
        self._namespaces = Namespaces()
        self._proc_path = proc
        self._proc = os.open(proc, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._host = self._namespace_of(1)

    def close(self) -> None:
        """Let go of /proc."""
        os.close(self._proc)

    def settle(self, target: Target) -> None:
        """Look which namespace a container's first process is in, and claim it where it may own it."""
        namespace = 0
        if target.network is Network.OWNER and (target.pid or target.namespace):
            # A process that has ended leaves its claim, for the final counts.
            namespace = self._namespace_of(process_of(target, self._proc_path)) or target.namespace
        if namespace == self._host:
            namespace = 0
        if target.namespace and target.namespace != namespace:
            self._namespaces.release(target.namespace, target.id)
        if namespace:
            self._namespaces.claim(namespace, target.id, target.pid_start)
        target.namespace = namespace

    def release(self, target: Target) -> None:
        """Take back what a target claims."""
        if target.namespace:
            self._namespaces.release(target.namespace, target.id)
            target.namespace = 0

    def process(self, target: Target) -> int:
        """Pid of a process in the namespace whose series a target carries; 0 when it carries none."""
        if target.id == ROOT:
            return 1
        if target.namespace and self._namespaces.owned_by(target.namespace, target.id):
            return target.pid
        return 0

    def read(self, pid: int, at: int, target: Target, values: list[Value], *, final: bool) -> None:
        """Fill in what plan number `at` tells of an owner; raises OSError or ValueError.

        The namespace goes with its last process, before the cgroup does: so the final counts are the last
        ones seen. The first file of a plan is there whenever the namespace is; others may be missing.
        """
        plan = self._plans[at]
        sources: list[Source] = [(-1, self._proc, b"%d/%b" % (pid, name)) for name in self._names[at]]
        if not target.traffic:
            target.traffic = [None] * len(self._plans)
        before = target.traffic[at]
        try:
            found = self._reader.contents(sources[:1])
        except OSError as error:
            if error.errno not in GONE:
                raise
            if final and before is not None:
                values[plan.span] = before[1]
            return
        if len(sources) > 1:
            found += self._reader.present(sources[1:])
        if before is not None and found == before[0]:
            values[plan.span] = before[1]
        else:
            plan.parse(found, values)
            target.traffic[at] = (found, values[plan.span])

    def _namespace_of(self, pid: int) -> int:
        """The network namespace of a process, told by an inode; 0 when the process is gone."""
        if not pid:
            return 0
        try:
            return os.stat(b"%d/net/dev" % pid, dir_fd=self._proc).st_ino
        except OSError:
            return 0
