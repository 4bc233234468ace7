from __future__ import annotations

import pytest

from collectors.logs.logql.line import Line, clean, label_name
from tests.unit.collectors.logs.logql.entries import WEB, entry


def under_way(wanted: frozenset[str] | None = None) -> Line:
    return Line(entry("x", metadata={"pod": "p"}), wanted)


def test_labels_come_from_three_places() -> None:
    line = under_way()
    line.extract("found", "1")
    assert [line.get(name) for name in ("app", "pod", "found", "none")] == ["web", "p", "1", ""]
    assert line.find("none") is None
    assert line.names() == {"app", "stream", "pod", "found"}


def test_a_found_label_never_hides_one_that_the_entry_has() -> None:
    line = under_way()
    line.extract("app", "1")
    line.extract("pod", "2")
    assert line.parsed == {"app_extracted": "1", "pod_extracted": "2"}
    assert line.get("app") == "web"


def test_an_assigned_label_does() -> None:
    line = under_way()
    line.assign("app", "new")
    line.remove("pod")
    assert line.get("app") == "new"
    assert line.labels() == {"stream": "stdout", "app": "new"}
    line.remove("app")
    assert line.find("app") is None
    assert WEB["app"] == "web"


def test_no_line_can_say_that_something_went_wrong() -> None:
    line = under_way()
    line.extract("__error__", "x")
    assert line.get("__error__") == ""
    assert line.parsed == {"__error___extracted": "x"}


def test_only_wanted_labels_are_extracted() -> None:
    line = under_way(frozenset(("a", "app_extracted")))
    for name in ("a", "b", "app"):
        line.extract(name, "1")
    assert line.parsed == {"a": "1", "app_extracted": "1"}


def test_errors_are_labels() -> None:
    line = under_way()
    assert line.find("__error__") is None
    line.fail("JSONParserErr", "no")
    assert line.get("__error__") == "JSONParserErr"
    assert line.get("__error_details__") == "no"
    assert line.find("none") is None
    assert line.labels(("app", "stream", "pod")) == {"__error__": "JSONParserErr", "__error_details__": "no"}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a", "a"),
        ("a.b-c", "a_b_c"),
        ("1a", "_1a"),
        (" a ", "a"),
        ("é", "_"),
        ("", ""),
        (" ", ""),
        ("a٣", "a_"),
    ],
)
def test_names_of_labels(key: str, name: str) -> None:
    assert label_name(key) == name


def test_marks_of_broken_characters_become_spaces() -> None:
    assert clean("a\ufffdb") == "a b"
