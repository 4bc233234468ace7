from __future__ import annotations

import pytest

from collectors.logs.parsers.regex import BadPattern, regex_parser

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_groups_are_fields_and_the_known_names_mean_what_they_say() -> None:
    parser = regex_parser(
        r"^(?P<time>\S+) (?P<severity>\w+) (?P<n>\d+) (?P<code>\w+) (?P<message>.*) t=(?P<trace_id>\w+) s=(?P<span_id>\w+)$"
    )
    text = f"2026-11-24T02:16:17Z Warning 12 0012 it's 7 t={TRACE.upper()} s=00f067aa0ba902b7"
    found = parser.understand(text.encode())
    assert found.message == text
    assert found.level == "warn"
    assert found.time == 1795486577000000000
    assert (found.trace_id, found.span_id) == (TRACE, "00f067aa0ba902b7")
    assert found.fields["n"] == 12
    assert found.fields["code"] == "0012"
    assert found.fields["message"] == "it's 7"
    assert found.error == ""


def test_ids_of_digits_alone_stay_text() -> None:
    found = regex_parser(r"t=(?P<trace_id>\d+) (?P<message>.*)").understand(b"t=1234567890123456 12")
    assert found.trace_id == "1234567890123456"
    assert found.fields["message"] == "12"


def test_a_group_that_took_no_part_is_absent_and_an_empty_one_is_empty() -> None:
    parser = regex_parser(r"a(?P<x>b)?(?P<y>c*)")
    assert parser.understand(b"a").fields == {"y": ""}


def test_the_level_of_the_text_counts_when_no_group_tells_one() -> None:
    assert regex_parser(r"n=(?P<n>\d+)").understand(b"ERROR n=5").level == "error"


def test_what_does_not_match_stays_whole_with_the_parsers_name() -> None:
    found = regex_parser(r"^x(?P<y>.)").understand(b"WARN no\xff")
    assert found.error == "invalid UTF-8; regex: not a line of this form"
    assert (found.message, found.level, found.fields) == ("WARN no\ufffd", "warn", {})


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?P<a>", "RE2"),
        ("(?P<a>x)(?=y)", "RE2"),
        ("(?P<a>x){5000}", "RE2"),
        ("(x)", "names no field"),
        ("", "names no field"),
        ("(?P<a>x)" + "y" * 5000, "shorten it"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_reason(pattern: str, words: str) -> None:
    with pytest.raises(BadPattern, match=words):
        regex_parser(pattern)


def test_a_pattern_that_would_hang_other_engines_answers() -> None:
    found = regex_parser(r"^(?P<a>(a+)+)$").understand(b"a" * 100_000 + b"!")
    assert found.error.startswith("regex:")
