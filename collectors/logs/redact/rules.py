"""What is blacked out by default: the precise few, as data.

Each pattern's first group is what is blacked out. They are RE2, over bytes. Sources: RFC 6750 and 7617 (bearer, basic),
RFC 7519 (JWT), RFC 7468 (PEM), the providers' documented token prefixes, ISO/IEC 7812 (card numbers).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from collectors.logs.redact.cards import is_card


def _always(message: bytes, start: int, end: int) -> bool:
    return True


def _has_digit(message: bytes, start: int, end: int) -> bool:
    """A token has a digit; a word of prose has none."""
    return any(48 <= byte <= 57 for byte in message[start:end])


_MIXED = re.compile(rb"\d|[a-z][A-Z]|[A-Z]{2}[a-z]")


def _is_token(message: bytes, start: int, end: int) -> bool:
    """A header's value has a digit or a mixture of cases; a word of prose has neither."""
    return _MIXED.search(message, start, end) is not None


class RedactRule(NamedTuple):
    """One kind of secret. `is_one(message, start, end)` judges what the pattern's group found."""

    name: str
    pattern: bytes
    is_one: Callable[[bytes, int, int], bool] = _always


# What may stand before a token: no word, or a line's end as JSON writes it.
_BEGIN = rb"(?:\b|\\[nrt])"

RULES: tuple[RedactRule, ...] = (
    RedactRule(
        "private_key",
        rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----([A-Za-z0-9+/=\\:,.\-\s]+?)(?:-----END|\\*[\"']|[^A-Za-z0-9+/=\\:,.\-\s]|\z)",
    ),
    RedactRule("jwt", _BEGIN + rb"(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"),
    RedactRule(
        "authorization",
        rb"""(?i)authorization\\?["']?\s*[:=]\s*\[?\\?["']?(?:basic|bearer|token|digest|negotiate)\s+([A-Za-z0-9._~+/-]{4,}=*)""",
        _is_token,
    ),
    RedactRule(
        "authorization",
        rb"""(?i)authorization\\?["']?\s*[:=]\s*\[?(?:\\?["'])?([A-Za-z0-9._~+/-]{20,}=*)""",
        _has_digit,
    ),
    RedactRule("bearer", rb"(?i)(?:\b|\\[nrt])bearer\s+([A-Za-z0-9._~+/-]{16,}=*)", _has_digit),
    RedactRule("aws_key", _BEGIN + rb"((?:AKIA|ASIA)[A-Z2-7]{16})\b"),
    RedactRule(
        "aws_secret",
        rb"""(?i)(?:aws_?-?\.?(?:secret|session)|secret[_.-]?access[_.-]?key)[a-z_.-]{0,20}\\?["']?\s*[:=]\s*(?:\\?["'])?([A-Za-z0-9/+=]{40,})""",
    ),
    RedactRule("gcp_key", _BEGIN + rb"(AIza[A-Za-z0-9_-]{35})"),
    RedactRule("azure_key", rb"AccountKey=([A-Za-z0-9+/]{43,}={0,2})"),
    RedactRule("github_token", _BEGIN + rb"(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    RedactRule("gitlab_token", _BEGIN + rb"(gl(?:pat|ptt|rt|dt)-[A-Za-z0-9_-]{20,}(?:\.[0-9a-z]+)*)"),
    RedactRule("slack_token", _BEGIN + rb"((?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,})", _has_digit),
    RedactRule("stripe_key", _BEGIN + rb"([rs]k_(?:live|test)_[A-Za-z0-9]{16,})"),
    RedactRule("url_password", rb"""[A-Za-z][A-Za-z0-9+.-]*:\\?/\\?/[^\s:/@"'<>\\]*:([^\s/@"'<>\\]+)@"""),
    RedactRule(
        "card",
        rb"(?:^|[^\w.+/-]|\\[nrt])((?:4\d{3}|5[1-5]\d\d|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)|6(?:011|4[4-9]\d|5\d\d))"
        rb"(?:\d{12}|(?: \d{4}){3}|(?:-\d{4}){3})|3[47]\d\d(?:\d{11}| \d{6} \d{5}|-\d{6}-\d{5}))(?:$|[^\w+/-])",
        is_card,
    ),
)
"""In the order in which they are applied; PEM first, for its body may look like anything."""

SUSPECTS = (
    rb"PRIVATE KEY|eyJ[A-Za-z0-9_-]+\.eyJ|(?i:authorization)|(?i:bearer)\s|(?:AKIA|ASIA)[A-Z2-7]{16}|(?i:aws|secret[_.-]?access)|AIza"
    rb"|AccountKey=|gh[pousr]_|github_pat_|gl(?:pat|ptt|rt|dt)-|xox[abeoprs]-|xapp-|[rs]k_(?:live|test)_"
    rb"""|:\\?/\\?/[^\s/@"'<>\\]+@"""
    rb"|(?:^|[^\w.+/-]|\\[nrt])(?:[2456]\d{3}|3[47]\d\d)(?:\d{11,12}|(?: \d{4}){3}|(?:-\d{4}){3}|[ -]\d{6}[ -]\d{5})(?:$|[^\w+/-])"
)
"""One pattern that finds something wherever a rule does; a text without a hit is clean."""
