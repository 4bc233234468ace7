"""Every key of the configuration and its default."""

from __future__ import annotations

import pytest

from agent.config import settings


def test_an_ordinary_user_has_directories_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    monkeypatch.setenv("HOME", "/home/u")
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    paths = settings.Config().paths
    assert paths.state == "/home/u/.local/state/deckwatch"
    assert paths.run == "/tmp/deckwatch-1234"
    assert settings.default_file() == "/home/u/.config/deckwatch/deckwatch.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")
    assert settings.default_state() == "/s/deckwatch"
    assert settings.default_run() == "/r/deckwatch"


def test_root_has_the_system_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert (settings.default_state(), settings.default_run()) == ("/var/lib/deckwatch", "/run/deckwatch")
    assert settings.default_file() == "/etc/deckwatch/deckwatch.yaml"


def test_the_node_is_named_by_the_environment_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_NAME", "worker-7")
    assert settings.Config().node == "worker-7"
