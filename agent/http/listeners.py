"""Listening sockets: TCP addresses and the unix socket, each made or refused with one clear line."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import stat

from agent.config.check import split_address
from agent.http.auth import Listener, group_id
from runtime.linux.errors import DeckwatchError

BACKLOG = 128
_LIVENESS_TIMEOUT = 1.0


class ListenError(DeckwatchError):
    """An address cannot be listened on; `reason` is the short form."""

    def __init__(self, address: str, reason: str, remedy: str) -> None:
        super().__init__(f"cannot listen on {address}: {reason}; {remedy}")
        self.address = address
        self.reason = reason


def tcp_sockets(address: str) -> list[socket.socket]:
    """Bound sockets of `HOST:PORT`, one for each address the host name has; raises ListenError."""
    host, port = split_address(address)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ListenError(
            address, str(error.strerror), "name an address of this host in server.listen"
        ) from None
    with contextlib.ExitStack() as stack:
        bound: list[socket.socket] = []
        for family, _, _, _, target in dict.fromkeys(found):
            try:
                one = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
                _bind(one, target)
            except OSError as error:
                if family == socket.AF_INET6 and bound:
                    continue  # a host without IPv6 resolves `::` all the same
                raise ListenError(address, error.strerror or str(error), _tcp_remedy(error, port)) from None
            bound.append(one)
        stack.pop_all()
    return bound


def _bind(one: socket.socket, target: tuple[object, ...]) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.setblocking(False)
    one.bind(target)
    one.listen(BACKLOG)


def _tcp_remedy(error: OSError, port: int) -> str:
    if isinstance(error, PermissionError):
        return "choose a port of 1024 or above in server.listen"
    return f"`ss -ltnp sport = :{port}` shows who has it; stop that, or choose another port in server.listen"


def kind_of(bound: list[socket.socket]) -> Listener:
    """Loopback when every bound address is one; anything else is open to others."""
    hosts = [ipaddress.ip_address(one.getsockname()[0].partition("%")[0]) for one in bound]
    return Listener.LOOPBACK if all(host.is_loopback for host in hosts) else Listener.OPEN


def url_of(one: socket.socket, *, secure: bool = False) -> str:
    """`http://127.0.0.1:9780` of a bound socket; `https` when it is `secure`."""
    host, port = one.getsockname()[:2]
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def unix_socket(path: str, group: str | None = None) -> socket.socket:
    """The bound unix socket, mode 0600 (0660 for `group`); a stale one is replaced, a live one refused."""
    _clear_stale(path)
    gid = -1
    if group is not None:
        gid = group_id(group)
        if gid < 0:
            raise ListenError(path, f"there is no group {group}", "mend server.socket_group")
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        one.setblocking(False)
        # The socket's own mode is its file's. Not by umask: a process started meanwhile would keep it.
        os.fchmod(one.fileno(), 0o600)
        one.bind(path)
        if group is not None:
            os.chown(path, -1, gid)
            os.chmod(path, 0o660)
        one.listen(BACKLOG)
    except OSError as error:
        one.close()
        raise ListenError(
            path, error.strerror or str(error), "set server.socket to a path this user may write"
        ) from None
    return one


def _clear_stale(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ListenError(path, error.strerror or str(error), "set server.socket to another path") from None
    if not stat.S_ISSOCK(found.st_mode):
        raise ListenError(path, "there is a file that is no socket", "remove it, or set server.socket")
    if _lives(path):
        raise ListenError(
            path, "another agent answers there", "stop it, or set server.socket and paths to others"
        )
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _lives(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_LIVENESS_TIMEOUT)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # a full backlog or a foreign owner: somebody is there
        return True


def identity(path: str) -> tuple[int, int] | None:
    """Device and inode of a path, to know later whether it is still the same file."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
