"""The client: how it finds the agent, and what it says when it cannot."""

from __future__ import annotations

import pathlib
import socket

import pytest

from agent.cli import client
from tests.unit.agent.cli.conftest import Call, Running


def test_nobody_there_is_one_line_with_a_remedy(call: Call, tmp_path: pathlib.Path) -> None:
    result = call("ps", "--socket", str(tmp_path / "no.sock"))
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        f"deckwatch: no agent at {tmp_path}/no.sock; start one with `deckwatch run`, or name its socket with --socket\n"
    )


def test_a_socket_that_was_left_behind(call: Call, tmp_path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "old.sock"))
    assert "has ended" in call("ps", "--socket", str(tmp_path / "old.sock")).err


def test_somebody_who_speaks_no_http(call: Call, tmp_path: pathlib.Path) -> None:
    import threading

    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "x.sock"))
        one.listen()

        def answer() -> None:
            connection, _ = one.accept()
            connection.recv(1000)
            connection.sendall(b"what?\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        result = call("ps", "--socket", str(tmp_path / "x.sock"))
        thread.join(10)
    assert (result.code, "broke off its answer" in result.err) == (1, True)


def test_the_socket_is_found_by_option_environment_and_configuration(
    call: Call, agent: Running, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"server: {{socket: {agent.socket}}}")
    assert call("ps", "--socket", agent.socket).code == 0
    assert call("ps", "-c", str(file)).code == 0
    monkeypatch.setenv("DECKWATCH_CONFIG", str(file))
    assert call("ps").code == 0
    monkeypatch.setenv("DECKWATCH_SOCKET", str(tmp_path / "other.sock"))
    assert "other.sock" in call("ps").err


def test_without_anything_the_default_path_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr("agent.config.settings.default_file", lambda: str(tmp_path / "absent"))
    monkeypatch.setattr("agent.config.settings.default_run", lambda: str(tmp_path))
    monkeypatch.setattr(client, "SYSTEM_SOCKET", str(tmp_path / "system.sock"))
    assert client.find_socket(None) == str(tmp_path / "deckwatch.sock")
    (tmp_path / "system.sock").touch()
    assert client.find_socket(None) == str(tmp_path / "system.sock")


def test_a_broken_configuration_names_its_first_error(call: Call, tmp_path: pathlib.Path) -> None:
    (tmp_path / "c.yaml").write_text("server: {sock: x}")
    result = call("ps", "-c", str(tmp_path / "c.yaml"))
    assert (result.code, "did you mean socket?" in result.err) == (1, True)


def test_queries_leave_out_what_is_not_given() -> None:
    assert client._query({"a": None, "b": "", "c": ["x", "y"], "d": 0}) == "?c=x&c=y&d=0"
    assert client._query({}) == ""
    assert client.segment("/a b") == "%2Fa%20b"
