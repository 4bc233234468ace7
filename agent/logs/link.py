"""The log worker's process and the socket to it: started, listened to, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collectors.logs.wire import ToAgent, ToWorker, framed, read_frame, to_agent
from runtime.linux.errors import DeckwatchError

_END = 5.0


class Link:
    """One run of the worker."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.pid = process.pid
        self._reader = reader
        self._writer = writer

    def send(self, message: ToWorker) -> None:
        """Hand a message over; one to a worker that has just died is lost with it."""
        if not self._writer.is_closing():
            self._writer.write(framed(message))

    def close(self) -> None:
        """Let the worker end: it saves what it read."""
        self._writer.close()

    async def messages(self) -> AsyncIterator[ToAgent]:
        """What the worker says, until it is gone."""
        while (frame := await read_frame(self._reader)) is not None:
            yield to_agent.decode(frame)


@asynccontextmanager
async def started(python: str, state: str, scratch: str, start_at: str) -> AsyncIterator[Link]:
    """A running worker; at the end it gets the time to save what it read, and is then killed."""
    ours, its = socket.socketpair()
    try:
        arguments = (
            "--socket",
            str(its.fileno()),
            "--state",
            state,
            "--scratch",
            scratch,
            "--start-at",
            start_at,
        )
        try:
            process = await asyncio.create_subprocess_exec(
                python, "-P", "-m", "agent.logs.worker", *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[its.fileno()], start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise DeckwatchError(f"cannot start the log worker with {python}: {error}") from error
        its.close()
        reader, writer = await asyncio.open_connection(sock=ours)
    except BaseException:
        ours.close()
        its.close()
        raise
    try:
        yield Link(process, reader, writer)
    finally:
        writer.close()
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), _END)
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def prepared(state_dir: str) -> str:
    """The worker's own directory under the agent's state, made if need be."""
    path = os.path.join(state_dir, "logs")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
