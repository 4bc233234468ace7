"""Fields that lines hold."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.logql.errors import LogQLError
from collectors.logs.loki import fields
from tests.unit.collectors.logs.loki.asking import Asking


def found(asking: Asking, query: str = '{name="web"}', **more: Any) -> dict[str, Any]:
    answer = asking.ask("detected_fields", query, **{"limit": 1000, **more})
    return {one["label"]: one for one in answer["fields"]}


def test_members_of_documents_have_their_path(asking: Asking) -> None:
    asking.log.write('{"status":500,"a":{"b.c":"x"},"list":[1]}', '{"status":404}')
    told = found(asking)
    assert told["status"] == {
        "label": "status", "type": "int", "cardinality": 2, "parsers": ["json"], "jsonPath": ["status"],
    }  # fmt: skip
    assert told["a_b_c"]["jsonPath"] == ["a", "b.c"]
    assert told["image"] == {"label": "image", "type": "string", "cardinality": 1, "parsers": None}
    assert "list" not in told


def test_pairs_and_names_that_are_taken(asking: Asking) -> None:
    asking.log.write("level=info took=12ms size=3KB")
    told = found(asking)
    assert {name: told[name]["type"] for name in ("took", "size")} == {"took": "duration", "size": "bytes"}
    assert (told["level"]["parsers"], told["level_extracted"]["parsers"]) == (None, ["logfmt"])


def test_the_query_s_own_parser_is_believed(asking: Asking) -> None:
    asking.log.write("GET /x 200")
    told = found(asking, '{name="web"} | pattern "<method> <path> <status>"')
    assert {name: told[name]["parsers"] for name in ("method", "status")} == {
        "method": ["pattern"], "status": ["pattern"],
    }  # fmt: skip


def test_limits_of_lines_and_fields(asking: Asking) -> None:
    asking.log.write(*(f"n={number}" for number in range(20)))
    assert found(asking, lines=5)["n"]["cardinality"] == 5
    assert len(found(asking, limit=2)) == 2
    answer = asking.ask("detected_field_values", '{name="web"}', name="n", limit=3)
    assert answer == {"values": ["19", "18", "17"], "limit": 3}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("-3", "int"),
        ("3.5", "float"),
        ("true", "boolean"),
        ("1m3s", "duration"),
        ("5MB", "bytes"),
        ("", "string"),
    ],
)
def test_types(value: str, kind: str) -> None:
    assert fields.type_of(value) == kind


def test_broken_documents_give_no_fields_and_a_metric_query_is_refused(asking: Asking) -> None:
    asking.log.write('{"a":', "{" * 5000)
    assert "a" not in found(asking)
    with pytest.raises(LogQLError, match="only a log query"):
        found(asking, 'rate({name="web"}[1m])')
