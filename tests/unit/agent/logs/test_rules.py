"""Which rule and which sinks a container's output has."""

from __future__ import annotations

import json

import pytest

from agent.config.logsettings import DropRule, LimitRule, LogRule, Logs, MetricRule, MultilineRule, RedactRule
from agent.config.settings import Config
from agent.logs.rules import Rules, plan_of, problems
from agent.shipping.sink import SinkSettings
from collectors.logs.rule import Drop, Limit, Multiline, Redaction, Rule
from collectors.model import Container


def container(**members: object) -> Container:
    return Container(**({"id": "/a", "name": "web", "engine": "docker"} | members))  # type: ignore[arg-type]


def rules(*some: LogRule, told: list[str] | None = None, **logs: object) -> Rules:
    return Rules(
        Logs(rules=some, **logs),  # type: ignore[arg-type]
        lambda event, text: told.append(text) if told is not None else None,
    )


def test_without_rules_everything_has_the_default() -> None:
    assert rules().rule(container(), {}) == Rule()
    assert rules(redact="none").rule(container(), {}).redact is None
    assert rules(redact_fail_closed=True).rule(container(), {}).redact == Redaction(fail_closed=True)


def test_the_last_rule_that_says_something_counts_and_lists_add_up() -> None:
    some = rules(
        LogRule(parser="json", drop=(DropRule(level="debug"),), limit=LimitRule(lines=5.0)),
        LogRule(selector='{name="db"}', parser="none"),
        LogRule(
            selector='{name="web"}',
            ship=False,
            multiline=MultilineRule(mode="start", start="^x"),
            drop=(DropRule(grep="health"),),
        ),
    )
    rule = some.rule(container(), {})
    assert (rule.parser, rule.ship, rule.limit) == ("json", False, Limit(lines=5.0))
    assert rule.drop == (Drop(level="debug"), Drop(grep="health"))
    assert rule.multiline == Multiline(mode="start", start="^x")
    assert some.rule(container(name="db"), {}).parser == "none"
    assert some.rule(container(name="web"), {}) is rule, "the same rules are one object"


def test_redaction_is_switched_and_widened() -> None:
    own = (RedactRule(name="pin", pattern="pin=([0-9]+)"),)
    assert rules(LogRule(redact="none")).rule(container(), {}).redact is None
    assert rules(LogRule(redact="none", redact_patterns=own)).rule(container(), {}).redact == Redaction(
        defaults=False, patterns=(("pin", "pin=([0-9]+)"),)
    )
    assert rules(LogRule(redact="default"), redact="none").rule(container(), {}).redact == Redaction()


def test_a_container_may_say_some_things_itself_and_never_weaken_a_rule() -> None:
    some = rules(LogRule(selector='{name="mute"}', ship=False))
    own = {
        "deckwatch.io/logs": "false",
        "deckwatch.io/parser": "nginx",
        "deckwatch.io/multiline": "start:^\\[",
    }
    rule = some.rule(container(labels=own), {})
    assert (rule.ship, rule.parser, rule.multiline.mode, rule.multiline.start) == (
        False,
        "nginx",
        "start",
        "^\\[",
    )
    assert not some.rule(container(name="mute", labels={"deckwatch.io/logs": "true"}), {}).ship
    assert some.rule(container(labels=own), {"deckwatch.io/logs": "true"}).ship, (
        "annotations count before labels"
    )
    metrics = json.dumps([{"name": "requests", "grep": "GET", "labels": {"code": "status"}}])
    (metric,) = some.rule(container(), {"deckwatch.io/metrics": metrics}).metrics
    assert (metric.name, metric.labels) == ("requests", (("code", "status"),))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("logs", "maybe"),
        ("parser", "no-such"),
        ("parser", "regex:(" + "a" * 5000),
        ("multiline", "start:("),
        ("multiline", "begin:x"),
        ("metrics", "{"),
        ("metrics", '[{"name": "a", "grep": "("}]'),
        ("metrics", '[{"nam": "a"}]'),
        ("metrics", '[{"name": "a b"}]'),
        ("metrics", json.dumps([{"name": f"m{number}"} for number in range(11)])),
    ],
)
def test_what_a_container_says_wrongly_counts_as_not_said_and_is_told(key: str, value: str) -> None:
    told: list[str] = []
    assert rules(told=told).rule(container(), {f"deckwatch.io/{key}": value}) == Rule()
    assert len(told) == 1
    assert told[0].startswith(f"web: deckwatch.io/{key}: ")


def test_what_is_wrong_is_told_once() -> None:
    told: list[str] = []
    some = rules(told=told)
    for _ in range(3):
        some.rule(container(), {"deckwatch.io/parser": "no-such"})
    assert len(told) == 1


def test_of_two_metrics_of_one_name_the_first_counts_and_the_other_is_told_of() -> None:
    told: list[str] = []
    twice = (LogRule(metrics=(MetricRule(name="a", grep="x"),)), LogRule(metrics=(MetricRule(name="a"),)))
    some = rules(*twice, told=told)
    (metric,) = some.rule(container(), {}).metrics
    assert metric.grep == "x"
    assert len(told) == 1 and "metric a is there twice" in told[0]
    own = json.dumps([{"name": "a", "kind": "histogram", "value": "s"}, {"name": "b"}])
    metrics = some.rule(container(), {"deckwatch.io/metrics": own}).metrics
    assert [(one.name, one.kind) for one in metrics] == [("a", "counter"), ("b", "counter")]


def test_sinks_are_chosen_by_their_selectors() -> None:
    some = rules(sinks=(SinkSettings(name="all"), SinkSettings(name="docker", selector='{engine="docker"}')))
    assert some.sinks(container(), Rule()) == ("all", "docker")
    assert some.sinks(container(engine="podman"), Rule()) == ("all",)
    assert some.sinks(container(), Rule(ship=False)) == ()


def test_every_problem_is_told_with_its_key() -> None:
    logs = Logs(
        rules=(
            LogRule(selector="{nam=x}", parser="no-such", drop=(DropRule(level="loud"),)),
            LogRule(
                multiline=MultilineRule(mode="start"),
                metrics=(MetricRule(name="a", grep="("), MetricRule(name="a-b")),
                redact_patterns=(RedactRule(name="a", pattern="("),),
            ),
        ),
        sinks=(SinkSettings(name="a"), SinkSettings(name="a", selector="{")),
    )
    assert [key for key, _ in problems(logs)] == [
        "logs.rules[0].selector",
        "logs.rules[0].parser",
        "logs.rules[0].drop[0]",
        "logs.rules[1].multiline.start",
        "logs.rules[1].metrics[0]",
        "logs.rules[1].metrics[1]",
        "logs.rules[1].redact_patterns[0]",
        "logs.sinks[1].selector",
        "logs.sinks[1].name",
    ]


def test_a_plan_without_sinks_ships_nothing() -> None:
    plan = plan_of(Config(node="n", external_labels={"cluster": "c"}))
    assert (plan.sinks, plan.node, plan.external_labels) == ([], "n", {"cluster": "c"})
