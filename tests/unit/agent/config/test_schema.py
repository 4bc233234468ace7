"""The configuration's keys as data."""

from __future__ import annotations

import pytest

from agent.config import schema as configschema
from agent.config.schema import Key, keys
from agent.config.settings import Config, Metrics
from agent.config.types import Duration, Size


@pytest.mark.parametrize("key", list(keys()), ids=lambda key: key.path)
def test_each_key_is_documented(key: Key) -> None:
    assert key.text
    assert key.text.endswith(".")
    assert key.path.endswith(":") or key.takes


def test_documentation_is_the_text_below_the_field() -> None:
    assert configschema.documentation(Metrics)["series_limit"].startswith("Series of what containers use")


def test_values_are_shown_as_they_are_written() -> None:
    assert configschema.shown(120.0, Duration) == "2m"
    assert configschema.shown(64 << 20, Size) == "64Mi"
    assert configschema.shown(1000, Size) == 1000
    assert configschema.shown(("a",), tuple[str, ...]) == ["a"]


def test_the_schema_holds_every_key_with_default_and_description() -> None:
    schema = configschema.schema()
    assert schema["additionalProperties"] is False
    timeout = schema["properties"]["query"]["properties"]["timeout"]
    assert timeout["default"] == "30s" and timeout["description"]
    enabled = schema["properties"]["inventory"]["properties"]["docker"]["properties"]["enabled"]
    assert enabled["anyOf"] == [{"type": "boolean"}, {"enum": ["auto"]}]
    workload = schema["properties"]["workloads"]["items"]
    assert workload["required"] == ["name"]
    assert workload["properties"]["env"]["additionalProperties"] == {"type": ["string", "number", "boolean"]}
    assert "workload_files" not in schema["properties"]
    assert "default" not in schema["properties"]["node"], "the default is this host's"


def test_the_defaults_keep_to_their_own_schema() -> None:
    def keeps(value: object, schema: dict[str, object]) -> None:
        if isinstance(value, dict) and "properties" in schema:
            properties = schema["properties"]
            assert isinstance(properties, dict)
            assert set(value) <= set(properties)
            for name, item in value.items():
                keeps(item, properties[name])

    keeps(configschema.shown(Config(), Config), configschema.schema())
