"""Whose output lies in the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config.logsettings import Journald
from agent.logs.journal import JournalSources
from collectors.model import Container, LogSource, Role

WEB = Container(id="/docker/ab", name="web", engine="docker", engine_id="ab")
CRON = Container(id="/system.slice/cron.service", name="cron.service", engine="systemd", role=Role.SERVICE)


def sources(
    root: Path, settings: Journald | None = None, program: str = "sh", machine: str = "m"
) -> JournalSources:
    (root / "machine-id").write_text(f"{machine}\n")
    directories = [str(root / "var"), str(root / "run")]
    return JournalSources(
        settings or Journald(), directories=directories, machine_id=str(root / "machine-id"), program=program
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "run" / "m").mkdir(parents=True)
    return tmp_path


def test_a_container_without_a_file_is_looked_for_by_its_id(root: Path) -> None:
    assert sources(root).source(WEB) == LogSource(path="CONTAINER_ID_FULL=ab", format="journald")


def test_another_machines_journal_is_read_where_it_lies(root: Path) -> None:
    found = sources(root, machine="other").source(WEB)
    assert found == LogSource(path=f"{root}/run:CONTAINER_ID_FULL=ab", format="journald")


def test_services_are_read_when_asked_for(root: Path) -> None:
    assert sources(root).source(CRON) is None
    asked = sources(root, Journald(units=("ssh.service", "cr*.service")))
    assert asked.source(CRON) == LogSource(path="_SYSTEMD_UNIT=cron.service", format="journald")


def test_others_have_nothing_there(root: Path) -> None:
    for container in (
        Container(id="/a", name="a", engine="containerd", engine_id="ab"),
        Container(id="/a", name="a", engine="docker"),
        Container(id="/a", name="a", engine="podman", engine_id="ab", role=Role.SANDBOX),
    ):
        assert sources(root, Journald(units=("*",))).source(container) is None


def test_without_a_journal_nothing_is_read_unless_it_is_asked_for(tmp_path: Path) -> None:
    automatic, asked = sources(tmp_path), sources(tmp_path, Journald(enabled=True))
    assert "no journal in" in automatic.why_not
    assert automatic.source(WEB) is None
    assert asked.source(WEB) is not None
    assert "no journal in" in asked.why_not


def test_without_journalctl_nothing_is_read(root: Path) -> None:
    found = sources(root, program="no-such-journalctl")
    assert found.source(WEB) is None
    assert found.why_not == "no-such-journalctl is not installed"


def test_switched_off_nothing_is_read(root: Path) -> None:
    found = sources(root, Journald(enabled=False))
    assert (found.source(WEB), found.why_not) == (None, "")
