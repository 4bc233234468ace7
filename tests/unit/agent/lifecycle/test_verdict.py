"""Why a run ended."""

from __future__ import annotations

import pytest

from agent.lifecycle.verdict import reason_of, signal_of
from collectors.model import Reason


@pytest.mark.parametrize(
    ("code", "signal", "oom", "stopped", "told", "reason"),
    [
        (0, None, False, False, None, Reason.COMPLETED),
        (3, None, False, False, None, Reason.ERROR),
        (None, 9, False, False, None, Reason.SIGNAL),
        (137, 9, True, False, None, Reason.OOM),
        (137, 9, False, False, Reason.OOM, Reason.SIGNAL),  # the engine's word for it does not count
        (0, None, True, False, None, Reason.COMPLETED),  # a child was killed, the container ended well
        (143, 15, False, True, None, Reason.STOPPED),
        (137, 9, True, True, None, Reason.OOM),
        (None, None, False, False, None, Reason.UNKNOWN),
        (127, None, False, False, Reason.START_FAILED, Reason.START_FAILED),
        (None, None, False, False, Reason.LOST, Reason.LOST),
    ],
)
def test_reasons(code, signal, oom, stopped, told, reason) -> None:  # type: ignore[no-untyped-def]
    assert reason_of(code, signal, oom=oom, stop_requested=stopped, told=told) is reason


def test_only_codes_that_stand_for_a_signal_give_one() -> None:
    assert signal_of(137) == 9
    assert signal_of(143) == 15
    assert signal_of(255) is None
    assert signal_of(128) is None
    assert signal_of(1) is None
    assert signal_of(None) is None
