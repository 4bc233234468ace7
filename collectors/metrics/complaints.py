"""Why a survey could not tell the figures of some containers, in one line."""

from __future__ import annotations

from collections.abc import Iterable


class Complaints:
    """One reason per container at most; written by the survey's thread, read by any."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def keep(self, ids: Iterable[str]) -> None:
        """Drop what was said of containers other than these."""
        there = set(ids)
        self._reasons = {id: reason for id, reason in self._reasons.items() if id in there}

    def say(self, id: str, reason: str) -> None:
        """Note the reason for a container; an empty one takes it back."""
        if reason:
            self._reasons[id] = reason
        else:
            self._reasons.pop(id, None)

    def text(self) -> str:
        """One of the reasons with its container, and how many more there are; empty when there is none."""
        reasons = sorted(self._reasons.copy().items())
        if not reasons:
            return ""
        id, reason = reasons[0]
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return f"{id}: {reason}{more}"
