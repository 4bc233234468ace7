"""Why a run ended: one judgement from what kernel and engine tell.

An out-of-memory kill is judged by the cgroup's own counter, never by signal 9 alone; an exit code that
nobody saw stays absent.
"""

from __future__ import annotations

import signal as signals

from collectors.model import Reason

_SIGNALS = {int(number) for number in signals.Signals}


def signal_of(code: int | None) -> int | None:
    """The signal that an engine's exit code stands for (128 + signal); None when it stands for none."""
    if code is None or code <= 128 or code - 128 not in _SIGNALS:
        return None
    return code - 128


def reason_of(
    code: int | None, signal: int | None, *, oom: bool, stop_requested: bool, told: Reason | None
) -> Reason:
    """The reason of an exit. `oom` says whether the cgroup counted a kill in this run.

    What the engine told is believed where only it can know (`start_failed`, `stopped`, `lost`); `oom` is
    not among it. A kill by the kernel's OOM killer ends a stopping container as `oom` too.
    """
    if told in (Reason.START_FAILED, Reason.LOST):
        return told
    if oom and (signal == signals.SIGKILL or code == 128 + signals.SIGKILL):
        return Reason.OOM
    if stop_requested or told is Reason.STOPPED:
        return Reason.STOPPED
    if signal is not None:
        return Reason.SIGNAL
    if code is None:
        return Reason.UNKNOWN
    return Reason.COMPLETED if code == 0 else Reason.ERROR
