"""What was begun is brought to its end, whether or not the one who asked still listens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def finish(work: Coroutine[Any, Any, Answer]) -> Answer:
    """The work's answer. A first cancellation (the client went away) waits for its end; a second ends it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await task
        raise
