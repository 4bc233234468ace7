"""What the child does between its birth and the command's first instruction, in the order that is safe.

It runs in a bare clone of the monitor: it imports nothing, looks nothing up, and leaves only by execve or
`os._exit`. A failure goes to the monitor over the report pipe, which execve closes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from runtime.container import init, security
from runtime.container.bundle import CapabilitySets
from runtime.container.failure import StartError, to_bytes
from runtime.container.mounts import build_root, enter_root
from runtime.container.sources import make_private, open_sources, open_views
from runtime.linux import capabilities, descriptors, identity, keyring, namespaces, prctl

if TYPE_CHECKING:
    from runtime.container.bundle import Plan
    from runtime.container.cgroups import ContainerCgroup

# Where the few descriptors that the child keeps stand; everything else is closed at once.
_REPORT = 3
_SYNC = 4
_STATUS = 5
_FREE = 6
_CLONE_TOGETHER = namespaces.NEWPID | namespaces.NEWUTS | namespaces.NEWIPC | namespaces.NEWNET
_KILL_ONLY = capabilities.mask(("CAP_KILL",))
_INIT_SETS = CapabilitySets(0, _KILL_ONLY, _KILL_ONLY, 0, 0)
_TRY_NEXT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES))


class Descriptors(NamedTuple):
    """What the monitor hands over: standard streams, report pipe, sync socket and status record (-1: none)."""

    stdin: int
    stdout: int
    stderr: int
    report: int
    sync: int
    status: int


class Stage:
    """The step that is under way, for the report of a failure."""

    name = "fork"


def clone_flags(plan: Plan) -> int:
    """Namespaces the child is born into; the rest it enters after joining its cgroup.

    A user namespace comes first and alone (with the pid namespace that must be born), so that it owns the rest.
    """
    if plan.namespaces & namespaces.NEWUSER:
        return plan.namespaces & (namespaces.NEWUSER | namespaces.NEWPID)
    return plan.namespaces & _CLONE_TOGETHER


def run(plan: Plan, handed: Descriptors, cgroup: ContainerCgroup | None, ignored: Sequence[int]) -> NoReturn:
    """The child's whole life; `ignored` are the signals that its parent ignores. Never returns, never raises."""
    report = handed.report
    try:
        _keep_only(handed)
        report = _REPORT
        _isolate(plan, cgroup)
        _start(plan, ignored, has_status=handed.status >= 0)
    except BaseException as error:
        try:
            os.write(report, to_bytes(Stage.name, error))
        finally:
            os._exit(127)


def _keep_only(handed: Descriptors) -> None:
    """Move the handed descriptors to their places and close all others.

    A missing status record's place is taken too, so that nothing opened later stands there by chance.
    """
    high = [fcntl.fcntl(fd if fd >= 0 else handed.sync, fcntl.F_DUPFD, 64) for fd in handed]
    for place, fd in enumerate(high):
        os.dup2(fd, place, inheritable=place < _REPORT)
    descriptors.close_from(_FREE)


def _isolate(plan: Plan, cgroup: ContainerCgroup | None) -> None:
    """Everything that is done once per container, up to its new root."""
    Stage.name = "rlimits"
    _set_rlimits(plan)
    Stage.name = "oom_score_adj"
    if plan.oom_score_adj is not None:
        _write_own("oom_score_adj", plan.oom_score_adj)
    Stage.name = "namespaces"
    _enter_namespaces(plan)
    os.setsid()
    Stage.name = "keyring"
    keyring.join_new_session()
    os.umask(0)
    Stage.name = "mounts"
    make_private(slave=plan.host_root)
    sources = open_sources(plan)
    views = _Cgroup(plan, cgroup)
    root = build_root(plan, sources, views.enter)
    views.enter()
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
    os.umask(plan.umask)
    descriptors.close_from(_FREE)
    if plan.no_new_privs:
        prctl.set_no_new_privs()


def _set_rlimits(plan: Plan) -> None:
    for limit in plan.rlimits:
        try:
            resource.setrlimit(limit.kind, (limit.soft, limit.hard))
        except (OSError, ValueError) as error:
            now = resource.getrlimit(limit.kind)[1]
            text = (
                f"cannot set {limit.name} to {limit.soft}:{limit.hard}: {error}; the hard limit here is {now}"
            )
            raise StartError("rlimits", getattr(error, "errno", None) or errno.EPERM, text) from error


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
        os.write(_SYNC, b"m")
        _await(b"g")
        if any(mapping.inside == 0 for mapping in plan.uid_map):
            identity.set_group(0)
            identity.set_user(0)
    prctl.set_dumpable(False)
    for flag, descriptor in joined:
        namespaces.enter(descriptor, flag)
        os.close(descriptor)
    namespaces.unshare(plan.namespaces & ~clone_flags(plan) & ~(namespaces.NEWUSER | namespaces.NEWCGROUP))
    if plan.namespaces & namespaces.NEWNET:
        namespaces.loopback_up()


def _await(word: bytes) -> None:
    """Wait for the monitor's word; without a monitor there is nothing to live for."""
    heard = os.read(_SYNC, 1)
    if heard != word:
        raise StartError(Stage.name, 0, f"the monitor said {heard!r} where {word!r} was due")


class _Cgroup:
    """The cgroup that the monitor makes and moves this process into while the mounts are made."""

    def __init__(self, plan: Plan, cgroup: ContainerCgroup | None) -> None:
        self._plan = plan
        self._cgroup = cgroup
        self._entered = False

    def enter(self) -> list[tuple[str, int]]:
        """Wait until this process is inside, give it its own cgroup namespace, and open what to show of it."""
        if self._entered:
            return []
        self._entered = True
        name, Stage.name = Stage.name, "cgroup"
        if self._cgroup is not None:
            _await(b"c")
        namespaces.unshare(self._plan.namespaces & namespaces.NEWCGROUP)
        views = open_views(self._cgroup.views()) if self._cgroup is not None and self._shown() else []
        Stage.name = name
        return views

    def _shown(self) -> bool:
        return any(mount.kind == "cgroup" for mount in self._plan.mounts)


def _start(plan: Plan, ignored: Sequence[int], *, has_status: bool) -> NoReturn:
    """Become the command, or the init that has it as its child."""
    Stage.name = "rights"
    capabilities.limit_bounding_set(plan.capabilities.bounding, plan.last_capability)
    if plan.init:
        Stage.name = "init"
        command, pidfd = namespaces.clone(0)
        if command:
            os.close(pidfd)
            _become_init(plan, command, _STATUS if has_status else -1)
    descriptors.close_from(_SYNC)
    Stage.name = "rights"
    if plan.init:
        os.setsid()
    security.become_user(plan, plan.capabilities)
    _reset_signals(ignored)
    Stage.name = "exec"
    _execute(plan)


def _become_init(plan: Plan, command: int, status: int) -> NoReturn:
    """Give up all but what forwarding and reaping need, then serve until the command ends."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) if os.path.exists("/dev/null") else -1
    for place in (0, 1, 2, _REPORT, _SYNC):
        if null >= 0 and place < _REPORT:
            os.dup2(null, place)
        else:
            os.close(place)
    descriptors.close_from(_FREE if status >= 0 else _STATUS)
    prctl.set_name("init")
    prctl.set_no_new_privs()
    security.become_user(plan._replace(cwd="/"), _INIT_SETS)
    os._exit(init.serve(command, status))


def _reset_signals(ignored: Sequence[int]) -> None:
    """Default dispositions and an empty mask: what the interpreter ignores would stay ignored after execve."""
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _execute(plan: Plan) -> NoReturn:
    """Run the command, searched along PATH when it is a bare name, as execvp does."""
    name = plan.argv[0]
    candidates = [name] if b"/" in name else [(place or b".") + b"/" + name for place in plan.search]
    last = errno.ENOENT
    for candidate in candidates:
        try:
            os.execve(candidate, plan.argv, plan.env)
        except OSError as error:
            if error.errno not in _TRY_NEXT:
                last = error.errno or 0
                break
            if error.errno == errno.EACCES or last != errno.EACCES:
                last = error.errno
    where = "" if b"/" in name else f" along PATH {os.fsdecode(b':'.join(plan.search))}"
    text = f'cannot start command "{os.fsdecode(name)}"{where}: {os.strerror(last)}'
    raise StartError("exec", last, text)
