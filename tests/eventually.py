"""Waiting for what another thread or process does, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], what: str, limit: float = 20.0) -> None:
    """Return once a condition holds; an assertion names what did not come in time."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.005)
