"""Query parameters as values."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from agent.http import parameters
from agent.http.problem import HttpProblem


def test_values() -> None:
    request = make_mocked_request("GET", "/?a=1&n=7&w=2m&c=up&t=1970-01-01T00:00:05Z&e=")
    assert parameters.flag(request, "a") is True
    assert parameters.flag(request, "absent") is False
    assert parameters.number(request, "n", 1, 10) == 7
    assert parameters.number(request, "absent", 1, 10) == 1
    assert parameters.duration(request, "w", 60) == 60
    assert parameters.duration(request, "w", 600) == 120
    assert parameters.choice(request, "c", ("up", "down"), "down") == "up"
    assert parameters.moment(request, "t") == 5
    assert parameters.moment(request, "e") is None


def test_wrong_values_are_400() -> None:
    request = make_mocked_request("GET", f"/?n=-1&c=x&w=y&t=z&long={'9' * 5000}")
    for call in (
        lambda: parameters.number(request, "n", 1, 10),
        lambda: parameters.number(request, "long", 1, 10),
        lambda: parameters.choice(request, "c", ("up",), "up"),
        lambda: parameters.duration(request, "w", 60),
        lambda: parameters.moment(request, "t"),
        lambda: parameters.known(request, ("n",)),
    ):
        with pytest.raises(HttpProblem) as caught:
            call()
        assert caught.value.status == 400
