"""Interfaces."""

from __future__ import annotations

from typing import Any

from collectors.metrics import catalogue, network
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value

HEAD = b"Inter-|   Receive  |  Transmit\n face |bytes\n"


def _parsed(recorded: Any, *lines: bytes) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    (plan,) = network.probe(recorded.host)
    plan.parse((HEAD + b"".join(line + b"\n" for line in lines),), values)
    return values


def test_each_column_has_its_family(v1: Any) -> None:
    values = _parsed(v1, b"  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16")
    told = {family: values[INDEX[family]] for family in network.FAMILIES}
    assert told == {
        catalogue.RECEIVE_BYTES: ((',interface="eth0"', 1),),
        catalogue.RECEIVE_PACKETS: ((',interface="eth0"', 2),),
        catalogue.RECEIVE_ERRORS: ((',interface="eth0"', 3),),
        catalogue.RECEIVE_DROPPED: ((',interface="eth0"', 4),),
        catalogue.TRANSMIT_BYTES: ((',interface="eth0"', 9),),
        catalogue.TRANSMIT_PACKETS: ((',interface="eth0"', 10),),
        catalogue.TRANSMIT_ERRORS: ((',interface="eth0"', 11),),
        catalogue.TRANSMIT_DROPPED: ((',interface="eth0"', 12),),
    }


def test_loopback_and_the_hosts_ends_of_links_are_left_out(v1: Any) -> None:
    numbers = b" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"
    values = _parsed(
        v1,
        *(name + b":" + numbers for name in (b"lo", b"veth1", b"docker0", b"lo0", b"eth0:1", b'q"\\')),
    )
    names = [label for label, _ in values[INDEX[catalogue.RECEIVE_BYTES]]]  # type: ignore[union-attr]
    assert names == [',interface="lo0"', ',interface="eth0:1"', r',interface="q\"\\"']


def test_a_namespace_of_loopback_alone_has_no_series(v1: Any) -> None:
    assert _parsed(v1, b"lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16") == [None] * len(catalogue.ROW)
