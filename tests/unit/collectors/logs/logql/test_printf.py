from __future__ import annotations

import pytest

from collectors.logs.logql.printf import printed
from collectors.logs.logql.values import Value


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("%s-%v-%%", ["a", True], "a-true-%"),
        ("%5.2f|%-6.1f|%e|%g", [1.5, 2.25, 1500.0, 0.5], " 1.50|2.2   |1.500000e+03|0.5"),
        ("%03d|%-3d|%+d|%x", [7, 7, 7, 255], "007|7  |+7|ff"),
        ("%-4s|%4s|%.2s", ["a", "b", "xyz"], "a   |   b|xy"),
        ("%q|%x|%t", ['a"', "a", True], '"a\\""|61|true'),
        ("%d|%f", ["x", 1], "%!d(string=x)|%!f(int=1)"),
        ("%s|%s", ["a"], "a|%!s(MISSING)"),
        ("100%", [], "100%"),
    ],
)
def test_forms(form: str, values: list[Value], text: str) -> None:
    assert printed(form, *values) == text


@pytest.mark.parametrize("form", ["%c", "%99999s", "%.99999f", "%U"])
def test_forms_that_are_not_understood(form: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        printed(form, "a")


def test_a_text_is_bounded() -> None:
    with pytest.raises(ValueError, match="longer than"):
        printed("%s%s", "x" * 200_000, "x" * 200_000)
