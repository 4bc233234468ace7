"""Which tables are gone through, and how."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

import pytest

from collectors.metrics import catalogue
from collectors.metrics.crew import Closed, Crew
from collectors.metrics.rows import Value
from collectors.metrics.sockettables import Signs, SocketTables
from collectors.metrics.survey import Subject
from collectors.model import Network

OWNER = Network.OWNER


class Lines:
    """Counts lines, and that they are whole."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, lines: bytes) -> None:
        assert lines == b"" or lines.endswith(b"\n")
        self.count += lines.count(b"\n")

    def result(self) -> Iterable[tuple[str, int]]:
        return [("", self.count)]

    def settled(self) -> bool:
        return self.count % 2 == 0


@pytest.fixture
def host(v1: Any) -> Any:
    v1.process(1)
    _write(v1, 1, 1)
    return v1


def _write(recorded: Any, pid: int, lines: int, name: str = "tcp") -> None:
    directory = pathlib.Path(recorded.host.proc) / f"{pid}/net"
    (directory / name).write_bytes((b"x" * 149 + b"\n") * lines)


def _tables(recorded: Any, crew: Crew | None = None, signs: Signs | None = None) -> SocketTables:
    longest = 1 << 22
    files = ("net/tcp", "net/tcp6")
    return SocketTables(recorded.host.proc, files, catalogue.TCP, Lines, crew or Crew("test"), signs, longest)


def _looked(tables: SocketTables, *subjects: Subject) -> dict[str, Value]:
    tables.begin(subjects)
    found = {subject.id: tables.look(subject) for subject in subjects}
    return {id: values[0] for id, values in found.items() if values is not None}


def test_each_namespace_is_told_once_by_its_owner_and_the_hosts_by_the_root(host: Any) -> None:
    shared = host.process(10, start=100)
    host.process(11, shared, 200)
    host.process(12, pathlib.Path(host.host.proc) / "1/net/dev")
    host.process(13, start=300)
    for pid, lines in ((10, 2), (11, 2), (12, 1), (13, 3)):
        _write(host, pid, lines)
    subjects = (
        Subject("/", 0, 0),
        Subject("/younger", 11, 200, OWNER),
        Subject("/elder", 10, 100, OWNER),
        Subject("/on-the-host", 12, 0, OWNER),
        Subject("/follower", 13, 300, Network.FOLLOWER),
        Subject("/alone", 13, 300, OWNER),
        Subject("/ended", 10, 99, OWNER),
        Subject("/unknown", 0, 0, OWNER),
    )
    told = _looked(_tables(host), *subjects)
    assert told == {"/": (("", 1),), "/elder": (("", 2),), "/alone": (("", 3),)}


def test_a_table_that_is_not_there_has_no_series(host: Any) -> None:
    tables = _tables(host)
    root = Subject("/", 0, 0)
    tables.begin([root])
    assert tables.look(root) == [(("", 1),), None]
    _write(host, 1, 4, "tcp6")
    assert tables.look(root) == [(("", 1),), (("", 4),)]


def test_long_tables_are_read_in_pieces_up_to_a_limit(host: Any) -> None:
    tables = _tables(host)
    root = Subject("/", 0, 0)
    _write(host, 1, 20_000)
    assert _looked(tables, root) == {"/": (("", 20_000),)}
    assert tables.trouble() == ""
    _write(host, 1, 30_000)
    assert _looked(tables, root) == {"/": None}
    assert tables.trouble().endswith("/1/net/tcp is longer than 4 MiB, so its sockets are not counted")
    _write(host, 1, 5)
    assert _looked(tables, root) == {"/": (("", 5),)}
    assert tables.trouble() == ""


def test_reading_a_long_table_ends_when_the_survey_does(host: Any) -> None:
    crew = Crew("test")
    tables = _tables(host, crew)
    _write(host, 1, 20_000)
    crew.close()
    with pytest.raises(Closed):
        _looked(tables, Subject("/", 0, 0))


def test_a_settled_table_is_read_again_when_a_sign_changes(host: Any) -> None:
    sign = [0]
    tables = _tables(host, signs=lambda pid: sign[0])
    root = Subject("/", 0, 0)
    for lines, number, told in ((2, 0, 2), (3, 0, 2), (3, 1, 3), (4, 1, 4), (5, 1, 4)):
        _write(host, 1, lines)
        sign[0] = number
        assert _looked(tables, root) == {"/": (("", told),)}
