from __future__ import annotations

from agent.logs import QueryRefused


def test_a_refusal_has_a_reason_and_a_text() -> None:
    refused = QueryRefused("busy", "2 queries run already")
    assert refused.reason == "busy"
    assert str(refused) == "2 queries run already"
