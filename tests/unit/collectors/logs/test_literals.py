from __future__ import annotations

import random
import re

import pytest

from collectors.logs.literals import required


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("error", ["error"]),
        ("^error$", ["error"]),
        (r"a\.b", ["a.b"]),
        ("user=.*failed", ["user=", "failed"]),
        ("colou?r", ["colo", "r"]),
        ("ab*c", ["a", "c"]),
        ("ab+c", ["ab", "c"]),
        ("ab{0,2}c", ["a", "c"]),
        ("x[abc]y", ["x", "y"]),
        ("x[]a]y", ["x", "y"]),
        ("x[^]|]y", ["x", "y"]),
        (r"x[\]|]y", ["x", "y"]),
        ("x[[:alpha:]|]y", ["x", "y"]),
        ("(a|b)c", ["c"]),
        ("(ab)+c", ["c"]),
        ("(ab)?c", ["c"]),
        (r"a\d\w\tb", ["a", "b"]),
        (r"a\x41b", ["a", "b"]),
        (r"a\x{1F600}b", ["a", "b"]),
        (r"a\p{Greek}b", ["a", "b"]),
        (r"a\pLb", ["a", "b"]),
        ("a|b", []),
        ("(?i)error", []),
        ("a(?i:b)c", []),
        (r"\Qa.b\E", []),
        (r"a\|b", ["a|b"]),
        ("", []),
        (".*", []),
    ],
)
def test_what_every_match_holds(pattern: str, texts: list[str]) -> None:
    assert required(pattern) == texts


@pytest.mark.parametrize("seed", range(300))
def test_no_text_is_demanded_that_a_match_lacks(seed: int) -> None:
    chance = random.Random(seed)
    atoms = [
        "a",
        "b",
        "c",
        ".",
        "[ab]",
        "[^a]",
        "(a|bc)",
        "(ab)",
        r"\.",
        r"\w",
        "a?",
        "b*",
        "c+",
        "a{1,2}",
        "(a)?",
        "|",
    ]
    pattern = "".join(chance.choice(atoms) for _ in range(chance.randrange(1, 6)))
    matcher = re.compile(pattern)
    texts = required(pattern)
    for _ in range(300):
        message = "".join(chance.choice("abc.") for _ in range(chance.randrange(8)))
        if matcher.search(message):
            assert all(text in message for text in texts), (pattern, texts, message)
