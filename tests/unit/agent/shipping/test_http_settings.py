"""Settings that cannot work are refused with the key."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.shipping.http_settings import HttpSettings

GOOD = {"url": "https://peer.example:8443/base/"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "peer:80"}, "http://"),
        ({"url": "http://"}, "name a host"),
        ({"url": "http://me:secret@peer"}, "password_file"),
        ({**GOOD, "basic_auth": {"username": "me"}}, "needs username and password_file"),
        (
            {
                **GOOD,
                "basic_auth": {"username": "me", "password_file": "/p"},
                "bearer_token_file": "/t",
            },
            "exclude each other",
        ),
        ({**GOOD, "tls": {"cert_file": "/c"}}, "need each other"),
        ({**GOOD, "headers": {"X Y": "1"}}, "'X Y' is no name"),
        ({**GOOD, "headers": {"X": "1\r\nY: 2"}}, "must be one line"),
        ({**GOOD, "basic_auth": {"username": "me", "password": "p"}}, "password"),
    ],
)
def test_bad_settings(values: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(values, HttpSettings)


def test_a_path_is_put_behind_the_url_once() -> None:
    settings = msgspec.convert(GOOD, HttpSettings)
    assert settings.at("/v1/logs") == "https://peer.example:8443/base/v1/logs"
    assert HttpSettings(url="http://peer/v1/logs").at("/v1/logs") == "http://peer/v1/logs"


def test_settings_cross_to_the_log_worker_unchanged() -> None:
    settings = HttpSettings(url="http://peer", headers={"A": "b"}, bearer_token_file="/t")
    assert msgspec.convert(msgspec.to_builtins(settings), HttpSettings) == settings
