"""Flat keyed files."""

from __future__ import annotations

import pytest

from collectors.cgroups.keyed import Keyed


def test_values_come_in_the_order_asked_for() -> None:
    keyed = Keyed((b"b", b"missing", b"a"))
    assert keyed.values(b"a 1\nb 2\nc 3\n") == [2, None, 1]
    assert keyed.values(b"a 10\nb 20\nc 30\n") == [20, None, 10]


def test_a_changed_layout_is_learnt_anew() -> None:
    keyed = Keyed((b"a", b"b"))
    assert keyed.values(b"a 1\nb 2\n") == [1, 2]
    assert keyed.values(b"x 9\na 1\nb 2\n") == [1, 2]
    assert keyed.values(b"b 3\n") == [None, 3]
    assert keyed.values(b"b 3\na 4\n") == [4, 3]
    assert keyed.values(b"c 3\nd 4\n") == [None, None]
    assert keyed.values(b"a 1\nb 2\n") == [1, 2]


def test_a_value_that_looks_like_a_key_is_none() -> None:
    assert Keyed((b"5",)).values(b"a 5\nb 6\n") == [None]


def test_nothing_found_in_an_empty_file() -> None:
    assert Keyed((b"a",)).values(b"") == [None]


def test_a_value_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Keyed((b"a",)).values(b"a many\n")


def test_a_line_cut_short_is_an_error_not_a_wrong_number() -> None:
    with pytest.raises((ValueError, IndexError)):
        Keyed((b"a", b"b")).values(b"a 1\nb\n")
