"""What has no story counts nothing, whatever is told."""

from __future__ import annotations

import inspect

from agent.lifecycle.counters import Counts, Key, LifecycleCounters, Seen
from agent.lifecycle.silence import Silence
from collectors.model import Health, Reason, State

KEY = Key("shop", "web-1", "", "")


def test_nothing_is_kept() -> None:
    silence = Silence()
    silence.touch(KEY)
    silence.remember(KEY, Seen(run=3))
    silence.exited(KEY, Reason.OOM, 137)
    silence.restarted(KEY)
    silence.rename(KEY, KEY, shared=False)
    silence.set_state(KEY, State.EXITED)
    silence.set_health(KEY, Health.HEALTHY)
    assert silence.seen(KEY) == Seen() and silence.counts(KEY) == Counts()


def test_it_is_called_as_the_counters_are() -> None:
    for name, method in inspect.getmembers(Silence, inspect.isfunction):
        assert inspect.signature(method) == inspect.signature(getattr(LifecycleCounters, name))
