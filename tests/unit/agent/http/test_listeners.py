"""Listening sockets."""

from __future__ import annotations

import os
import pathlib
import socket
import stat

import pytest

from agent.http import listeners
from agent.http.auth import Listener


def test_a_port_in_use_is_one_line_with_address_and_remedy() -> None:
    (first,) = listeners.tcp_sockets("127.0.0.1:0")
    with first:
        address = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(listeners.ListenError) as caught:
            listeners.tcp_sockets(address)
    text = str(caught.value)
    assert text.startswith(f"cannot listen on {address}: Address already in use; ")
    assert "server.listen" in text and "\n" not in text


def test_loopback_is_told_from_open() -> None:
    for address, kind in (
        ("127.0.0.1:0", Listener.LOOPBACK),
        ("localhost:0", Listener.LOOPBACK),
        (":0", Listener.OPEN),
    ):
        bound = listeners.tcp_sockets(address)
        assert listeners.kind_of(bound) is kind
        assert listeners.url_of(bound[0]).startswith("http://")
        assert listeners.url_of(bound[0], secure=True).startswith("https://")
        for one in bound:
            one.close()


def test_a_name_that_is_none_of_ours() -> None:
    with pytest.raises(listeners.ListenError, match="name an address of this host"):
        listeners.tcp_sockets("no-such-host.invalid:1")


def test_the_unix_socket_is_private(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "d.sock")
    with listeners.unix_socket(path):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with pytest.raises(listeners.ListenError, match="another agent answers there"):
            listeners.unix_socket(path)
        assert os.path.exists(path)


def test_a_stale_socket_is_replaced(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "d.sock")
    listeners.unix_socket(path).close()
    before = listeners.identity(path)
    with listeners.unix_socket(path) as again:
        assert again.getsockname() == path
        assert before is not None
    (tmp_path / "file").write_text("mine")
    with pytest.raises(listeners.ListenError, match="a file that is no socket"):
        listeners.unix_socket(str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"


def test_directories_and_groups_that_are_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(listeners.ListenError, match=r"No such file or directory; set server.socket"):
        listeners.unix_socket(str(tmp_path / "no" / "d.sock"))
    with pytest.raises(listeners.ListenError, match=r"there is no group nobody-here"):
        listeners.unix_socket(str(tmp_path / "d.sock"), "nobody-here")
    assert listeners.identity(str(tmp_path / "d.sock")) is None


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file to a group")
def test_a_group_widens_the_socket(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "d.sock")
    with listeners.unix_socket(path, "daemon"):
        found = os.stat(path)
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, listeners.group_id("daemon"))


def test_ipv6_is_served_where_it_exists() -> None:
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 on this host")
    (one,) = listeners.tcp_sockets("[::1]:0")
    with one:
        assert listeners.url_of(one).startswith("http://[::1]:")
        assert listeners.kind_of([one]) is Listener.LOOPBACK


def test_the_unix_socket_is_private_whatever_the_umask_and_leaves_it_alone(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "d.sock")
    before = os.umask(0)
    try:
        with listeners.unix_socket(path):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    finally:
        assert os.umask(before) == 0
