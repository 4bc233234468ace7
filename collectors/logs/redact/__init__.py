"""Redaction: what is blacked out of messages before they are shown, searched or shipped."""

from __future__ import annotations

from functools import lru_cache

from collectors.logs.redact.redactor import BadPattern, Redactor, check
from collectors.logs.rule import Redaction

__all__ = ["BadPattern", "Redactor", "check", "redactor"]


@lru_cache(maxsize=128)
def redactor(redaction: Redaction | None) -> Redactor:
    """The redactor of a redaction, None for one that changes nothing; raises BadPattern."""
    return Redactor(redaction)
