"""The agent's side of the zygote: found or made, asked, and made again when it dies."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import socket
import subprocess
from typing import Any

import structlog

from runtime.container.protocol import PACKET, PROTOCOL, decode, encode, short_path
from runtime.container.sealed import LAUNCH
from runtime.linux.errors import DeckwatchError

LIMIT = 20.0
RETRY = 1.0
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

log = structlog.get_logger()


def version() -> str:
    """Version of this distribution, which a zygote must share to be used."""
    try:
        return importlib.metadata.version("deckwatch")
    except importlib.metadata.PackageNotFoundError:
        return "0"


class ZygoteError(DeckwatchError):
    """The zygote could not be reached, or refused."""


class ZygoteClient:
    """One zygote for one run directory. `run` keeps it there; requests wait for it, with a limit."""

    def __init__(self, run_dir: str, cgroup_parent: str, python: str) -> None:
        self._run_dir = run_dir
        self._cgroup_parent = cgroup_parent
        self._python = python
        self._socket: socket.socket | None = None
        self._connected = asyncio.Event()
        self._replies: asyncio.Queue[bytes] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._making = asyncio.Lock()
        self._failure = ""
        self._leaving = False

    @property
    def path(self) -> str:
        """The zygote's socket."""
        return f"{self._run_dir}/zygote/zygote.sock"

    async def run(self) -> None:
        """Keep a zygote of this version connected, until cancelled or `leave`."""
        while not self._leaving:
            try:
                async with self._making:
                    await self._connect()
                await self._read()
                self._note_end()
            except (DeckwatchError, OSError, subprocess.TimeoutExpired) as error:
                self._failure = str(error)
                log.error("zygote_failed", error=str(error))
                await asyncio.sleep(RETRY)
            finally:
                self._connected.clear()
                if self._socket is not None:
                    self._socket.close()
                    self._socket = None

    def _note_end(self) -> None:
        if not self._leaving:
            log.warning("zygote_ended", path=self.path)

    async def _connect(self) -> None:
        found = await self._dial()
        if found is None:
            await self._launch()
            found = await self._dial()
        if found is None:
            raise ZygoteError(f"the zygote at {self.path} does not answer; see whether it still runs")
        self._socket = found
        self._failure = ""
        self._connected.set()

    async def _dial(self) -> socket.socket | None:
        """A connection to a zygote of this version; None when there is none."""
        loop = asyncio.get_running_loop()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            with short_path(self.path) as address:
                await loop.sock_connect(connection, address)
            await loop.sock_sendall(connection, encode({"op": "ping"}))
            async with asyncio.timeout(LIMIT):
                answer = decode(await loop.sock_recv(connection, PACKET))
        except (OSError, ValueError, TimeoutError):
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        if (answer.get("version"), answer.get("protocol")) != (version(), PROTOCOL):
            connection.close()
            return None
        return connection

    async def _launch(self) -> None:
        arguments = (ROOT, self._run_dir, self._cgroup_parent, version())
        # In a thread: a subprocess of the loop whose wait is cancelled is left to the collector.
        done = await asyncio.to_thread(
            subprocess.run,
            [self._python, "-I", "-S", "-c", LAUNCH, *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
        )
        if done.returncode:
            text = done.stderr.decode(errors="replace").strip()
            raise ZygoteError(text or "the zygote's launcher failed")

    async def _read(self) -> None:
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        while True:
            try:
                packet = await loop.sock_recv(self._socket, PACKET)
            except OSError:
                packet = b""
            self._replies.put_nowait(packet)
            if not packet:
                return

    async def _ask(self, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        async with self._turn:
            try:
                async with asyncio.timeout(LIMIT):
                    await self._connected.wait()
                    assert self._socket is not None
                    while not self._replies.empty():
                        self._replies.get_nowait()
                    socket.send_fds(self._socket, [encode(message)], descriptors)
                    packet = await self._replies.get()
            except TimeoutError:
                raise ZygoteError(f"no answer from the zygote in {LIMIT:g} s; {self._failure}") from None
            except OSError as error:
                raise ZygoteError(f"cannot ask the zygote: {error}") from error
        if not packet:
            raise ZygoteError("the zygote ended while it was asked")
        answer = decode(packet)
        if "error" in answer:
            raise ZygoteError(str(answer["error"]))
        return answer

    async def fork(self, operation: str, replica: str) -> socket.socket:
        """Have a monitor forked that will `start` or `adopt` a replica; the socket on which it tells events."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            await self._ask({"op": operation, "replica": replica}, [theirs.fileno()])
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return ours

    async def leave(self) -> None:
        """Ask the zygote to end when it has no descendants, and make no other."""
        self._leaving = True
        # One that is just being made must not come up behind our back.
        async with self._making:
            if self._connected.is_set():
                await self._ask({"op": "exit"}, [])
