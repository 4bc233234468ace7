"""Files or the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.logs.formats import Unreadable
from collectors.logs.journal.choice import Tails, in_journal, log_kind
from collectors.logs.journal.log import JournalLog
from collectors.logs.journal.tail import JournalTail
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.scan import Log
from collectors.logs.start import Start
from collectors.logs.tail import Tail
from collectors.model import LogSource
from tests.eventually import eventually
from tests.unit.collectors.logs.journal.journals import Journal, needs_journal

FILE = LogTarget(id="/f", source=LogSource(path="/f.log", format="cri"), container={})
START = Start.of("beginning", 0)


def test_the_format_chooses(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j").target()
    assert (in_journal(FILE), in_journal(journal)) == (False, True)
    assert (log_kind(FILE), log_kind(journal)) == (Log, JournalLog)
    tails = Tails(str(tmp_path))
    made = [tails.tail(target, Progress(), START) for target in (FILE, journal)]
    assert [type(tail) for tail in made] == [Tail, JournalTail]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    target = LogTarget(id="/x", source=LogSource(path="/x", format="x"), container={})
    with pytest.raises(Unreadable):
        Tails(str(tmp_path)).tail(target, Progress(), START)


@needs_journal
def test_one_that_ships_counts_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.print(b"one")
    tail = Tails(str(tmp_path)).tail(journal.target(), Progress(), START, counting=False)
    seen: list[object] = []
    tail.listener = seen.extend
    eventually(lambda: tail.step() or seen, "an entry")
    assert tail.counters.lines == {"stdout": 0, "stderr": 0}
    tail.close()
