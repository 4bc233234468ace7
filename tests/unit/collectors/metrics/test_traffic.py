"""Who carries the series of a network namespace."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from collectors.cgroups.reader import Reader
from collectors.metrics import advtcp, catalogue, network
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value
from collectors.metrics.target import ROOT, Target
from collectors.metrics.traffic import Namespaces, Traffic
from collectors.model import Network

BYTES = INDEX[catalogue.RECEIVE_BYTES]


def _traffic(recorded: Any) -> Traffic:
    recorded.process(1)
    (plan,) = network.probe(recorded.host)
    return Traffic(recorded.host.proc, Reader(), [plan])


def _target(id: str, pid: int, start: int = 0, kind: Network = Network.OWNER) -> Target:
    target = Target(id)
    target.pid, target.pid_start, target.network = pid, start, kind
    return target


def _read(traffic: Traffic, target: Target, *, final: bool = False) -> Value:
    values: list[Value] = [None] * len(catalogue.ROW)
    if pid := traffic.process(target):
        traffic.read(pid, 0, target, values, final=final)
    return values[BYTES]


SERIES = ((',interface="eth0"', 1000),)


def test_one_owner_per_namespace_whatever_the_order(v1: Any) -> None:
    traffic = _traffic(v1)
    shared = v1.process(10, start=100)
    v1.process(11, shared, 200)
    v1.process(12, start=300)
    younger, elder, alone = _target("/b", 11, 200), _target("/a", 10, 100), _target("/c", 12, 300)
    for target in (younger, elder, alone):
        traffic.settle(target)
    assert [_read(traffic, target) for target in (younger, elder, alone)] == [None, SERIES, SERIES]
    traffic.release(elder)
    assert _read(traffic, younger) == SERIES


@pytest.mark.parametrize("kind", [Network.FOLLOWER, Network.HOST, Network.NONE])
def test_others_carry_none(v1: Any, kind: Network) -> None:
    traffic = _traffic(v1)
    v1.process(10)
    target = _target("/a", 10, kind=kind)
    traffic.settle(target)
    assert _read(traffic, target) is None


def test_the_hosts_namespace_is_the_roots(v1: Any) -> None:
    traffic = _traffic(v1)
    v1.process(10, v1.directory / "proc/1/net/dev")
    inside = _target("/a", 10)
    traffic.settle(inside)
    assert _read(traffic, inside) is None
    assert _read(traffic, Target(ROOT)) == SERIES


def test_a_plan_of_several_files_needs_only_the_first(v1: Any) -> None:
    v1.process(1)
    own = pathlib.Path(v1.host.proc) / "self/net/netstat"
    own.touch()
    (plan,) = advtcp.probe(v1.host)
    traffic = Traffic(v1.host.proc, Reader(), [plan])
    directory = v1.process(10).parent
    target = _target("/a", 10)
    traffic.settle(target)
    (directory / "netstat").write_text("TcpExt: ListenDrops\nTcpExt: 5\n")

    def counters(*, final: bool = False) -> Value:
        values: list[Value] = [None] * len(catalogue.ROW)
        traffic.read(traffic.process(target), 0, target, values, final=final)
        return values[INDEX[catalogue.TCP_STATS]]

    drops = (',tcp_state="listendrops"', 5)
    assert counters() == (drops,)
    (directory / "snmp").write_text("Tcp: RetransSegs\nTcp: 7\n")
    assert counters() == ((',tcp_state="retranssegs"', 7), drops)
    (directory / "netstat").unlink()
    assert counters() is None
    assert counters(final=True) == ((',tcp_state="retranssegs"', 7), drops)
    traffic.close()


def test_the_last_counts_seen_are_final_when_the_process_has_gone(v1: Any) -> None:
    traffic = _traffic(v1)
    net_dev = v1.process(10)
    target = _target("/a", 10)
    traffic.settle(target)
    assert _read(traffic, target) == SERIES
    net_dev.unlink()
    traffic.settle(target)
    assert _read(traffic, target) is None
    assert _read(traffic, target, final=True) == SERIES


def test_a_new_process_in_another_namespace_moves_the_claim(v1: Any) -> None:
    traffic = _traffic(v1)
    shared = v1.process(10, start=1)
    v1.process(11, shared, 2)
    v1.process(12, start=9)
    first, second = _target("/a", 10, 1), _target("/b", 11, 2)
    for target in (first, second):
        traffic.settle(target)
    assert _read(traffic, second) is None
    first.pid, first.pid_start = 12, 9
    traffic.settle(first)
    assert _read(traffic, first) == _read(traffic, second) == SERIES


def test_releasing_what_was_never_claimed_is_nothing() -> None:
    namespaces = Namespaces()
    namespaces.release(5, "/a")
    namespaces.claim(5, "/a", 1)
    namespaces.release(5, "/b")
    assert namespaces.owned_by(5, "/a") and not namespaces.owned_by(5, "/b")


def test_a_reused_pid_brings_no_foreign_namespace(v1: Any) -> None:
    traffic = _traffic(v1)
    v1.process(10, start=500)
    stranger = _target("/a", 10, 100)
    traffic.settle(stranger)
    assert _read(traffic, stranger) is None
