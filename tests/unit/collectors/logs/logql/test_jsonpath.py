from __future__ import annotations

import pytest

from collectors.logs.logql.jsonpath import ABSENT, path, value_at


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("a.b-c", ("a", "b-c")),
        ("a[0].b", ("a", 0, "b")),
        ('["a b"].c', ("a b", "c")),
        ("[1][2]", (1, 2)),
        (r'a["q\"x"]', ("a", 'q"x')),
    ],
)
def test_paths(text: str, steps: tuple[str | int, ...]) -> None:
    assert path(text) == steps


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a[-1]", "a[b]", "1a", "a b"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="cannot parse"):
        path(text)


def test_values() -> None:
    document = {"a": [{"b": None}, 5]}
    assert value_at(document, ("a", 1)) == 5
    assert value_at(document, ("a", 0, "b")) is None
    for steps in (("x",), ("a", 2), ("a", "b"), ("a", 1, 0)):
        assert value_at(document, steps) is ABSENT
