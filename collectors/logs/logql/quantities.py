"""Durations, sizes and numbers as Go's programs and LogQL write them."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LONG = {"d": 24 * _UNITS["h"], "w": 7 * 24 * _UNITS["h"], "y": 365 * 24 * _UNITS["h"]}
_MAX = (1 << 63) - 1
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SPAN = re.compile(r"-?(?:\d+(?:ms|[ywdhms]))+", re.ASCII)
_SPAN_PART = re.compile(r"(\d+)(ms|[ywdhms])", re.ASCII)
_SIZE = re.compile(r"(\d[\d,]*\.?\d*|\.\d+)\s*([A-Za-z]*)", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?|nan)", re.ASCII | re.I
)
_HEX = re.compile(r"[+-]?0x[0-9a-f]*\.?[0-9a-f]*p[+-]?\d+", re.ASCII | re.I)


def duration(text: str) -> int:
    """Nanoseconds of a Go duration (`1h2m0.5s`); raises ValueError."""
    if not _DURATION.fullmatch(text) or len(text) > 100:
        raise ValueError(f'invalid duration "{text[:40]}"')
    total = sum(
        int(Decimal(number.rstrip(".") or "0") * _UNITS[unit]) for number, unit in _PART.findall(text)
    )
    if total > _MAX:
        raise ValueError(f'invalid duration "{text[:40]}"')
    return -total if text[0] == "-" else total


def span(text: str) -> int:
    """Nanoseconds of a duration in a query: Prometheus' (`1d`, `1h30m`), else Go's; raises ValueError."""
    if not _SPAN.fullmatch(text) or len(text) > 100:
        return duration(text)
    units = _UNITS | _LONG
    total = sum(int(number) * units[unit] for number, unit in _SPAN_PART.findall(text))
    if total > _MAX:
        raise ValueError(f'invalid duration "{text[:40]}"')
    return -total if text[0] == "-" else total


def size(text: str) -> int:
    """Bytes of a size (`1KB` is 1000, `1KiB` 1024; case is the same); raises ValueError."""
    found = _SIZE.fullmatch(text) if len(text) <= 100 else None
    factor = _factor(found[2].lower()) if found else None
    if found is None or factor is None:
        raise ValueError(f'invalid size "{text[:40]}"')
    return int(Decimal(found[1].replace(",", "").rstrip(".") or "0") * factor)


def _factor(unit: str) -> int | None:
    if unit in ("", "b"):
        return 1
    power = "kmgtpe".find(unit[0]) + 1
    if not power or unit[1:] not in ("", "b", "i", "ib"):
        return None
    return int(1024**power) if "i" in unit else int(1000**power)


def number(text: str) -> float:
    """A number as Go reads it: no spaces, no underscores; raises ValueError."""
    if _FLOAT.fullmatch(text) and len(text) <= 1000:
        return float(text)
    if _HEX.fullmatch(text) and len(text) <= 100:
        return float.fromhex(text)
    raise ValueError(f'invalid number "{text[:40]}"')


def number_text(value: float) -> str:
    """A number as Loki writes it: the fewest digits that mean it, no exponent, `NaN`, `+Inf`, `-Inf`."""
    if value.is_integer() and abs(value) < 1e16:
        return str(int(value)) if value or math.copysign(1, value) > 0 else "-0"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    return format(Decimal(text).to_integral_value() if text.endswith(".0") else Decimal(text), "f")


def span_text(value: int) -> str:
    """A duration as LogQL reads it back: `1d30m`, `1s500ms`, `250µs`. Go's form, below a millisecond, has no days."""
    if value == 0:
        return "0s"
    units = {name: _UNITS[name] for name in ("h", "m", "s", "ms", "µs", "ns")}
    if value % _UNITS["ms"] == 0:
        units = {"d": _LONG["d"]} | units
    text, rest = "", abs(value)
    for unit, width in units.items():
        count, rest = divmod(rest, width)
        text += f"{count}{unit}" if count else ""
    return f"-{text}" if value < 0 else text
