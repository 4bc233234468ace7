"""The configuration in force as text."""

from __future__ import annotations

import pytest

from agent.config import show as configshow
from agent.config.load import load


@pytest.mark.parametrize("name", ["PASSWORD", "db_passwd", "API_KEY", "client_secret", "AUTH_TOKEN", "token"])
def test_values_of_secret_names_are_hidden(name: str) -> None:
    config = load(None, [f"workloads=[{{name: web, env: {{{name}: hunter2, PORT: 80}}}}]"])
    shown = configshow.plain(config)["workloads"][0]
    assert shown["env"] == {name: "(secret)", "PORT": "80"}


def test_credentials_in_urls_are_hidden() -> None:
    config = load(None, ["workloads=[{name: web, env: {URL: 'postgres://u:hunter2@db/x'}}]"])
    assert configshow.plain(config)["workloads"][0]["env"]["URL"] == "postgres://(secret)@db/x"


def test_the_order_is_that_of_the_reference() -> None:
    assert list(configshow.plain(load(None)))[:3] == ["node", "external_labels", "server"]
    assert configshow.as_yaml(load(None)).startswith("node: ")


def test_headers_of_sinks_are_hidden() -> None:
    config = load(None, ["logs.sinks=[{type: http, url: 'http://x', headers: {X-Key: hunter2}}]"])
    (sink,) = configshow.plain(config)["logs"]["sinks"]
    assert sink["headers"] == {"X-Key": "(secret)"}
