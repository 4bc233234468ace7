"""Matchers of labels as functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from collectors.logs.logql.ast import Matcher
from collectors.logs.logql.regex import full_matcher


def judge(matcher: Matcher) -> Callable[[str], bool]:
    """Whether a label's value meets a matcher; '' is what an absent label has."""
    value = matcher.value
    if matcher.op == "=":
        return lambda given: given == value
    if matcher.op == "!=":
        return lambda given: given != value
    fits = full_matcher(value)
    return fits if matcher.op == "=~" else lambda given: not fits(given)


def selector(matchers: tuple[Matcher, ...]) -> Callable[[Mapping[str, str]], bool]:
    """Whether a stream's labels meet all matchers."""
    judges = [(matcher.name, judge(matcher)) for matcher in matchers]
    return lambda labels: all(meets(labels.get(name, "")) for name, meets in judges)
