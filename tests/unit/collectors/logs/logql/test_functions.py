from __future__ import annotations

import math
import pathlib
import random
import re

import pytest

from collectors.logs.logql.functions import FUNCTIONS
from collectors.logs.logql.values import MAX_TEXT, Value, text_of


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("ToUpper", ["aé"], "AÉ"),
        ("lower", ["A"], "a"),
        ("trim", [" a "], "a"),
        ("Trim", ["xax", "x"], "a"),
        ("trimAll", ["x", "xax"], "a"),
        ("TrimLeft", ["xax", "x"], "ax"),
        ("TrimRight", ["xax", "x"], "xa"),
        ("TrimPrefix", ["xax", "x"], "ax"),
        ("trimSuffix", ["x", "xax"], "xa"),
        ("Replace", ["aaa", "a", "b", 2], "bba"),
        ("replace", ["a", "b", "aaa"], "bbb"),
        ("regexReplaceAll", ["a(.)", "abac", "$1"], "bc"),
        ("regexReplaceAllLiteral", ["a(.)", "ab", "$1"], "$1"),
        ("count", ["a", "banana"], 3),
        ("trunc", [2, "abc"], "ab"),
        ("trunc", [-2, "abc"], "bc"),
        ("trunc", [9, "abc"], "abc"),
        ("substr", [1, 2, "abc"], "b"),
        ("substr", [1, -1, "abc"], "bc"),
        ("repeat", [2, "ab"], "abab"),
        ("repeat", [-1, "ab"], ""),
        ("alignLeft", [3, "a"], "a  "),
        ("alignLeft", [1, "ab"], "a"),
        ("alignRight", [3, "a"], "  a"),
        ("alignRight", [1, "ab"], "b"),
        ("contains", ["b", "abc"], True),
        ("hasPrefix", ["b", "abc"], False),
        ("hasSuffix", ["c", "abc"], True),
        ("urlencode", ["a b&"], "a+b%26"),
        ("urldecode", ["a+b%26"], "a b&"),
        ("b64enc", ["a"], "YQ=="),
        ("b64dec", ["YQ"], "a"),
        ("default", ["-", ""], "-"),
        ("default", ["-", "a"], "a"),
        ("printf", ["%s-%5.2f-%03d-%q-%%", "a", 1.5, 7, 'b"'], 'a- 1.50-007-"b\\""-%'),
        ("printf", ["%-4s|%4s|%v", "a", "b", 1.0], "a   |   b|1"),
        ("printf", ["%d %s", "x"], "%!d(string=x) %!s(MISSING)"),
        ("printf", ["%x", "a"], "61"),
        ("bytes", ["1KB"], 1000.0),
        ("duration", ["1.5s"], 1.5),
        ("int", ["12"], 12),
        ("int", ["x"], 0),
        ("float64", ["1.5"], 1.5),
        ("add", [1, "2", 3], 6),
        ("add", [(1 << 63) - 1, 1], -(1 << 63)),
        ("sub", [1, 2], -1),
        ("mul", [2, 3, 4], 24),
        ("div", [-7, 2], -3),
        ("mod", [-7, 2], -1),
        ("addf", [1.5, 1], 2.5),
        ("divf", [1, 4], 0.25),
        ("max", [1, 3, 2], 3),
        ("min", [1, 3, 2], 1),
        ("ceil", [1.2], 2.0),
        ("floor", ["1.8"], 1.0),
        ("round", [1.256, 2], 1.26),
        ("eq", ["a", "a"], True),
        ("ne", ["a", "a"], False),
        ("trunc", [0, "abc"], ""),
        ("substr", [0, 0, "abc"], ""),
        ("gt", ["10", 9], True),
        ("not", [""], True),
        ("and", ["a", "", "b"], ""),
        ("or", ["", "b"], "b"),
        ("len", ["é"], 2),
        ("unixEpoch", [1_500_000_000], "1"),
        ("unixEpochMillis", [1_500_000_000], "1500"),
        ("unixEpochNanos", [1_500_000_000], "1500000000"),
    ],
)
def test_functions(name: str, arguments: list[Value], result: Value) -> None:
    function = FUNCTIONS[name]
    assert function.takes(len(arguments))
    found = function(*arguments)
    assert (type(found), found) == (type(result), result)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("trunc", ["2", "abc"]),
        ("ToUpper", [1]),
        ("div", [1, 0]),
        ("mod", [1, 0]),
        ("bytes", ["x"]),
        ("duration", ["x"]),
        ("regexReplaceAll", ["(", "a", "b"]),
        ("repeat", [MAX_TEXT, "ab"]),
        ("alignLeft", [1 << 60, "a"]),
        ("replace", ["a", "b" * 1000, "a" * 1000]),
        ("regexReplaceAll", ["a", "a" * 100_000, "b" * 1000]),
        ("printf", ["%99999999s", "a"]),
        ("printf", ["%.99999999f", 1.5]),
        ("printf", ["%c", 1]),
    ],
)
def test_what_a_function_cannot_work_with(name: str, arguments: list[Value]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        FUNCTIONS[name](*arguments)


@pytest.mark.parametrize(
    ("name", "counts", "wrong"), [("trunc", [2], [0, 1, 3]), ("add", [1, 2, 5], [0]), ("printf", [1, 4], [0])]
)
def test_numbers_of_arguments(name: str, counts: list[int], wrong: list[int]) -> None:
    assert all(FUNCTIONS[name].takes(count) for count in counts)
    assert not any(FUNCTIONS[name].takes(count) for count in wrong)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_works_or_says_why_not(name: str) -> None:
    chance = random.Random(name)
    values: list[Value] = [
        "",
        "a",
        "5",
        "1.5s",
        "1KB",
        "(",
        "%s%d%q",
        "é" * 50,
        0,
        1,
        -1,
        10**17,
        1.5,
        -0.0,
        math.inf,
        math.nan,
        1e300,
        True,
        False,
    ]
    for _ in range(300):
        arguments = chance.choices(values, k=chance.randrange(5))
        if FUNCTIONS[name].takes(len(arguments)):
            try:
                assert isinstance(text_of(FUNCTIONS[name](*arguments)), str)
            except ValueError as error:
                assert str(error)


def test_the_documentation_names_each() -> None:
    text = (pathlib.Path(__file__).parents[5] / "docs/logql.md").read_text()
    section = text[text.index("### Templates") : text.index("## Metric queries")]
    told = {name for row in re.findall(r"^\| \w+ \| `([^`]*)`", section, re.M) for name in row.split()}
    assert told == set(FUNCTIONS)
