"""The functions that a template can call. Arguments come in Go's order: the piped value is the last one."""

from __future__ import annotations

import base64
import binascii
import math
import re
import urllib.parse
from collections.abc import Callable
from typing import NamedTuple

from collectors.logs.logql import arithmetic, quantities, regex
from collectors.logs.logql.printf import printed
from collectors.logs.logql.values import Value, bounded, text_of, truth

_WORK = 16 << 20


class Function(NamedTuple):
    """`kinds` is one letter for each argument: s text, i whole number, n number of any kind, a anything; a `*`
    behind the last letter lets it come any number of times, also never."""

    kinds: str
    call: Callable[..., Value]

    def takes(self, count: int) -> bool:
        """Whether this many arguments are right."""
        if self.kinds.endswith("*"):
            return count >= len(self.kinds) - 2
        return count == len(self.kinds)

    def __call__(self, *arguments: Value) -> Value:
        kinds = self.kinds
        if kinds.endswith("*"):
            kinds = kinds[:-2] + kinds[-2] * (len(arguments) - len(kinds) + 2)
        return self.call(*map(_converted, kinds, arguments))


def _converted(kind: str, value: Value) -> Value:
    if kind == "s":
        if not isinstance(value, str):
            raise ValueError(f"a text is expected, not {text_of(value)}")
    elif kind == "i":
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"a whole number is expected, not {text_of(value)[:40]!r}")
    elif kind == "n":
        return _number(value)
    return value


def _number(value: Value) -> int | float:
    """What sprig's arithmetic makes of a value: 0 of what is no number."""
    if isinstance(value, str):
        if re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII):
            return int(value)
        try:
            return quantities.number(value)
        except ValueError:
            return 0
    return value


def _whole(value: int | float) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        return 0
    return (int(value) + (1 << 63)) % (1 << 64) - (1 << 63)


def _replace(old: str, new: str, text: str, count: int = -1) -> str:
    times = text.count(old) if count < 0 else min(count, text.count(old))
    bounded(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, times)


def _regex_replace(pattern: str, text: str, replacement: str, *, literal: bool = False) -> str:
    if (len(text) + 1) * (len(replacement) + 1) > _WORK:
        raise ValueError("text and replacement are too long for a replacement by pattern")
    return regex.replacer(pattern, replacement, literal=literal)(text)


def _truncated(width: int, text: str) -> str:
    if width < 0:
        return text[width:] if -width < len(text) else text
    return text[:width]


def _substring(start: int, end: int, text: str) -> str:
    if start < 0:
        return text[: max(end, 0)]
    return text[start:] if end < 0 or end > len(text) else text[start:end]


def _repeated(times: int, text: str) -> str:
    bounded(max(times, 0) * len(text))
    return text * max(times, 0)


def _aligned_left(width: int, text: str) -> str:
    bounded(width)
    return text[:width].ljust(width) if width >= 0 else text


def _aligned_right(width: int, text: str) -> str:
    bounded(width)
    return (text[-width:] if width else "").rjust(width) if width >= 0 else text


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        return str(error)


def _quotient(first: int | float, second: int | float) -> int:
    dividend, divisor = _whole(first), _whole(second)
    if divisor == 0:
        raise ValueError("division by zero")
    size = abs(dividend) // abs(divisor)
    return size if (dividend < 0) == (divisor < 0) else -size


def _remainder(first: int | float, second: int | float) -> int:
    return _whole(first) - _whole(second) * _quotient(first, second)


def _duration(text: str) -> float:
    return quantities.duration(text) / 1e9


_TEXTS: dict[tuple[str, ...], tuple[str, Callable[..., Value]]] = {
    ("ToUpper", "upper"): ("s", str.upper),
    ("ToLower", "lower"): ("s", str.lower),
    ("title",): ("s", str.title),
    ("trim", "TrimSpace"): ("s", str.strip),
    ("Trim",): ("ss", lambda text, cut: text.strip(cut) if cut else text),
    ("TrimLeft",): ("ss", lambda text, cut: text.lstrip(cut) if cut else text),
    ("TrimRight",): ("ss", lambda text, cut: text.rstrip(cut) if cut else text),
    ("TrimPrefix",): ("ss", str.removeprefix),
    ("TrimSuffix",): ("ss", str.removesuffix),
    ("trimAll",): ("ss", lambda cut, text: text.strip(cut) if cut else text),
    ("trimPrefix",): ("ss", lambda prefix, text: text.removeprefix(prefix)),
    ("trimSuffix",): ("ss", lambda suffix, text: text.removesuffix(suffix)),
    ("Replace",): ("sssi", lambda text, old, new, count: _replace(old, new, text, count)),
    ("replace",): ("sss", _replace),
    ("regexReplaceAll",): ("sss", _regex_replace),
    ("regexReplaceAllLiteral",): (
        "sss",
        lambda pattern, text, new: _regex_replace(pattern, text, new, literal=True),
    ),
    ("count",): ("ss", lambda pattern, text: sum(1 for _ in regex.compiled(pattern).finditer(text.encode()))),
    ("trunc",): ("is", _truncated),
    ("substr",): ("iis", _substring),
    ("repeat",): ("is", _repeated),
    ("alignLeft",): ("is", _aligned_left),
    ("alignRight",): ("is", _aligned_right),
    ("contains",): ("ss", lambda part, text: part in text),
    ("hasPrefix",): ("ss", lambda part, text: text.startswith(part)),
    ("hasSuffix",): ("ss", lambda part, text: text.endswith(part)),
    ("urlencode",): ("s", urllib.parse.quote_plus),
    ("urldecode",): ("s", urllib.parse.unquote_plus),
    ("b64enc",): ("s", lambda text: base64.b64encode(text.encode()).decode()),
    ("b64dec",): ("s", _decoded),
    ("default",): ("aa", lambda other, value: value or other),
    ("printf",): ("sa*", printed),
    ("print",): ("a*", lambda *values: "".join(map(text_of, values))),
    ("len",): ("s", lambda text: len(text.encode())),
}
_NUMBERS: dict[tuple[str, ...], tuple[str, Callable[..., Value]]] = {
    ("bytes",): ("s", lambda text: float(quantities.size(text))),
    ("duration", "duration_seconds"): ("s", _duration),
    ("int",): ("n", _whole),
    ("float64",): ("n", float),
    ("add",): ("nn*", lambda *values: _whole(sum(map(_whole, values)))),
    ("sub",): ("nn", lambda first, second: _whole(_whole(first) - _whole(second))),
    ("mul",): ("nn*", lambda *values: _whole(math.prod(map(_whole, values)))),
    ("div",): ("nn", _quotient),
    ("mod",): ("nn", _remainder),
    ("addf",): ("nn*", lambda *values: float(sum(values))),
    ("subf",): ("nn", lambda first, second: float(first - second)),
    ("mulf",): ("nn*", lambda *values: math.prod(map(float, values))),
    ("divf",): ("nn", lambda first, second: arithmetic.ARITHMETIC["/"](first, second)),
    ("max",): ("nn*", lambda *values: max(map(_whole, values))),
    ("min",): ("nn*", lambda *values: min(map(_whole, values))),
    ("ceil",): ("n", lambda value: float(math.ceil(value)) if math.isfinite(value) else value),
    ("floor",): ("n", lambda value: float(math.floor(value)) if math.isfinite(value) else value),
    ("round",): ("ni", lambda value, digits: round(float(value), max(0, min(digits, 15)))),
}
_TIMES: dict[tuple[str, ...], tuple[str, Callable[..., Value]]] = {
    ("unixEpoch",): ("i", lambda time: str(time // 1_000_000_000)),
    ("unixEpochMillis",): ("i", lambda time: str(time // 1_000_000)),
    ("unixEpochNanos",): ("i", str),
}
_LOGIC: dict[tuple[str, ...], tuple[str, Callable[..., Value]]] = {
    ("eq",): ("aa", lambda first, second: first == second),
    ("ne",): ("aa", lambda first, second: first != second),
    ("lt",): ("nn", lambda first, second: first < second),
    ("le",): ("nn", lambda first, second: first <= second),
    ("gt",): ("nn", lambda first, second: first > second),
    ("ge",): ("nn", lambda first, second: first >= second),
    ("not",): ("a", lambda value: not truth(value)),
    ("and",): ("aa*", lambda *values: next((each for each in values if not truth(each)), values[-1])),
    ("or",): ("aa*", lambda *values: next((each for each in values if truth(each)), values[-1])),
}
FUNCTIONS: dict[str, Function] = {
    name: Function(*function)
    for table in (_TEXTS, _NUMBERS, _TIMES, _LOGIC)
    for names, function in table.items()
    for name in names
}
