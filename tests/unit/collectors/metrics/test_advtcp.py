"""Counters of TCP."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import advtcp, catalogue
from collectors.metrics.plan import Host, Plan
from collectors.metrics.rows import Value
from runtime.linux import hierarchies
from runtime.linux.errors import NotSupported

PLACE = catalogue.INDEX[catalogue.TCP_STATS]
SNMP = b"""Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab RetransSegs OutRsts
Tcp: 1 -1 7 3 9 2
Udp: InDatagrams
Udp: 5
"""
NETSTAT = b"""TcpExt: SyncookiesSent ListenOverflows TCPTimeouts
TcpExt: 1 4 6
IpExt: InNoRoutes
IpExt: 0
"""


@pytest.fixture
def plan() -> Plan:
    (made,) = advtcp.probe(Host(hierarchies.detect()))
    return made


def _parsed(plan: Plan, netstat: bytes, snmp: bytes) -> Value:
    values: list[Value] = [None] * len(catalogue.ROW)
    plan.parse((netstat, snmp), values)
    return values[PLACE]


def test_counters_of_both_files_have_cadvisors_words(plan: Plan) -> None:
    expected = (
        (',tcp_state="activeopens"', 7),
        (',tcp_state="retranssegs"', 9),
        (',tcp_state="outrsts"', 2),
        (',tcp_state="listenoverflows"', 4),
        (',tcp_state="tcptimeouts"', 6),
    )
    assert _parsed(plan, NETSTAT, SNMP) == expected
    assert _parsed(plan, NETSTAT, b"") == expected[3:]
    assert _parsed(plan, b"", b"Ip: x\nIp: 1\n") is None


def test_another_kernels_columns_are_found_anew(plan: Plan) -> None:
    _parsed(plan, NETSTAT, SNMP)
    assert _parsed(
        plan, b"TcpExt: ListenOverflows\nTcpExt: 8\n", b"Tcp: OutRsts ActiveOpens\nTcp: 1 2\n"
    ) == (
        (',tcp_state="activeopens"', 2),
        (',tcp_state="outrsts"', 1),
        (',tcp_state="listenoverflows"', 8),
    )


def test_this_kernel_tells_all_twenty(plan: Plan) -> None:
    contents = []
    for file in plan.files:
        with open(f"/proc/self/{file.name}", "rb") as opened:
            contents.append(opened.read())
    told = _parsed(plan, *contents)
    assert isinstance(told, tuple) and len(told) == 20 and all(number >= 0 for _, number in told)


def test_a_kernel_without_tcp_says_so(v1: Any) -> None:
    with pytest.raises(NotSupported, match="no TCP"):
        advtcp.probe(v1.host)
