"""The path of a journal's LogSource."""

from __future__ import annotations

import pytest

from collectors.logs.formats import Unreadable
from collectors.logs.journal.match import Match, match_of
from collectors.model import LogSource


@pytest.mark.parametrize(
    "match",
    [
        Match("", "CONTAINER_ID_FULL", "ab12"),
        Match("/var/log/journal", "_SYSTEMD_UNIT", "getty@tty1.service"),
        Match("/a:b=c/journal", "_SYSTEMD_UNIT", "dev-disk\\x2duuid.service"),
    ],
)
def test_a_source_tells_its_match(match: Match) -> None:
    assert match_of(match.source) == match


@pytest.mark.parametrize(
    "path", ["", "/a.log", "_SYSTEMD_UNIT=", "MESSAGE=a", "CONTAINER_ID_FULL=a b", "x:_SYSTEMD_UNIT=a"]
)
def test_what_names_no_entries_is_refused(path: str) -> None:
    with pytest.raises(Unreadable):
        match_of(LogSource(path=path, format="journald"))
