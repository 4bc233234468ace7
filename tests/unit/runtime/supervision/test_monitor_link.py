"""The agent's connection to a monitor."""

from __future__ import annotations

import pathlib
import socket

from runtime.container.protocol import decode
from runtime.supervision.monitor_link import MonitorLink


async def test_events_come_until_the_monitor_is_gone() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = await MonitorLink.over(ours)
    theirs.sendall(b'{"event":"started"}\n{"event":"exited"}\nhalf')
    assert await link.next() == {"event": "started"}
    assert await link.next() == {"event": "exited"}
    link.send({"op": "stop"})
    theirs.settimeout(5)
    assert decode(theirs.recv(100)) == {"op": "stop"}
    theirs.close()
    assert await link.next() is None
    link.close()


async def test_nobody_listens(tmp_path: pathlib.Path) -> None:
    assert await MonitorLink.to(str(tmp_path / "monitor.sock")) is None
