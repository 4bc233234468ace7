"""TCP sockets by state."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
from typing import Any

import pytest

from collectors.metrics import tcp
from runtime.linux.errors import NotSupported

HEADING = (
    b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
)


def _line(number: int, state: str, uid: int = 0) -> bytes:
    text = (
        f"{number:4d}: 0100007F:1F90 0100007F:C350 {state} 00000000:00000000 00:00000000 00000000"
        f" {uid:5d}        0 {number + 10} 1 0000000000000000 10 4 30 10 -1"
    )
    return f"{text:<149}\n".encode()


def _counted(*pieces: bytes) -> dict[str, int]:
    states = tcp.States()
    for piece in pieces:
        states.take(piece)
    return {label.split('"')[1]: count for label, count in states.result()}


def test_each_state_has_cadvisors_word() -> None:
    lines = [_line(number, f"{number:02X}") for number in range(1, 12)]
    counts = _counted(HEADING + b"".join(lines))
    assert list(counts) == [
        "established", "synsent", "synrecv", "finwait1", "finwait2", "timewait",
        "close", "closewait", "lastack", "listen", "closing",
    ]  # fmt: skip
    assert set(counts.values()) == {1}


def test_no_other_column_is_taken_for_a_state_and_pieces_add_up() -> None:
    lines = [_line(number, "0A", uid) for number, uid in ((1, 1), (10, 10), (12345, 11), (6, 99999))]
    counts = _counted(HEADING, *lines)
    assert counts.pop("listen") == 4 and not any(counts.values())


def test_this_kernels_table_has_the_sockets_of_this_process() -> None:
    def listening() -> int:
        return _counted(pathlib.Path("/proc/self/net/tcp").read_bytes())["listen"]

    with contextlib.ExitStack() as stack:
        own = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(5)]
        there = pathlib.Path("/proc/self/net/tcp").read_bytes()
        ours = {b"0100007F:%04X" % one.getsockname()[1] for one in own}
        states = [line.split()[3] for line in there.splitlines() if line.split()[1] in ours]
        assert states == [b"0A"] * 5
        assert _counted(there)["listen"] >= 5
        assert _counted(there) == _counted(*there.splitlines(keepends=True))


def test_only_lasting_states_are_settled() -> None:
    lasting = {"01", "06", "07", "08", "0A"}
    for number in range(1, 12):
        states = tcp.States()
        states.take(_line(1, "0A") + _line(2, f"{number:02X}"))
        assert states.settled() == (f"{number:02X}" in lasting)


def test_the_signs_of_a_namespace_change_as_sockets_and_segments_do() -> None:
    read = tcp.signs()
    own = os.getpid()
    before = read(own)
    with socket.create_server(("127.0.0.1", 0)) as server:
        listening = read(own)
        assert listening != before
        with socket.create_connection(server.getsockname()) as client, server.accept()[0] as accepted:
            connected = read(own)
            assert connected != listening
            accepted.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
            assert read(own) != connected


def test_a_kernel_without_tcp_says_so(v1: Any) -> None:
    with pytest.raises(NotSupported, match="no TCP"):
        tcp.survey(v1.host)
