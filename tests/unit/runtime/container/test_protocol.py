"""Messages and small state files between agent, zygote and monitors."""

from __future__ import annotations

import os
import pathlib
import socket

import pytest

from runtime.container import protocol


def test_a_message_is_one_line_and_only_an_object() -> None:
    line = protocol.encode({"op": "stop", "text": "a\nb"})
    assert line.count(b"\n") == 1
    assert protocol.decode(line) == {"op": "stop", "text": "a\nb"}
    for bad in (b"[]", b"{", b"1\n"):
        with pytest.raises(ValueError, match=r".+"):
            protocol.decode(bad)


def test_descriptors_arrive_closed_on_exec_with_a_known_peer() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reader, writer = os.pipe()
    socket.send_fds(ours, [b"{}"], [writer])
    content, descriptors = protocol.receive(theirs)
    assert content == b"{}"
    assert not os.get_inheritable(descriptors[0])
    os.write(descriptors[0], b"x")
    assert os.read(reader, 1) == b"x"
    assert protocol.peer_uid(theirs) == os.geteuid()
    assert protocol.trusted(theirs)
    for descriptor in (reader, writer, *descriptors):
        os.close(descriptor)
    ours.close()
    theirs.close()


def test_files_are_whole_private_and_of_format_one(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json"
    protocol.write_file(str(path), {"run": 3}, sync=True)
    assert protocol.read_file(str(path)) == {"format": 1, "run": 3}
    assert path.stat().st_mode & 0o777 == 0o600
    assert protocol.read_file(str(tmp_path / "none")) is None
    path.write_text('{"run": ')
    assert protocol.read_file(str(path)) is None


@pytest.mark.parametrize("name", ["../x", "", "A-1", "a/b", "-a", "a" * 80])
def test_names_that_are_no_replicas(name: str) -> None:
    assert protocol.REPLICA.fullmatch(name) is None
    assert protocol.REPLICA.fullmatch("web-1")


def test_a_socket_may_lie_at_a_long_path(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / ("x" * 100) / ("y" * 100)
    directory.mkdir(parents=True)
    listener, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    with protocol.short_path(f"{directory}/a.sock") as address:
        listener.bind(address)
    listener.listen()
    with protocol.short_path(f"{directory}/a.sock") as address:
        client.connect(address)
    assert (directory / "a.sock").is_socket()
    client.close()
    listener.close()
