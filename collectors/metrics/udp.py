"""UDP sockets, their queues and drops, once per network namespace."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from collectors.metrics import catalogue
from collectors.metrics.crew import Crew
from collectors.metrics.plan import Host
from collectors.metrics.sockettables import PERIOD, SocketTables
from collectors.metrics.surveyor import Surveyor
from runtime.linux.errors import NotSupported

# sl: local_address rem_address st tx_queue:rx_queue … drops; the queues in hexadecimal.
_LINE = re.compile(rb"^ *\d+: \S+ \S+ \S+ ([0-9A-F]+):([0-9A-F]+) .* (\d+) *$", re.MULTILINE)


class Queues:
    """Sockets, dropped datagrams, and bytes in queues."""

    def __init__(self) -> None:
        self._sockets = self._dropped = self._receiving = self._sending = 0

    def take(self, lines: bytes) -> None:
        """Add these lines."""
        for sending, receiving, dropped in _LINE.findall(lines):
            self._sockets += 1
            self._dropped += int(dropped)
            self._receiving += int(receiving, 16)
            self._sending += int(sending, 16)

    def result(self) -> Iterable[tuple[str, int]]:
        """Label text and number, in cAdvisor's words: `listen` is any socket."""
        return (
            (',udp_state="listen"', self._sockets),
            (',udp_state="dropped"', self._dropped),
            (',udp_state="rxqueued"', self._receiving),
            (',udp_state="txqueued"', self._sending),
        )

    def settled(self) -> bool:
        """Queues fill and drain without a sign."""
        return False


def survey(host: Host) -> Surveyor:
    """net/udp and net/udp6 of the process that owns the namespace."""
    if not os.path.exists(f"{host.proc}/self/net/udp"):
        raise NotSupported("the kernel has no UDP")
    crew = Crew("udp")
    look = SocketTables(host.proc, ("net/udp", "net/udp6"), catalogue.UDP, Queues, crew)
    return Surveyor("udp", look, crew, PERIOD)
