"""The counters of what has no story: they take everything and keep nothing."""

from __future__ import annotations

from agent.lifecycle.counters import Counts, Key, Seen
from collectors.model import Health, Reason, State


class Silence:
    """Stands where `LifecycleCounters` would, for roles that are only read."""

    def touch(self, key: Key) -> None:
        """See `LifecycleCounters.touch`."""

    def rename(self, old: Key, new: Key, *, shared: bool) -> None:
        """See `LifecycleCounters.rename`."""

    def seen(self, key: Key) -> Seen:
        """No run was ever told of."""
        return Seen()

    def counts(self, key: Key) -> Counts:
        """Nothing was counted."""
        return Counts()

    def remember(self, key: Key, seen: Seen) -> None:
        """See `LifecycleCounters.remember`."""

    def exited(self, key: Key, reason: Reason, code: int | None) -> None:
        """See `LifecycleCounters.exited`."""

    def restarted(self, key: Key) -> None:
        """See `LifecycleCounters.restarted`."""

    def set_state(self, key: Key, state: State) -> None:
        """See `LifecycleCounters.set_state`."""

    def set_health(self, key: Key, health: Health) -> None:
        """See `LifecycleCounters.set_health`."""
