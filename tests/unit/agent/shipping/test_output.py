"""What a shared descriptor does not take is neither lost nor doubled, and nobody else's flags change."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import socket
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.shipping.output import Output


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        os.close(end)


async def read(fd: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += await asyncio.to_thread(os.read, fd, 65536)
    return found


async def test_a_pipe_that_nobody_reads_stops_in_a_line_and_goes_on_there(pipe: tuple[int, int]) -> None:
    output = Output(pipe[1])
    lines = [b"%05d %s\n" % (number, b"x" * 293) for number in range(100)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await output.write(lines)
    assert 0 < output.done < len(lines)
    done = output.done
    assert done < 4096 / 300
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(pipe[0], 300 * len(lines)))
        await output.write(lines[done:])
    assert reading.result() == b"".join(lines)
    assert output.done == len(lines) - done
    assert not fcntl.fcntl(pipe[1], fcntl.F_GETFL) & os.O_NONBLOCK
    output.close()
    os.fstat(pipe[1])


async def test_the_rest_of_a_line_goes_first_when_others_follow(pipe: tuple[int, int]) -> None:
    output = Output(pipe[1])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await output.write([b"a" * 9999 + b"\n"])
    assert output.done == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await output.write([b"b\n"])
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(pipe[0], 10_004))
        await output.write([b"c\n", b"b\n"])
    assert reading.result() == b"a" * 9999 + b"\nc\nb\n"
    assert output.done == 2
    output.close()


async def test_a_socket_as_under_systemd() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        output = Output(ours.fileno())
        lines = [b"y" * 9999 + b"\n"] * 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await output.write(lines)
        done = output.done
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read(theirs.fileno(), 10_000 * len(lines)))
            await output.write(lines[done:])
        assert reading.result() == b"".join(lines)
        assert os.get_blocking(ours.fileno())
        output.close()


async def test_a_terminal_and_a_file(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    output = Output(theirs)
    lines = [b"z" * 99 + b"\n"] * 300
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(ours, 100 * len(lines)))
        await output.write(lines)
    assert reading.result() == b"".join(lines)
    output.close()
    os.close(ours)
    os.close(theirs)
    path = tmp_path / "out"
    with path.open("wb") as file:
        output = Output(file.fileno())
        await output.write(lines)
        output.close()
    assert path.read_bytes() == b"".join(lines)


async def test_a_reader_that_is_gone_is_an_error(pipe: tuple[int, int]) -> None:
    other, ours = os.pipe()
    output = Output(ours)
    os.close(other)
    with pytest.raises(BrokenPipeError):
        await output.write([b"x\n"])
    assert output.done == 0
    output.close()
    # Opened anew there is no reader to be found: the copy is written to when it polls as writable.
    output = Output(ours)
    with pytest.raises(BrokenPipeError):
        await output.write([b"x\n"])
    output.close()
    os.close(ours)
