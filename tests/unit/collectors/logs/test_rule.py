"""What is done with one container's output."""

from __future__ import annotations

import msgspec

from collectors.logs.rule import Drop, Limit, LogMetric, Multiline, Redaction, Rule


def test_the_default_joins_stack_traces_redacts_and_ships_without_limit() -> None:
    rule = Rule()
    assert (rule.ship, rule.parser, rule.multiline.mode, rule.limit) == (True, "auto", "stacks", None)
    assert rule.redact == Redaction(defaults=True)


def test_a_rule_crosses_to_other_processes_unchanged() -> None:
    rule = Rule(
        parser="regex:(?P<a>.)",
        multiline=Multiline(mode="start", start="^\\["),
        redact=Redaction(patterns=(("pin", "pin=([0-9]+)"),), fail_closed=True),
        limit=Limit(lines=10.0, action="sample"),
        drop=(Drop(level="debug"),),
        metrics=(LogMetric(name="requests_total", labels=(("code", "status"),)),),
    )
    for encode, decode in (
        (msgspec.msgpack.encode, msgspec.msgpack.decode),
        (msgspec.json.encode, msgspec.json.decode),
    ):
        assert decode(encode(rule), type=Rule) == rule  # type: ignore[operator]
