from __future__ import annotations

from collectors.logs.logql.ast import LogQuery
from collectors.logs.logql.line import Entry
from collectors.logs.logql.logs import LogLine, evaluate
from collectors.logs.logql.parser import parse
from tests.unit.collectors.logs.logql.entries import DB, WEB, entry


def asked(query: str, *entries: Entry) -> list[LogLine]:
    parsed = parse(query)
    assert isinstance(parsed, LogQuery)
    return list(evaluate(parsed, entries))


def test_a_query_gives_lines_with_their_labels_by_origin() -> None:
    first = entry('{"level":"error","m":"x"}', at=1, metadata={"pod": "p"})
    found = asked(
        '{app="web"} |= "x" | json | level="error"', first, entry("no", at=2), entry("x", labels=DB)
    )
    assert found == [LogLine(1_000_000_000, WEB, {"pod": "p"}, {"level": "error", "m": "x"}, first.line)]
    assert found[0].stream() == {**WEB, "pod": "p", "level": "error", "m": "x"}


def test_what_was_taken_away_is_gone_and_the_entry_is_not_changed() -> None:
    one = entry("x", metadata={"pod": "p"})
    (found,) = asked('{app="web"} | drop stream, pod | label_format app="new"', one)
    assert (found.labels, found.metadata, found.parsed) == ({}, {}, {"app": "new"})
    assert (one.labels, one.metadata) == ({"app": "web", "stream": "stdout"}, {"pod": "p"})


def test_what_went_wrong_is_told() -> None:
    (found,) = asked('{app="web"} | json', entry("text"))
    assert found.parsed["__error__"] == "JSONParserErr"
    assert found.parsed["__error_details__"]
    assert not asked('{app="web"} | json | __error__=""', entry("text"))


def test_nothing_is_held_back() -> None:
    def endless() -> object:
        while True:
            yield entry("x")

    query = parse('{app="web"}')
    assert isinstance(query, LogQuery)
    assert next(evaluate(query, endless())).line == "x"  # type: ignore[arg-type]
