"""The last steps before the command: its limits, its rights, its signals, and the search along PATH."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from runtime.container import security
from runtime.container.failure import StartError
from runtime.container.handover import Stage
from runtime.linux import capabilities, prctl, seccomp, signals

if TYPE_CHECKING:
    from runtime.container.bundle import Plan

_TRY_NEXT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES))


def become(plan: Plan, ignored: Sequence[int]) -> NoReturn:
    """Give up all rights but the command's own and execute it; StartError when it cannot be executed.

    `ignored` are signals to set back: what an interpreter ignores would stay ignored.
    """
    set_rlimits(plan)
    Stage.name = "rights"
    os.umask(plan.umask)
    if plan.no_new_privs:
        prctl.set_no_new_privs()
    if plan.seccomp is not None:
        install_filter(plan.seccomp)
    capabilities.limit_bounding_set(plan.capabilities.bounding, plan.last_capability)
    security.become_user(plan, plan.capabilities)
    for number in ignored:
        signals.set_default(number)
    signals.set_mask(signals.NOTHING)
    Stage.name = "exec"
    _execute(plan)


def set_rlimits(plan: Plan) -> None:
    """Set the resource limits; StartError names the one that is beyond this process's rights."""
    Stage.name = "rlimits"
    for limit in plan.rlimits:
        try:
            resource.setrlimit(limit.kind, (limit.soft, limit.hard))
        except (OSError, ValueError) as error:
            now = resource.getrlimit(limit.kind)[1]
            text = (
                f"cannot set {limit.name} to {limit.soft}:{limit.hard}: {error}; the hard limit here is {now}"
            )
            raise StartError("rlimits", getattr(error, "errno", None) or errno.EPERM, text) from error


def install_filter(program: seccomp.Filter) -> None:
    """Refuse some system calls from here on; StartError when this kernel cannot."""
    try:
        seccomp.install(program)
    except OSError as error:
        text = f"cannot install the system call filter: {error.strerror}; set security.seccomp: unconfined"
        raise StartError("seccomp", error.errno or 0, text) from error


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
