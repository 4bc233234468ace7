"""PID 1 of a container: forwards signals to the command, reaps orphans, leaves with the command's code.

When it leaves, the kernel ends whatever else still runs in the pid namespace. It holds no descriptor but
/dev/null and the status record, and no capability but CAP_KILL.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, NoReturn

from runtime.container import security
from runtime.container.bundle import CapabilitySets
from runtime.container.failure import StartError, to_bytes
from runtime.container.handover import FREE, PEER, REPORT, STATUS, Stage, hear
from runtime.container.status import write_status
from runtime.linux import capabilities, descriptors, namespaces, prctl, signals, title

if TYPE_CHECKING:
    from runtime.container.bundle import Plan

_KILL_ONLY = capabilities.mask(("CAP_KILL",))
_SETS = CapabilitySets(0, _KILL_ONLY, _KILL_ONLY, 0, 0)
_NAME = "init"


def fork() -> tuple[int, int, int]:
    """Fork the process that becomes the command: (its pid, or 0 in it; PID 1's end and its end of a socket)."""
    own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child, _ = namespaces.clone(0)
    return child, own.detach(), its.detach()


def let_go() -> None:
    """In the command's process, once it stands in the new root: tell PID 1, and make sure it has no rights left."""
    Stage.name = _NAME
    os.write(PEER, b"r")
    hear(PEER, b"k")
    os.close(PEER)


def become(plan: Plan, command: int, status: int) -> NoReturn:
    """In PID 1: keep only what forwarding and reaping need, while the root is built, then serve.

    The command's pivot_root moves the root and working directory of this process too.
    """
    try:
        _drop(plan, status)
        os.write(PEER, b"k")
    except BaseException as error:
        os.write(REPORT, to_bytes(_NAME, error))
        os._exit(127)
    try:
        hear(PEER, b"r")
    except (StartError, OSError):
        # The command's process has failed and reported why.
        os._exit(127)
    _silence()
    for place in (PEER, REPORT):
        os.close(place)
    os._exit(serve(command, status))


def _drop(plan: Plan, status: int) -> None:
    if status < 0:
        os.close(STATUS)
    descriptors.close_from(FREE)
    prctl.set_name(_NAME)
    title.set_title("deckwatch-init")
    prctl.set_no_new_privs()
    security.become_user(plan._replace(cwd="/"), _SETS)


def _silence() -> None:
    """The container's /dev/null as standard streams, or none without one."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) if os.path.exists("/dev/null") else -1
    for standard in (0, 1, 2):
        if null >= 0:
            os.dup2(null, standard)
        else:
            os.close(standard)
    if null >= 0:
        os.close(null)


def serve(command: int, status: int) -> int:
    """Wait until the command ends, forwarding all else; the exit code to leave with (128 + signal).

    All signals must be blocked: what the pid namespace sends to an unblocked PID 1 is lost.
    """
    while True:
        number = signal.sigwaitinfo(signals.ALL).si_signo
        if number != signal.SIGCHLD:
            _forward(command, number)
            continue
        ended = _reap(command)
        if ended is not None:
            return _record(ended, status)


def _forward(command: int, number: int) -> None:
    try:
        os.kill(command, number)
    except (ProcessLookupError, PermissionError):
        # It has just ended, or belongs to somebody else now: its end arrives as SIGCHLD.
        pass


def _reap(command: int) -> int | None:
    """Collect all that have ended; the wait status of the command when it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            found = status


def _record(wait_status: int, status: int) -> int:
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        if status >= 0:
            write_status(status, signal=number)
        return 128 + number
    code = os.WEXITSTATUS(wait_status)
    if status >= 0:
        write_status(status, code=code)
    return code
