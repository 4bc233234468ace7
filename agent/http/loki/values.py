"""Parameters of Loki's API, from the address or the form of a POST; what is not given has Loki's default.

Source: Loki's HTTP API reference (timestamps, `since`, `step`, `limit`, `direction`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from decimal import Decimal

from aiohttp import web
from multidict import MultiDict

from agent.http.problem import HttpProblem
from collectors.logs.logql import quantities
from collectors.logs.times import SECOND
from collectors.logs.times import parse as parse_time

HOUR = 3600 * SECOND
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_FRACTION = re.compile(r"-?\d{1,12}\.\d{0,18}", re.ASCII)
_SECONDS_DIGITS = 10
_FORM = "application/x-www-form-urlencoded"
_MOST = 1 << 62
_NUMBER = 1 << 32


class Values:
    """The parameters of one request. Those that nobody asks for are ignored, as Loki ignores them."""

    def __init__(self, given: Mapping[str, str] | MultiDict[str], now: int) -> None:
        self._given = MultiDict(given)
        self._now = now

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        return self._given.get(name, default)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter that may be given several times."""
        return list(self._given.getall(name, []))

    def time(self, name: str, default: int) -> int:
        """A time in ns; raises HttpProblem 400."""
        text = self.text(name)
        return moment(name, text) if text else default

    def between(self, span: int = HOUR) -> tuple[int, int]:
        """`start` and `end`: the last hour, or `since`, before `end`, which is now; before now where `end` is later."""
        end = self.time("end", self._now)
        since = self.text("since")
        start = self.time("start", max(0, min(end, self._now) - (length("since", since) if since else span)))
        if end < start:
            raise HttpProblem(400, "end timestamp must not be before or equal to start time")
        return start, end

    def at(self) -> int:
        """`time` of an instant query: now, unless told."""
        return self.time("time", self._now)

    def length(self, name: str) -> int:
        """A length of time in ns, 0 when it is not given; raises HttpProblem 400."""
        text = self.text(name)
        return length(name, text) if text else 0

    def step(self) -> int:
        """`step` in ns, 0 when it is not given; raises HttpProblem 400."""
        found = self.length("step")
        if self.text("step") and found <= 0:
            raise HttpProblem(
                400, "zero or negative query resolution step widths are not accepted; try a positive one"
            )
        return found

    def most(self, name: str, default: int, most: int) -> int:
        """A number from 1 on, `most` for what is more; raises HttpProblem 400."""
        return min(self.number(name, default, _NUMBER), most)

    def number(self, name: str, default: int, most: int) -> int:
        """A number from 1 to `most`; raises HttpProblem 400."""
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > _SECONDS_DIGITS or int(text) == 0:
            raise HttpProblem(400, f"{name}: {text[:40]!r} is no positive number")
        if int(text) > most:
            raise HttpProblem(400, f"{name}: {text} is more than the {most} that are allowed")
        return int(text)

    def forward(self) -> bool:
        """Whether `direction` is forward; backward is the default."""
        text = self.text("direction", "backward").lower()
        if text not in ("forward", "backward"):
            raise HttpProblem(400, f"direction: {text[:40]!r} is neither forward nor backward")
        return text == "forward"


async def values_of(request: web.Request) -> Values:
    """Those of a request: of a form they come before those of the address."""
    given: MultiDict[str] = MultiDict()
    if request.method == "POST" and request.content_type == _FORM:
        given.extend({})
        for name, value in (await request.post()).items():
            if isinstance(value, str):
                given.add(name, value)
    given.extend(request.query)
    return Values(given, time.time_ns())


def moment(name: str, text: str) -> int:
    """Nanoseconds of a time: in ns, in seconds with a fraction or of at most ten digits, or RFC 3339."""
    if _FRACTION.fullmatch(text):
        return int(Decimal(text) * SECOND)
    if _WHOLE.fullmatch(text):
        whole = int(text)
        return min(whole * SECOND if len(text) <= _SECONDS_DIGITS else whole, _MOST)
    try:
        return parse_time(text.encode())
    except ValueError:
        raise HttpProblem(
            400, f"{name}: {text[:60]!r} is no time; write it in ns, in seconds, or like 2026-01-31T12:00:00Z"
        ) from None


def length(name: str, text: str) -> int:
    """Nanoseconds of a duration, or of a number of seconds."""
    try:
        if re.fullmatch(r"\d{1,9}(\.\d{0,9})?", text, re.ASCII):
            return int(Decimal(text) * SECOND)
        return quantities.span(text)
    except ValueError:
        raise HttpProblem(400, f"{name}: {text[:40]!r} is no duration; write it like 15s or 1h") from None
