"""Redaction of many messages at once."""

from __future__ import annotations

import json

import pytest

from collectors.logs.redact import BadPattern, check, redactor
from collectors.logs.redact.redactor import Redactor
from collectors.logs.rule import Redaction

URL = b"amqp://a:secret@b"
HIDDEN = b"amqp://a:[redacted:url_password]@b"


def test_clean_messages_come_back_as_they_are() -> None:
    messages = [b"a", b"", b"b"]
    assert Redactor(Redaction()).redact_many(messages) is messages
    assert Redactor(None).redact_many([URL]) == [URL]


def test_only_the_messages_with_a_secret_change() -> None:
    some = Redactor(Redaction())
    for position in range(5):
        messages = [b"plain"] * 5
        messages[position] = URL
        expected = list(messages)
        expected[position] = HIDDEN
        assert some.redact_many(messages) == expected
    assert some.redact_many([URL, b"", URL, URL]) == [HIDDEN, b"", HIDDEN, HIDDEN]
    assert some.hits == {"url_password": 8}


def test_secrets_at_the_border_of_two_messages_are_found() -> None:
    some = Redactor(Redaction())
    card = b"4111111111111111"
    assert some.redact_many([card, card, b"x", card]) == [
        b"[redacted:card]",
        b"[redacted:card]",
        b"x",
        b"[redacted:card]",
    ]


def test_many_secrets_in_one_message_are_all_found() -> None:
    card = b"4111 1111 1111 1111"
    redacted = Redactor(Redaction()).redact(b" ".join([card] * 50))
    assert redacted == b" ".join([b"[redacted:card]"] * 50)


def test_more_secrets_than_any_line_has_take_the_rest_along() -> None:
    redacted = Redactor(Redaction()).redact(b" ".join([URL] * 5000))
    assert redacted is not None
    assert b"secret" not in redacted


def test_json_stays_json() -> None:
    document = b'{"a":[4111111111111111, 2],"card": 4111111111111111,"b":"4111111111111111"}'
    redacted = Redactor(Redaction()).redact(document)
    assert redacted is not None
    assert json.loads(redacted) == {
        "a": ["[redacted:card]", 2],
        "card": "[redacted:card]",
        "b": "[redacted:card]",
    }


@pytest.mark.parametrize(
    "document",
    [
        b'{"msg":"cards: 4111111111111111, and more"}',
        b'{"msg":"a \\"b\\": 4111111111111111, c"}',
        b"[ 4111111111111111 ]",
        b'  {"pan":4111111111111111}',
        b'{"msg":"-----BEGIN PRIVATE KEY-----\\nMIIE\\" cut"}',
        b'{"h":{"Authorization":["Basic YWRtaW46YWRtaW4="]}}',
        b'{"dsn":"postgres:\\/\\/app:hunter2@db"}',
    ],
)
def test_a_replacement_in_a_document_stands_in_a_string(document: bytes) -> None:
    redacted = Redactor(Redaction()).redact(document)
    assert redacted is not None
    assert b"[redacted:" in redacted
    json.loads(document)
    json.loads(redacted)


def test_a_number_of_which_an_own_pattern_finds_a_part_goes_as_a_whole() -> None:
    own = Redactor(Redaction(defaults=False, patterns=(("part", "234"),)))
    assert own.redact(b'{"a":12345.5,"b":[true,1]}') == b'{"a":"[redacted:part]","b":[true,1]}'
    assert own.redact(b"[main] 12345") == b"[main] 1[redacted:part]5"


def test_redacting_twice_changes_nothing_more() -> None:
    own = Redactor(Redaction(patterns=(("pin", "pin=(.{4})"), ("word", "[a-z]+"), ("value", r"key=(\S+)"))))
    for message in (b"pin=1234 key=abc", URL, b"red card of the pin"):
        once = own.redact(message)
        assert once is not None
        assert own.redact(once) == once


def test_innocent_candidates_are_no_secrets_however_many() -> None:
    message = b" ".join([b"4111111111111112"] * 5000)
    assert Redactor(Redaction()).redact(message) is message


@pytest.mark.parametrize(
    ("pattern", "secret"),
    [
        (r"^pin \d+$", b"pin 12"),
        (r"\Apin (\d+)\z", b"pin 12"),
        (r"(?-m:^pin) (\d+)$", b"pin 12"),
        (r"(?i)PIN\s*(\d+)", b"x pin 12 y"),
        (r"\bpin\b[^x]*", b"pin 12"),
        (r"\s", b"pin 12"),
        (r"\d*$", b"12"),
    ],
)
def test_own_patterns_mean_the_same_in_many_messages_as_in_one(pattern: str, secret: bytes) -> None:
    own = Redactor(Redaction(defaults=False, patterns=(("own", pattern),)))
    alone = own.redact(secret)
    assert alone is not None
    assert b"[redacted:own]" in alone
    other = own.redact(b"other")
    assert own.redact_many([secret, b"", b"other", secret, secret]) == [alone, b"", other, alone, alone]
    assert own.redact_many([]) == []


def test_own_patterns_black_out_their_group_or_all() -> None:
    own = Redactor(Redaction(defaults=False, patterns=(("pin", "pin=([0-9]+)"), ("name", "Bob|Alice"))))
    assert own.redact(b"Bob: pin=1234, Alice: pin=99") == (
        b"[redacted:name]: pin=[redacted:pin], [redacted:name]: pin=[redacted:pin]"
    )
    assert own.redact(URL) == URL


def test_a_pattern_that_matches_nothing_changes_nothing() -> None:
    own = Redactor(Redaction(defaults=False, patterns=(("none", "x*"),)))
    assert own.redact(b"abc" * 1000) == b"abc" * 1000
    assert own.redact(b"abxxc") == b"ab[redacted:none]c"


def test_a_bad_pattern_is_told_by_name() -> None:
    with pytest.raises(BadPattern, match=r"redaction pin: .*RE2"):
        redactor(Redaction(patterns=(("pin", "("),)))


def test_what_is_wrong_with_own_patterns_is_told_at_once() -> None:
    assert check(Redaction(patterns=(("pin", "pin=(1)"),))) == []
    first, second, third = check(Redaction(patterns=(("pin", "("), ("good", "a"), ("bad name", "["))))
    assert "pin" in first
    assert "'bad name'" in second
    assert "bad name" in third


def test_a_name_cannot_break_a_document() -> None:
    own = Redactor(Redaction(defaults=False, patterns=(('a"b', "x"),)))
    assert own.redact(b'{"k":"x"}') == b'{"k":"[redacted:a_b]"}'


class _Broken(Redactor):
    def _applied(self, one: object, message: bytes) -> bytes:
        raise MemoryError


def test_a_message_on_which_redaction_fails_passes_unless_it_is_withheld() -> None:
    assert _Broken(Redaction()).redact(URL) == URL
    assert _Broken(Redaction(fail_closed=True)).redact(URL) is None
    assert _Broken(Redaction(fail_closed=True)).redact_many([b"a", URL]) == [b"a", None]


def test_the_same_redaction_has_one_redactor() -> None:
    assert redactor(Redaction()) is redactor(Redaction())
