"""The two homes of state."""

from __future__ import annotations

import os
import pathlib

import pytest

from agent.homes import Home
from runtime.linux.errors import DeckwatchError


def test_a_second_agent_is_told_who_has_it(tmp_path: pathlib.Path) -> None:
    first = Home(str(tmp_path / "state"), "paths.state")
    with pytest.raises(DeckwatchError, match=rf"another agent \(pid {os.getpid()}\) uses .*paths.state"):
        Home(str(tmp_path / "state"), "paths.state")
    first.close()
    Home(str(tmp_path / "state"), "paths.state").close()


def test_a_state_of_another_format_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 99}')
    tmp_path.chmod(0o700)
    with pytest.raises(DeckwatchError, match="format 99"):
        Home(str(tmp_path), "paths.state")
    assert (tmp_path / "format.json").read_text() == '{"format": 99}'


def test_a_directory_open_to_others_is_refused(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(DeckwatchError, match="chmod go-w"):
        Home(str(tmp_path), "paths.state")


def test_what_cannot_be_made_names_the_key(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeckwatchError, match=r"cannot create .*; set paths.run to a directory of this user"):
        Home(str(tmp_path / "file/below"), "paths.run")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(DeckwatchError, match="belongs to uid 65534"):
        Home(str(tmp_path), "paths.state")
