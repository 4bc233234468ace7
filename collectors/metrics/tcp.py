"""TCP sockets by state, once per network namespace."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable

from collectors.cgroups.procs import content_of
from collectors.metrics import catalogue
from collectors.metrics.crew import Crew
from collectors.metrics.plan import Host
from collectors.metrics.sockettables import PERIOD, Signs, SocketTables
from collectors.metrics.surveyor import Surveyor
from runtime.linux.errors import NotSupported

# cAdvisor's words; the numbers are those of linux/tcp_states.h, two digits in the column st.
_STATES = (
    (b" 01 ", ',tcp_state="established"'),
    (b" 02 ", ',tcp_state="synsent"'),
    (b" 03 ", ',tcp_state="synrecv"'),
    (b" 04 ", ',tcp_state="finwait1"'),
    (b" 05 ", ',tcp_state="finwait2"'),
    (b" 06 ", ',tcp_state="timewait"'),
    (b" 07 ", ',tcp_state="close"'),
    (b" 08 ", ',tcp_state="closewait"'),
    (b" 09 ", ',tcp_state="lastack"'),
    (b" 0A ", ',tcp_state="listen"'),
    (b" 0B ", ',tcp_state="closing"'),
)

# A socket stays in these until a segment comes or goes, or its number in the namespace changes.
_LASTING = frozenset((b" 01 ", b" 06 ", b" 07 ", b" 08 ", b" 0A "))

_INUSE = re.compile(rb"^TCP: inuse (\d+) .*\btw (\d+)", re.MULTILINE)
_INUSE6 = re.compile(rb"^TCP6: inuse (\d+)", re.MULTILINE)
_SEGMENTS = re.compile(rb"^Tcp: [\d -]+$", re.MULTILINE)


class States:
    """How many lines have each state.

    Source: Documentation/networking/proc_net_tcp.rst. No other column has two digits of which the first is 0,
    so a state need not be looked for line by line.
    """

    def __init__(self) -> None:
        self._counts = dict.fromkeys(_STATES, 0)

    def take(self, lines: bytes) -> None:
        """Add these lines."""
        for state in _STATES:
            self._counts[state] += lines.count(state[0])

    def result(self) -> Iterable[tuple[str, int]]:
        """Label text and number of sockets of each state."""
        return [(label, count) for (_, label), count in self._counts.items()]

    def settled(self) -> bool:
        """Whether no socket is on its way from one state to another."""
        return all(state in _LASTING or not count for (state, _), count in self._counts.items())


def signs(proc: str = "/proc") -> Signs:
    """Numbers of sockets and of segments in the namespace of a process: no socket changes its state without them.

    The segments are those of both IP versions. Source: proc_pid_net(5), RFC 4022.
    """

    def read(pid: int) -> Hashable:
        sockets = _INUSE.search(content_of(f"{proc}/{pid}/net/sockstat"))
        sockets6 = _INUSE6.search(content_of(f"{proc}/{pid}/net/sockstat6"))
        segments = _SEGMENTS.search(content_of(f"{proc}/{pid}/net/snmp"))
        return (sockets and sockets.groups(), sockets6 and sockets6[1], segments and segments[0])

    return read


def survey(host: Host) -> Surveyor:
    """net/tcp and net/tcp6 of the process that owns the namespace."""
    if not os.path.exists(f"{host.proc}/self/net/tcp"):
        raise NotSupported("the kernel has no TCP")
    crew = Crew("tcp")
    look = SocketTables(host.proc, ("net/tcp", "net/tcp6"), catalogue.TCP, States, crew, signs(host.proc))
    return Surveyor("tcp", look, crew, PERIOD)
