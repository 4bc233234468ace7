"""The keys under `logs:`."""

from __future__ import annotations

import pytest

from agent.config.load import ConfigError, load
from agent.config.logsettings import LogRule, Logs
from agent.shipping.loki import LokiSettings


def test_a_configuration_of_rules_and_sinks_is_read_whole() -> None:
    logs = load(
        None,
        [
            "logs.rules=[{selector: '{name=\"web\"}', parser: nginx, limit: {lines: 10, bytes: 1Mi}, ship: true}]",
            "logs.sinks=[{type: loki, url: 'http://loki:3100', batch_wait: 2s}]",
        ],
    ).logs
    (rule,) = logs.rules
    assert (rule.parser, rule.ship) == ("nginx", True)
    assert rule.limit is not None
    assert (rule.limit.lines, rule.limit.bytes, rule.limit.action) == (10.0, 1 << 20, "drop")
    (sink,) = logs.sinks
    assert isinstance(sink, LokiSettings)
    assert (sink.url, sink.batch_wait) == ("http://loki:3100", 2.0)


def test_by_default_everything_is_redacted_and_nothing_shipped() -> None:
    assert (Logs().redact, Logs().rules, Logs().sinks) == ("default", (), ())
    assert LogRule().redact is None, "a rule that says nothing changes nothing"


def test_a_wrong_word_is_told_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"limit\.action: expected drop, sample or block"):
        load(None, ["logs.rules=[{limit: {action: dorp}}]"])
