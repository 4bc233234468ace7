"""Addresses are those of the process's own network namespace."""

from __future__ import annotations

from pathlib import Path

from collectors.inventory.addresses import addresses_of

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/1 2 0 2
     +-- 10.88.0.0/16 2 0 2
        +-- 10.88.0.0/29 2 0 2
           |-- 10.88.0.0
              /16 link UNICAST
           |-- 10.88.0.4
              /32 host LOCAL
        |-- 10.88.255.255
           /32 link BROADCAST
     +-- 127.0.0.0/31 1 0 0
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
Local:
           |-- 10.88.0.4
              /32 host LOCAL
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000703534fffe9c68f8 02 40 20 80     eth0
fd000000000000000000000000000005 02 40 00 80     eth0
"""


def test_own_addresses_once_without_loopback_and_link(tmp_path: Path) -> None:
    net = tmp_path / "7" / "net"
    net.mkdir(parents=True)
    (net / "fib_trie").write_text(FIB_TRIE)
    (net / "if_inet6").write_text(IF_INET6)
    assert addresses_of(7, str(tmp_path)) == ("10.88.0.4", "fd00::5")


def test_a_process_that_is_gone_has_none(tmp_path: Path) -> None:
    assert addresses_of(7, str(tmp_path)) == ()


def test_this_hosts_own_loopback_is_never_among_them() -> None:
    assert not [address for address in addresses_of(1) if address.startswith("127.") or address == "::1"]
