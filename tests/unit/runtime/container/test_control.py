"""A monitor's control socket: questions, events, and clients that misbehave."""

from __future__ import annotations

import pathlib
import select
import socket
from collections.abc import Callable, Iterator

import pytest

from runtime.container.control import LINE, Control
from runtime.container.protocol import decode, encode


class Bed:
    def __init__(self, path: str) -> None:
        self.poll = select.poll()
        self.asked: list[dict[str, object]] = []
        self.path = path
        self.control = Control(path, [self.poll], self.answer)

    def answer(self, message: dict[str, object]) -> dict[str, object]:
        self.asked.append(message)
        return {"answer": message.get("op")}

    def turn(self) -> None:
        for descriptor, _ in self.poll.poll(1000):
            assert self.control.handle(descriptor)

    def client(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(self.path)
        self.turn()
        return client


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> Iterator[Bed]:
    bed = Bed(str(tmp_path / "monitor.sock"))
    yield bed
    bed.control.close()


def lines(client: socket.socket, count: int) -> list[dict[str, object]]:
    received = b""
    while received.count(b"\n") < count:
        received += client.recv(4096)
    return [decode(line) for line in received.splitlines()]


def test_a_question_is_answered_also_in_two_pieces(bed: Bed) -> None:
    client = bed.client()
    client.sendall(b'{"op":"st')
    bed.turn()
    client.sendall(b'ate"}\n')
    bed.turn()
    assert lines(client, 1) == [{"answer": "state"}]


def test_only_watchers_hear_of_events(bed: Bed) -> None:
    watcher, other = bed.client(), bed.client()
    watcher.sendall(encode({"op": "watch"}))
    bed.turn()
    bed.control.tell({"event": "exited"})
    assert lines(watcher, 2) == [{"answer": "watch"}, {"event": "exited"}]
    other.setblocking(False)
    with pytest.raises(BlockingIOError):
        other.recv(1)


def test_the_socket_is_private_and_goes_with_the_monitor(tmp_path: pathlib.Path) -> None:
    bed = Bed(str(tmp_path / "s"))
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    bed.control.close()
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "misbehave",
    [lambda client: client.close(), lambda client: client.sendall(b"x" * (LINE + 1))],
    ids=["hangs up", "never ends its line"],
)
def test_a_client_that_misbehaves_is_dropped(bed: Bed, misbehave: Callable[[socket.socket], None]) -> None:
    bad, good = bed.client(), bed.client()
    misbehave(bad)
    bed.turn()
    bed.turn() if bed.poll.poll(0) else None
    good.sendall(b"nonsense\n" + encode({"op": "state"}))
    bed.turn()
    answers = lines(good, 2)
    assert "not understood" in str(answers[0]["error"])
    assert answers[1] == {"answer": "state"}


def test_a_watcher_that_does_not_read_is_not_waited_for(bed: Bed) -> None:
    watcher = bed.client()
    watcher.sendall(encode({"op": "watch"}))
    bed.turn()
    for _ in range(5000):
        bed.control.tell({"event": "exited", "text": "x" * 200})
    assert bed.client().fileno() > 0
