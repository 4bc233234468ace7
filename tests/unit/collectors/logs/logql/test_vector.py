from __future__ import annotations

from collectors.logs.logql.vector import labels_of, only, shown, size_of, too_many, without


def test_labels() -> None:
    labels = labels_of({"b": "2", "a": "1", "empty": ""})
    assert labels == {("a", "1"), ("b", "2")}
    assert only(labels, ("a", "c")) == {("a", "1")}
    assert without(labels, ("a", "c")) == {("b", "2")}
    assert size_of(labels) == 4
    assert shown(labels) == '{a="1", b="2"}'


def test_too_many_says_how_many() -> None:
    assert "maximum of series (500) reached" in str(too_many(500))
