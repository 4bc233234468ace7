"""What the child does between its birth and the command's first instruction, in the order that is safe.

It runs in a bare clone of the monitor: it imports nothing, looks nothing up, and leaves only by execve or
`os._exit`. A failure goes to the monitor over the report pipe, which execve closes. With the built-in
init the first process only enters the namespaces and forks; its child does all the rest, so that what
stays for the container's whole life has touched little memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from runtime.container import command, init, security
from runtime.container.failure import to_bytes
from runtime.container.handover import FREE, PEER, REPORT, STATUS, SYNC, Descriptors, Stage, hear, keep_only
from runtime.container.mounts import build_root, enter_root
from runtime.container.sources import make_private, open_sources, open_views
from runtime.linux import descriptors, identity, keyring, namespaces, prctl

if TYPE_CHECKING:
    from runtime.container.bundle import Plan
    from runtime.container.cgroups import ContainerCgroup

_CLONE_TOGETHER = namespaces.NEWPID | namespaces.NEWUTS | namespaces.NEWIPC | namespaces.NEWNET


def clone_flags(plan: Plan) -> int:
    """Namespaces the child is born into; the rest it enters itself.

    A user namespace comes first and alone (with the pid namespace that must be born), so that it owns the rest.
    """
    if plan.namespaces & namespaces.NEWUSER:
        return plan.namespaces & (namespaces.NEWUSER | namespaces.NEWPID)
    return plan.namespaces & _CLONE_TOGETHER


def run(plan: Plan, handed: Descriptors, cgroup: ContainerCgroup | None, ignored: Sequence[int]) -> NoReturn:
    """The child's whole life; `ignored` are the signals that its parent ignores. Never returns, never raises."""
    report = handed.report
    try:
        keep_only(handed)
        report = REPORT
        _separate(plan)
        if plan.init:
            _fork(plan, STATUS if handed.status >= 0 else -1)
        _build(plan, cgroup)
        if plan.init:
            init.let_go()
        command.become(plan, ignored)
    except BaseException as error:
        try:
            os.write(report, to_bytes(Stage.name, error))
        finally:
            os._exit(127)


def _separate(plan: Plan) -> None:
    """Leave the monitor: oom score, user and other namespaces, session, keyring."""
    Stage.name = "oom_score_adj"
    if plan.oom_score_adj is not None:
        _write_own("oom_score_adj", plan.oom_score_adj)
    Stage.name = "namespaces"
    _enter_namespaces(plan)
    os.setsid()
    Stage.name = "keyring"
    keyring.join_new_session()


def _fork(plan: Plan, status: int) -> None:
    """Return in the child that becomes the command; its parent is PID 1 from here on."""
    Stage.name = "init"
    child, own, its = init.fork()
    if child:
        os.dup2(own, PEER, inheritable=False)
        os.close(SYNC)
        descriptors.close_from(FREE)
        init.become(plan, child, status)
    os.dup2(its, PEER, inheritable=False)
    descriptors.close_from(FREE)
    os.setsid()


def _build(plan: Plan, cgroup: ContainerCgroup | None) -> None:
    """Network, the new root with everything in it, and the pivot into it."""
    entering = _Cgroup(plan, cgroup)
    Stage.name = "network"
    if plan.namespaces & namespaces.NEWNET:
        namespaces.loopback_up()
    os.umask(0)
    Stage.name = "mounts"
    make_private(slave=plan.host_root)
    sources = open_sources(plan)
    root = build_root(plan, sources, entering.views)
    entering.views()
    Stage.name = "hostname"
    if plan.hostname:
        namespaces.set_hostname(plan.hostname)
    if plan.domainname:
        namespaces.set_domainname(plan.domainname)
    Stage.name = "sysctls"
    security.write_sysctls(plan.sysctls)
    Stage.name = "paths"
    security.make_read_only(root, plan.read_only_paths)
    security.mask(root, plan.masked_paths, sources.null)
    security.reopen_null(root)
    Stage.name = "pivot_root"
    enter_root(root, read_only=plan.read_only)
    descriptors.close_from(FREE)


def _write_own(name: str, value: int) -> None:
    file = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
    os.write(file, b"%d" % value)
    os.close(file)


def _enter_namespaces(plan: Plan) -> None:
    """Wait for the ids of a user namespace, then enter those namespaces that the clone did not give."""
    joined = [(flag, os.open(path, os.O_RDONLY | os.O_CLOEXEC)) for flag, path in plan.joined]
    if plan.uid_map:
        # The monitor can only write the maps of a process whose /proc entries are its own.
        prctl.set_dumpable(True)
        os.write(SYNC, b"m")
        hear(SYNC, b"g")
        if any(mapping.inside == 0 for mapping in plan.uid_map):
            identity.set_group(0)
            identity.set_user(0)
    prctl.set_dumpable(False)
    for flag, descriptor in joined:
        namespaces.enter(descriptor, flag)
        os.close(descriptor)
    namespaces.unshare(plan.namespaces & ~clone_flags(plan) & ~(namespaces.NEWUSER | namespaces.NEWCGROUP))


class _Cgroup:
    """The cgroup that the monitor makes and moves these processes into while the mounts are made."""

    def __init__(self, plan: Plan, cgroup: ContainerCgroup | None) -> None:
        self._plan = plan
        self._cgroup = cgroup
        self._entered = False
        if cgroup is not None:
            # The monitor learns from the socket whom to move.
            os.write(SYNC, b"h")

    def views(self) -> list[tuple[str, int]]:
        """Wait until this process is inside, give it a cgroup namespace, and open what to show of the cgroup."""
        if self._entered:
            return []
        self._entered = True
        name, Stage.name = Stage.name, "cgroup"
        if self._cgroup is not None:
            hear(SYNC, b"c")
        namespaces.unshare(self._plan.namespaces & namespaces.NEWCGROUP)
        views = open_views(self._cgroup.views()) if self._cgroup is not None and self._shown() else []
        Stage.name = name
        return views

    def _shown(self) -> bool:
        return any(mount.kind == "cgroup" for mount in self._plan.mounts)
