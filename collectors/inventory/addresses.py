"""The IP addresses of a process's network namespace, as the kernel tells them.

Source: `fib_trie` and `if_inet6` below /proc/PID/net (linux, net/ipv4/fib_trie.c and net/ipv6/addrconf.c).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

_LIMIT = 1 << 20
_GLOBAL = "00"


def addresses_of(pid: int, proc: str = "/proc") -> tuple[str, ...]:
    """Addresses that others can reach a process by, IPv4 first; none when it is gone or has only its loopback."""
    found = [*_ipv4(_text(f"{proc}/{pid}/net/fib_trie")), *_ipv6(_text(f"{proc}/{pid}/net/if_inet6"))]
    return tuple(dict.fromkeys(found))


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(_LIMIT)
    except OSError:
        return ""


def _ipv4(text: str) -> Iterator[str]:
    """Leaves of the tree that are marked as the namespace's own hosts."""
    leaf = ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            leaf = words[1]
        elif words == ["/32", "host", "LOCAL"] and not leaf.startswith("127."):
            yield leaf


def _ipv6(text: str) -> Iterator[str]:
    """Lines of address, index, prefix, scope, flags and interface."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 6 and words[3] == _GLOBAL:
            yield str(ipaddress.IPv6Address(int(words[0], 16)))
