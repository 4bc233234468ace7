"""What is blacked out by default, and what is left alone."""

from __future__ import annotations

import json
import random
import string
import uuid

import pytest

from collectors.logs.redact import redactor
from collectors.logs.redact.cards import luhn
from collectors.logs.redact.rules import RULES
from collectors.logs.rule import Redaction

DEFAULT = redactor(Redaction())
JWT = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
AWS_SECRET = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PEM = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aumx3O\nabc=\n-----END RSA PRIVATE KEY-----"

SECRETS: list[tuple[str, bytes, bytes]] = [
    ("jwt", b"token " + JWT + b" ok", JWT),
    ("authorization", b"Authorization: Basic dXNlcjpwYXNzd29yZDE=", b"dXNlcjpwYXNzd29yZDE="),
    ("authorization", b'{"headers":{"authorization":"Bearer abc123def456"}}', b"abc123def456"),
    ("authorization", b'{"log":"{\\"Authorization\\":\\"token 0123456789abcdef\\"}"}', b"0123456789abcdef"),
    ("bearer", b"curl -H bearer sk1234567890abcdefghij", b"sk1234567890abcdefghij"),
    ("aws_key", b"key AKIAIOSFODNN7EXAMPLE used", b"AKIAIOSFODNN7EXAMPLE"),
    ("aws_secret", b"AWS_SECRET_ACCESS_KEY=" + AWS_SECRET, AWS_SECRET),
    ("aws_secret", b'{"aws_secret_access_key": "' + AWS_SECRET + b'"}', AWS_SECRET),
    ("gcp_key", b"AIza" + b"SyA1234567890abcdefghijklmnopqrstuv", b"AIzaSyA1234567890abcdefghijklmnopqrstuv"),
    ("azure_key", b"AccountName=a;AccountKey=" + b"A" * 85 + b"b==;x", b"A" * 85 + b"b=="),
    ("github_token", b"ghp_" + b"a1B2" * 9, b"ghp_" + b"a1B2" * 9),
    ("gitlab_token", b"glpat-" + b"x" * 20, b"glpat-" + b"x" * 20),
    ("slack_token", b"xoxb-1234567890-abcdef", b"xoxb-1234567890-abcdef"),
    ("stripe_key", b"sk_live_" + b"4" * 24, b"sk_live_" + b"4" * 24),
    ("url_password", b"connect postgres://app:s3cr3t@db:5432/x", b"s3cr3t"),
    ("url_password", b'{"dsn":"amqp://:s3cr3t@mq/"}', b"s3cr3t"),
    ("private_key", PEM, b"MIIEpAIBAAKCAQEA1c7"),
    ("private_key", b'{"private_key":"-----BEGIN PRIVATE KEY-----\\nMIIEpAIB\\nAA==\\n-----END PRIVATE KEY-----\\n"}', b"MIIEpAIB"),
    ("card", b"card 4111 1111 1111 1111 declined", b"4111 1111 1111 1111"),
    ("card", b"card=5555-5555-5555-4444;", b"5555-5555-5555-4444"),
    ("card", b'{"pan":"378282246310005"}', b"378282246310005"),
    ("card", b'{"msg":"paid with:\\n4111111111111111"}', b"4111111111111111"),
    ("card", b'{"account":"4111111111111111"}', b"4111111111111111"),
    ("card", b"paid: 4111111111111111", b"4111111111111111"),
    ("card", b"\xff4111111111111111", b"4111111111111111"),
    ("authorization", b"Authorization: Basic QWxhZGRpbjpPcGVu", b"QWxhZGRpbjpPcGVu"),
    ("authorization", b"Authorization:[Basic YWRtaW46YWRtaW4=]", b"YWRtaW46YWRtaW4="),
    ("authorization", b"authorization=0123456789abcdef0123", b"0123456789abcdef0123"),
    ("aws_secret", b'{"SecretAccessKey":"' + AWS_SECRET + b'"}', AWS_SECRET),
    ("aws_key", b'{"env":"a=1\\nAKIAIOSFODNN7EXAMPLE"}', b"AKIAIOSFODNN7EXAMPLE"),
    ("github_token", b'{"out":"token:\\tghp_' + b"a1B2" * 9 + b'"}', b"ghp_" + b"a1B2" * 9),
    ("gitlab_token", b"glpat-" + b"x" * 20 + b".01.0abc", b".01.0abc"),
    ("slack_token", b"xapp-1-A0123456789-abcdef", b"xapp-1-A0123456789-abcdef"),
    ("url_password", b"mysql://root:password@db", b":password@"),
    ("url_password", b"mysql://root:p\xffq@db", b"p\xffq"),
    ("url_password", b'{"dsn":"redis:\\/\\/:hunter2@cache"}', b"hunter2"),
]  # fmt: skip

INNOCENT = [
    b"7d444840-9dc0-11d1-b245-5ffdce74fad2",
    b"trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    b"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"took 4111111111111111111 ns at 1732438577123456789",
    b'{"id":4111111111111111,"user_id":"5555555555554444"}',
    b"version 4111.1111.1111.1111",
    b"http://example.com:8080/a@b",
    b"http://example.com/path?x=1:2",
    b"authorization: request-1234 failed",
    b"Authorization: Bearer required",
    b'{"traceId": 4111111111111111, "requestid":4111111111111111, "id":[4111111111111111]}',
    b"Authorization: none",
    b"authorization failed for user bob",
    b"bearer of good news and friendship",
    b"web-4111111111111111-abcde",
    b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    b"eyJhbGciOiJIUzI1NiJ9 is base64",
    b"ssh://git@github.com:org/repo.git",
    b"order 1234567890123456 shipped",
    b"+49 4111 1111 1111",
]


@pytest.mark.parametrize(("name", "message", "secret"), SECRETS)
def test_a_secret_is_blacked_out_wherever_it_stands(name: str, message: bytes, secret: bytes) -> None:
    for before, behind in ((b"", b""), (b"2026-11-24 INFO ", b""), (b"", b" and more"), (b"x\n", b"\ny")):
        if before and message[:1] == b"{":
            continue
        redacted = DEFAULT.redact(before + message + behind)
        assert redacted is not None
        assert secret not in redacted
        assert f"[redacted:{name}]".encode() in redacted
        assert DEFAULT.redact(redacted) == redacted


@pytest.mark.parametrize("message", INNOCENT)
def test_what_only_looks_like_a_secret_is_left_alone(message: bytes) -> None:
    assert DEFAULT.redact(message) == message


def test_one_search_over_many_messages_finds_whatever_a_rule_finds() -> None:
    messages = [text for _, message, _ in SECRETS for text in (message, b"between", b"")]
    redacted = DEFAULT.redact_many(messages)
    assert redacted[1::3] == [b"between"] * len(SECRETS)
    assert redacted[::3] == [DEFAULT.redact(message) for _, message, _ in SECRETS]
    assert {name for name, _, _ in SECRETS} == {rule.name for rule in RULES}


def _words(generator: random.Random) -> bytes:
    alphabet = (string.ascii_letters + string.digits + "-_./:=,;{}[]\"'@ ").encode()
    kinds = (
        lambda: bytes(generator.choices(alphabet, k=generator.randint(1, 30))),
        lambda: generator.randbytes(16).hex().encode(),
        lambda: str(generator.randrange(10**18, 2 * 10**18)).encode(),
        lambda: b"2026-11-24T10:00:00.%09dZ" % generator.randrange(10**9),
        lambda: b"10.0.%d.%d:8080" % (generator.randrange(256), generator.randrange(256)),
    )
    return b" ".join(generator.choice(kinds)() for _ in range(generator.randint(1, 12)))


def test_no_secret_survives_among_other_text_and_hardly_any_other_text_is_lost() -> None:
    generator = random.Random(7)
    messages, secrets, lost = [], [], 0
    for _ in range(3000):
        text = _words(generator)
        if DEFAULT.redact(text) != text:
            lost += 1
            continue
        _, message, secret = generator.choice([one for one in SECRETS if one[1][:1] != b"{"])
        messages.append(text + b" " + message + b" " + _words(generator))
        secrets.append(secret)
    redacted = DEFAULT.redact_many(messages)
    assert not any(secret in (text or b"") for secret, text in zip(secrets, redacted, strict=True))
    assert lost < 10


def _made(generator: random.Random) -> tuple[str, bytes, bytes]:
    """A secret as a provider would make it: its rule, how it is printed, and what must not be seen."""

    def of(alphabet: str, size: int) -> bytes:
        return "".join(generator.choices(alphabet, k=size)).encode()

    word = string.ascii_letters + string.digits
    base64 = word + "+/"
    digits = generator.choice(("4", "51", "55", "2221", "6011", "65"))
    digits += "".join(generator.choices(string.digits, k=15 - len(digits)))
    card = next(number for last in range(10) if luhn(number := f"{digits}{last}".encode()))
    grouped = generator.choice((b"", b" ", b"-")).join(card[at : at + 4] for at in range(0, 16, 4))
    password = of(word + "!$%&()*+,;=~._-", generator.randint(3, 30))
    secret = of(base64, 40)
    token = b"ghp_" + of(word, 36)
    key = b"AKIA" + of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
    google = b"AIza" + of(word + "-_", 34) + b"x"
    azure = of(base64, 86) + b"=="
    body = b"\\n".join(of(base64, 64) for _ in range(12))
    return generator.choice(
        (
            ("card", grouped, grouped),
            ("url_password", b"postgres://app:" + password + b"@db:5432/app", b":" + password + b"@"),
            ("aws_secret", b"aws_secret_access_key = " + secret, secret),
            ("github_token", token, token),
            ("aws_key", key, key),
            ("gcp_key", google, google),
            ("azure_key", b"AccountKey=" + azure, azure),
            (
                "private_key",
                b"-----BEGIN PRIVATE KEY-----\\n" + body + b"\\n-----END PRIVATE KEY-----",
                body[:64],
            ),
        )
    )


def test_made_secrets_are_found_in_text_and_in_documents_that_stay_documents() -> None:
    generator = random.Random(11)
    for _ in range(2000):
        name, printed, secret = _made(generator)
        for message in (b"told: " + printed + b" end", b'{"a":1,"msg":"x\\n' + printed + b'","n":[2]}'):
            redacted = DEFAULT.redact(message)
            assert redacted is not None
            assert secret not in redacted, message
            assert f"[redacted:{name}]".encode() in redacted, message
            assert DEFAULT.redact(redacted) == redacted
            if message[:1] == b"{":
                json.loads(redacted)


def test_no_line_without_secrets_changes() -> None:
    generator = random.Random(13)
    for _ in range(5000):
        number = generator.randrange(4 * 10**15, 5 * 10**15)
        innocent = [
            b"order_id=%d" % number,
            b"trace_id=" + generator.randbytes(16).hex().encode(),
            str(uuid.UUID(bytes=generator.randbytes(16))).encode(),
            b"at %d" % generator.randrange(10**18, 2 * 10**18),
            b"web-7f9c%d-x2x4z" % number,
            b"sha256:" + generator.randbytes(32).hex().encode(),
            b"+49 %d %d" % (generator.randrange(100, 999), generator.randrange(10**6, 10**8)),
        ]
        if not luhn(b"%d" % number):
            innocent.append(b"order %d" % number)
        message = b" ".join(innocent)
        assert DEFAULT.redact(message) is message, message
