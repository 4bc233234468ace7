"""Which rule and which sinks a container's output has: from the configuration, then from the container itself.

What a container says of itself (labels and annotations `deckwatch.io/…`) may set its parser, its multiline mode,
add metrics, or keep it from being shipped. It cannot weaken redaction or limits, and what it says wrongly counts as
not said: it is told once.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from agent.config.logsettings import LogRule, Logs, MetricRule
from agent.config.settings import Config
from agent.selectors import Selector
from agent.selectors import parse as selector_of
from agent.shipping.plan import Plan
from agent.shipping.registry import SINKS
from agent.shipping.sink import SinkSettings
from collectors.logs.judge import BadQuery, Judge
from collectors.logs.metrics.check import check as check_metric
from collectors.logs.metrics.check import distinct
from collectors.logs.parsers import parser_of
from collectors.logs.redact import check
from collectors.logs.rule import AUTO, Drop, Limit, LogMetric, Multiline, Redaction, Rule
from collectors.model import Container
from runtime.linux.errors import DeckwatchError

PREFIX = "deckwatch.io/"
_LONGEST = 4096
_MOST_METRICS = 10
_MOST_TOLD = 1000

T = TypeVar("T")


def sink_name(settings: SinkSettings) -> str:
    """What a sink is called: its own name, else its type."""
    return settings.name or next(name for name, kind in SINKS.items() if kind.settings is type(settings))


class Rules:
    """The rules and sinks of a configuration. `trouble` gets what a container said wrongly, as (event, text)."""

    def __init__(self, logs: Logs, trouble: Callable[[str, str], None]) -> None:
        self._trouble = trouble
        self._rules = [(_selector(rule.selector), rule) for rule in logs.rules]
        self._sinks = [(sink_name(one), _selector(one.selector)) for one in logs.sinks]
        redact = Redaction(fail_closed=logs.redact_fail_closed) if logs.redact == "default" else None
        self._default = Rule(redact=redact)
        self._known: dict[tuple[int, ...], Rule] = {}
        self._told: set[str] = set()

    def rule(self, container: Container, annotations: Mapping[str, str]) -> Rule:
        """The rule of a container."""
        matching = tuple(
            index
            for index, (selector, _) in enumerate(self._rules)
            if selector is None or selector.matches(container)
        )
        rule = self._known.get(matching)
        if rule is None:
            rule = functools.reduce(merged, (self._rules[index][1] for index in matching), self._default)
            rule = self._with_one_metric_a_name(rule, container.name)
            self._known[matching] = rule
        own = _own_words(container.labels, annotations)
        return self._with_own(rule, own, container.name) if own else rule

    def sinks(self, container: Container, rule: Rule) -> tuple[str, ...]:
        """The sinks that a container's output goes to."""
        if not rule.ship:
            return ()
        return tuple(
            name for name, selector in self._sinks if selector is None or selector.matches(container)
        )

    def _with_own(self, rule: Rule, own: Mapping[str, str], name: str) -> Rule:
        for key, read in _OWN.items():
            if key not in own:
                continue
            try:
                rule = read(rule, own[key])
            except (DeckwatchError, ValueError) as error:
                self._tell(f"{name}: {PREFIX}{key}: {str(error)[:200]}")
        return self._with_one_metric_a_name(rule, name)

    def _with_one_metric_a_name(self, rule: Rule, name: str) -> Rule:
        metrics, told = distinct(rule.metrics)
        for text in told:
            self._tell(f"{name}: {text}")
        return msgspec.structs.replace(rule, metrics=tuple(metrics)) if told else rule

    def _tell(self, text: str) -> None:
        if text not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(text)
            self._trouble("log_rule_ignored", text)


def merged(rule: Rule, more: LogRule) -> Rule:
    """A rule with what another one of the configuration says."""
    redact = rule.redact
    if more.redact is not None:
        redact = _switched(redact, on=more.redact == "default")
    if more.redact_patterns:
        known = redact or Redaction(defaults=False)
        added = tuple((one.name, one.pattern) for one in more.redact_patterns)
        redact = msgspec.structs.replace(known, patterns=known.patterns + added)
    return Rule(
        ship=rule.ship if more.ship is None else more.ship,
        parser=more.parser or rule.parser,
        multiline=_as(Multiline, more.multiline) if more.multiline else rule.multiline,
        redact=redact,
        limit=_as(Limit, more.limit) if more.limit else rule.limit,
        drop=rule.drop + tuple(_as(Drop, one) for one in more.drop),
        metrics=rule.metrics + tuple(_metric(one) for one in more.metrics),
    )


def problems(logs: Logs) -> list[tuple[str, str]]:
    """What is wrong with the rules beyond their types, as (key, text)."""
    found: list[tuple[str, str]] = []

    def tried(key: str, attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except DeckwatchError as error:
            found.append((key, str(error)))

    for index, rule in enumerate(logs.rules):
        key = f"logs.rules[{index}]"
        tried(f"{key}.selector", functools.partial(_selector, rule.selector))
        tried(f"{key}.parser", functools.partial(parser_of, rule.parser or AUTO))
        if rule.multiline and rule.multiline.mode == "start":
            tried(f"{key}.multiline.start", functools.partial(_pattern, rule.multiline.start))
        for number, drop in enumerate(rule.drop):
            tried(f"{key}.drop[{number}]", functools.partial(_judge, drop.grep, drop.level, drop.stream))
        for number, metric in enumerate(rule.metrics):
            tried(f"{key}.metrics[{number}]", functools.partial(check_metric, _metric(metric)))
        for number, one in enumerate(rule.redact_patterns):
            own = Redaction(defaults=False, patterns=((one.name, one.pattern),))
            found += [(f"{key}.redact_patterns[{number}]", text) for text in check(own)]
    names = [sink_name(sink) for sink in logs.sinks]
    for index, sink in enumerate(logs.sinks):
        tried(f"logs.sinks[{index}].selector", functools.partial(_selector, sink.selector))
        if names[index] in names[:index]:
            found.append((f"logs.sinks[{index}].name", f"{names[index]} is the name of another sink too"))
    return found


def plan_of(config: Config) -> Plan:
    """What the log worker is to ship to."""
    logs = config.logs
    kinds = {kind.settings: name for name, kind in SINKS.items()}
    return Plan(
        sinks=[(kinds[type(one)], msgspec.to_builtins(one)) for one in logs.sinks],
        node=config.node,
        external_labels=config.external_labels,
        spool=logs.spool.path,
        spool_bytes=logs.spool.max_bytes,
        version=importlib.metadata.version("deckwatch"),
    )


def _selector(text: str) -> Selector | None:
    return selector_of(text) if text.strip() else None


def _judge(grep: str, level: str, stream: str) -> Judge:
    return Judge(grep or None, level or None, stream or None)


def _pattern(text: str) -> None:
    if not text:
        raise BadQuery("an empty pattern; give an RE2 pattern")
    _judge(text, "", "")


def _switched(redact: Redaction | None, *, on: bool) -> Redaction | None:
    if on:
        return msgspec.structs.replace(redact, defaults=True) if redact else Redaction()
    if redact is None or not redact.patterns:
        return None
    return msgspec.structs.replace(redact, defaults=False)


def _as(kind: type[T], section: msgspec.Struct) -> T:
    """A part of the configuration as the struct of the same fields that crosses to other processes."""
    return kind(**{name: getattr(section, name) for name in section.__struct_fields__})


def _metric(rule: MetricRule) -> LogMetric:
    values: dict[str, Any] = msgspec.structs.asdict(rule)
    return LogMetric(**(values | {"labels": tuple(rule.labels.items())}))


def _own_words(labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, str]:
    """What a container says of itself, by the key behind the prefix; annotations count before labels."""
    return {
        key.removeprefix(PREFIX): value
        for words in (labels, annotations)
        for key, value in words.items()
        if key.startswith(PREFIX)
    }


def _own_logs(rule: Rule, text: str) -> Rule:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return msgspec.structs.replace(rule, ship=rule.ship and text == "true")


def _own_parser(rule: Rule, text: str) -> Rule:
    parser_of(_short(text))
    return msgspec.structs.replace(rule, parser=text)


def _own_multiline(rule: Rule, text: str) -> Rule:
    mode, _, start = _short(text).partition(":")
    if mode not in ("stacks", "start", "none") or (mode == "start") != bool(start):
        raise ValueError(f"{text!r} is none of stacks, none, start:PATTERN")
    if start:
        _pattern(start)
    multiline = msgspec.structs.replace(rule.multiline, mode=mode, start=start)
    return msgspec.structs.replace(rule, multiline=multiline)


def _own_metrics(rule: Rule, text: str) -> Rule:
    try:
        found: Sequence[MetricRule] = msgspec.json.decode(_short(text), type=list[MetricRule])
    except msgspec.DecodeError as error:
        raise ValueError(f"no JSON list of metrics: {error}") from error
    if len(found) > _MOST_METRICS:
        raise ValueError(f"{len(found)} metrics; the most are {_MOST_METRICS}")
    metrics = tuple(_metric(one) for one in found)
    for metric in metrics:
        check_metric(metric)
    return msgspec.structs.replace(rule, metrics=rule.metrics + metrics)


def _short(text: str) -> str:
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} characters; the most are {_LONGEST}")
    return text


_OWN: Mapping[str, Callable[[Rule, str], Rule]] = {
    "logs": _own_logs,
    "parser": _own_parser,
    "multiline": _own_multiline,
    "metrics": _own_metrics,
}
