"""Following through restarts of the agent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.cli.client import ClientError, Unreachable
from agent.cli.follow import follow


class Script:
    """A client whose streams are scripted: a list of events, or an error."""

    def __init__(self, *turns: Any) -> None:
        self.turns = list(turns)
        self.asked: list[tuple[Any, str]] = []

    def stream(self, path: str, parameters: Any, last_id: str = "") -> Iterator[tuple[str, str, bytes]]:
        self.asked.append((parameters, last_id))
        turn = self.turns.pop(0) if self.turns else KeyboardInterrupt()
        if isinstance(turn, BaseException):
            raise turn
        yield from turn


def run(script: Script) -> tuple[list[bytes], list[float]]:
    found: list[bytes] = []
    pauses: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        for _, data in follow(script, "/x", {"tail": 5}, {"a": 1}, pauses.append):  # type: ignore[arg-type]
            found.append(data)
    return found, pauses


def test_it_goes_on_behind_the_last_id(capsys: pytest.CaptureFixture[str]) -> None:
    script = Script(
        [("1", "", b"a"), ("2", "", b"b")], Unreachable("gone"), Unreachable("gone"), [("3", "", b"c")]
    )
    found, pauses = run(script)
    assert found == [b"a", b"b", b"c"]
    assert script.asked[0] == ({"tail": 5}, "")
    assert script.asked[1:4] == [({"a": 1}, "2")] * 3
    assert pauses[:3] == [0.5, 1.0, 2.0]
    assert capsys.readouterr().err.count("waiting for it") == 2


def test_the_first_connection_must_succeed() -> None:
    for error in (Unreachable("none"), ClientError("no", 404)):
        with pytest.raises(ClientError, match=str(error)):
            list(follow(Script(error), "/x", {}, {}, lambda seconds: None))  # type: ignore[arg-type]


def test_a_refusal_later_ends_it_unless_there_is_no_room() -> None:
    script = Script(
        [("1", "", b"a")], ClientError("no room", 503), [("2", "", b"b")], ClientError("bad", 400)
    )
    with pytest.raises(ClientError, match="bad"):
        list(follow(script, "/x", {}, {}, lambda seconds: None))  # type: ignore[arg-type]
