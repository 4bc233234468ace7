"""From an OCI configuration to a running process: the parent's side of starting a container.

`create` forks the container's first process as its own child and returns once the command has been
executed, or raises StartError with the step that failed. The caller must have a single thread.
Source: OCI runtime-spec runtime.md (create and start in one).
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.container import oomscore, setup
from runtime.container.bundle import plan_of
from runtime.container.failure import LIMIT, StartError, from_bytes, remedy
from runtime.container.handover import Descriptors
from runtime.linux import namespaces, signals
from runtime.linux.errors import KernelError

if TYPE_CHECKING:
    from runtime.container.bundle import Plan
    from runtime.container.cgroups import ContainerCgroup

__all__ = ["Created", "StartError", "create"]

TIMEOUT = 30.0
_CREDENTIALS = struct.Struct("3i")


class Created(NamedTuple):
    """A running container: pid of its first process (a child of the caller) and a pidfd of it."""

    pid: int
    pidfd: int


def create(
    config: Mapping[str, Any],
    *,
    rootfs: str,
    cgroup: ContainerCgroup | None,
    stdin: int,
    stdout: int,
    stderr: int,
    status_fd: int = -1,
    resources: Mapping[str, Any] | None = None,
) -> Created:
    """Start the container of an OCI configuration on an unpacked root file system.

    `rootfs` is ignored with annotation `deckwatch.io/rootfs: host`. The three streams become the
    command's 0, 1, 2. With annotation `deckwatch.io/init: "true"` the built-in init is PID 1 and writes
    the command's end to `status_fd`; otherwise the command is PID 1. With `resources` (OCI
    `linux.resources`) the cgroup is made here, while the container is set up; else it exists. The caller
    closes the pidfd, reaps the process and removes the cgroup; after a StartError or Refused no process
    is left.
    """
    plan = plan_of(config, rootfs)
    report, report_write = os.pipe2(os.O_CLOEXEC)
    sync, sync_child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sync.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    sync.settimeout(TIMEOUT)
    handed = Descriptors(stdin, stdout, stderr, report_write, sync_child.fileno(), status_fd)
    try:
        pid, pidfd = _fork(plan, handed, cgroup)
        os.close(report_write)
        report_write = -1
        sync_child.close()
        try:
            if plan.uid_map:
                _map_ids(plan, pid, sync)
            if cgroup is not None:
                _join(cgroup, resources, pid, sync)
            _wait_for_exec(report)
        except BaseException:
            _end(pid, pidfd)
            raise
        return Created(pid, pidfd)
    finally:
        sync.close()
        sync_child.close()
        os.close(report)
        if report_write >= 0:
            os.close(report_write)


def _fork(plan: Plan, handed: Descriptors, cgroup: ContainerCgroup | None) -> tuple[int, int]:
    """Fork with all signals blocked: the caller's handlers must not run in the child."""
    ignored = signals.ignored()
    before = signals.block_all()
    try:
        try:
            pid, pidfd = namespaces.clone(setup.clone_flags(plan))
        except OSError as error:
            hint = "; enable user namespaces, or run as root" if error.errno == errno.EPERM else ""
            text = f"cannot create namespaces: {error.strerror}{hint}{remedy(error.errno or 0)}"
            raise StartError("namespaces", error.errno or 0, text) from error
        if pid == 0:
            setup.run(plan, handed, cgroup, ignored)
        return pid, pidfd
    finally:
        signals.set_mask(before)


def _map_ids(plan: Plan, pid: int, sync: socket.socket) -> None:
    """Write the maps of the child's user namespace as soon as it is ready for them."""
    if _hear(sync) != (b"m", pid):
        return
    try:
        namespaces.map_ids(pid, plan.uid_map, plan.gid_map, privileged=os.geteuid() == 0)
        sync.send(b"g")
    except OSError as error:
        text = f"cannot map ids of the user namespace: {error}"
        raise StartError("user namespace", error.errno or 0, text) from error


def _join(
    cgroup: ContainerCgroup, resources: Mapping[str, Any] | None, pid: int, sync: socket.socket
) -> None:
    """Put the child, and the command's process it has forked, into the cgroup, limits in force.

    Not before both exist: a limit of one process must not meet the fork between them.
    """
    if resources is not None:
        cgroup.make(resources)
    word, command = _hear(sync)
    if word != b"h":
        return
    try:
        for one in {pid, command}:
            cgroup.join(one)
        if command != pid:
            oomscore.prefer(pid, command, ((resources or {}).get("memory") or {}).get("limit"))
        sync.send(b"c")
    except BrokenPipeError:
        return
    except KernelError as error:
        # ESRCH: it has failed already, and the report says why.
        if error.errno != errno.ESRCH:
            raise StartError("cgroup", error.errno, str(error)) from error


def _hear(sync: socket.socket) -> tuple[bytes, int]:
    """A word of the child and who said it, as this pid namespace counts; (b"", 0) when all have failed."""
    try:
        word, ancillary, _, _ = sync.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size))
    except TimeoutError:
        raise StartError("timeout", 0, f"the container was not set up within {TIMEOUT:.0f} s") from None
    pids = [_CREDENTIALS.unpack(data)[0] for _, kind, data in ancillary if kind == socket.SCM_CREDENTIALS]
    return (word, pids[0]) if word and pids else (b"", 0)


def _wait_for_exec(report: int) -> None:
    """Return at the end of the report pipe, which only execve (or death) closes; StartError when it speaks."""
    waiting = select.poll()
    waiting.register(report, select.POLLIN)
    if not waiting.poll(TIMEOUT * 1000):
        raise StartError("timeout", 0, f"the container was not set up within {TIMEOUT:.0f} s")
    raw = os.read(report, LIMIT)
    if raw:
        raise from_bytes(raw)


def _end(pid: int, pidfd: int) -> None:
    """Kill and collect a child that failed."""
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.waitpid(pid, 0)
    os.close(pidfd)
