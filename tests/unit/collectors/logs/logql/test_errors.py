from __future__ import annotations

from collectors.logs.logql.errors import LogQLError


def test_an_error_names_its_place() -> None:
    error = LogQLError("syntax error", 2, 7, "json")
    assert str(error) == "parse error at line 2, col 7: syntax error"
    assert (error.message, error.line, error.column, error.token) == ("syntax error", 2, 7, "json")


def test_an_error_of_evaluation_has_no_place() -> None:
    assert str(LogQLError("maximum of series (500) reached")) == "maximum of series (500) reached"
