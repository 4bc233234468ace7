"""UDP sockets."""

from __future__ import annotations

import pathlib
import socket
from typing import Any

import pytest

from collectors.metrics import udp
from runtime.linux.errors import NotSupported

HEADING = b"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"


def _line(number: int, sending: int, receiving: int, dropped: int) -> bytes:
    text = (
        f"{number:5d}: 00000000:0044 00000000:0000 07 {sending:08X}:{receiving:08X} 00:00000000 00000000"
        f"     0        0 {number} 2 0000000000000000 {dropped}"
    )
    return f"{text:<127}\n".encode()


def _told(*pieces: bytes) -> dict[str, int]:
    queues = udp.Queues()
    for piece in pieces:
        queues.take(piece)
    return {label.split('"')[1]: number for label, number in queues.result()}


def test_queues_and_drops_add_up() -> None:
    assert _told(HEADING + _line(1, 16, 4096, 3), _line(70000, 1, 0, 0)) == {
        "listen": 2, "dropped": 3, "rxqueued": 4096, "txqueued": 17,
    }  # fmt: skip
    assert _told(HEADING) == dict.fromkeys(("listen", "dropped", "rxqueued", "txqueued"), 0)


def test_this_kernels_table_has_a_datagram_that_waits() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.sendto(b"x" * 100, receiver.getsockname())
        port = b"0100007F:%04X" % receiver.getsockname()[1]
        lines = pathlib.Path("/proc/self/net/udp").read_bytes().splitlines(keepends=True)
        (own,) = [line for line in lines if line.split()[1] == port]
        told = _told(own)
    assert told["listen"] == 1 and told["rxqueued"] >= 100 and told["txqueued"] == 0


def test_a_kernel_without_udp_says_so(v1: Any) -> None:
    with pytest.raises(NotSupported, match="no UDP"):
        udp.survey(v1.host)
