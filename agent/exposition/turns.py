"""Long work on the event loop, in slices that leave others their turn."""

from __future__ import annotations

import asyncio
import time

SLICE = 0.004
"""Seconds that the loop is held at a time."""


class Turns:
    """Lets the loop go on whenever a slice is over; to be awaited between small steps."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + SLICE

    async def others(self) -> None:
        """Give others their turn, if it is time."""
        if time.perf_counter() > self._end:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + SLICE
