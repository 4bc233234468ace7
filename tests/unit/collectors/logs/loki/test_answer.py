"""Answers in Loki's shapes."""

from __future__ import annotations

import pathlib

import msgspec
import pytest

from collectors.logs.journal.match import FORMAT
from collectors.logs.logql.errors import LogQLError
from collectors.logs.loki import answer as answers
from collectors.logs.loki.answer import answer
from collectors.logs.segment import Budget, TooManyBytes
from collectors.model import LogSource
from tests.unit.collectors.logs.loki.asking import Asking


def test_the_health_check(asking: Asking) -> None:
    found = asking.ask("query", "vector(1)+vector(1)", end=1_500_000_000)
    assert found["data"]["result"] == [{"metric": {}, "value": [1.5, "2"]}]
    assert (found["status"], found["data"]["resultType"]) == ("success", "vector")
    assert asking.ask("query", "1+1")["data"]["result"][1] == "2"


def test_lines_of_a_stream_stand_together(asking: Asking) -> None:
    asking.log.write("level=error a", "level=info b")
    found = asking.ask("query_range", '{name="web"}', categorize=True)["data"]
    assert found["encodingFlags"] == ["categorize-labels"]
    (stream,) = found["result"]
    assert stream["stream"] == {
        "node": "n1", "engine": "docker", "service_name": "web", "name": "web", "stream": "stdout",
    }  # fmt: skip
    (newest, text, more), _ = stream["values"]
    assert (newest, text) == (str(asking.log.time), "level=info b")
    metadata = more["structuredMetadata"]
    assert (metadata["level"], metadata["image"], metadata["id"]) == ("info", "nginx:1", "/web")
    assert metadata["detected_level"] == "info"
    assert found["stats"]["summary"]["totalEntriesReturned"] == 2


def test_without_the_flag_all_labels_are_the_stream_s(asking: Asking) -> None:
    asking.log.write("level=error a", "level=info b")
    found = asking.ask("query_range", '{name="web"} | logfmt', forward=True)["data"]
    assert "encodingFlags" not in found
    assert sorted((one["stream"]["level"], one["values"][0][1]) for one in found["result"]) == [
        ("error", "level=error a"), ("info", "level=info b"),
    ]  # fmt: skip


def test_grafana_s_histogram_of_levels(asking: Asking) -> None:
    asking.log.write("level=error a", "level=info b", "level=info c", "d")
    query = 'sum by (level, detected_level) (count_over_time({name="web"} | drop __error__[1h]))'
    found = asking.ask("query_range", query, step=3600 * 10**9)["data"]
    counts = {one["metric"].get("level"): one["values"][0][1] for one in found["result"]}
    assert (found["resultType"], counts) == ("matrix", {"error": "1", "info": "2", None: "1"})
    unknown = [one["metric"] for one in found["result"] if "level" not in one["metric"]]
    assert unknown == [{"detected_level": "unknown"}]


def test_a_container_that_cannot_be_read_is_a_warning(asking: Asking, tmp_path: pathlib.Path) -> None:
    asking.log.write("a")
    (tmp_path / "dir.log").mkdir()
    asking.targets.append(asking.target("web", tmp_path / "dir.log"))
    found = asking.ask("query_range", '{name="web"}')
    assert len(found["data"]["result"]) == 1
    assert "dir.log" in found["warnings"][0]


def test_output_in_the_journal_is_looked_for_there(asking: Asking) -> None:
    asking.log.write("a")
    source = LogSource(path=f"{asking.directory}/none:CONTAINER_ID_FULL=nobody", format=FORMAT)
    asking.targets.append(msgspec.structs.replace(asking.targets[0], id="/other", source=source))
    found = asking.ask("query_range", '{name="web"}')
    assert len(found["data"]["result"]) == 1
    assert "journal" in found["warnings"][0]
    assert asking.ask("index_stats", '{name="web"}')["bytes"] == asking.log.path.stat().st_size


def test_an_answer_is_bounded(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    asking.log.numbers(10)
    with pytest.raises(TooManyBytes):
        list(answer(asking.question("query_range", '{name="web"}'), str(asking.directory), Budget(10)))
    monkeypatch.setattr(answers, "MAX_ANSWER", 20)
    with pytest.raises(LogQLError, match="lower the limit"):
        asking.ask("query_range", '{name="web"}')


def test_more_entries_than_are_allowed(asking: Asking) -> None:
    with pytest.raises(LogQLError, match="max_entries_limit_per_query"):
        asking.ask("query_range", '{name="web"}', limit=5001)
    query = 'rate({name="web"}[1m])'
    assert asking.ask("query_range", query, limit=5001, step=10**12)["data"]["result"] == []


@pytest.mark.parametrize(
    "stages",
    [
        "", "| json", "| logfmt", '| json a="a"', '| regexp "(?P<q>.)"', '| pattern "<x>=<y>"', "| decolorize",
        '| line_format "{{.a}} {{urldecode `%ff`}} {{b64dec `7aCA`}}"', '| label_format z="{{.a}}"',
    ],
)  # fmt: skip
def test_whatever_a_container_prints_is_answered(asking: Asking, stages: str) -> None:
    asking.log.write(
        r'{"a":"\ud800","f":1e999,"big":' + "9" * 400 + "}", r'a="\ud800" b=2', '{"x":' * 2000, "{{ %ff \x00",
        '{"1":1,"":2,"é":3,"a b":4,"__error__":5,"name":"z"}',
    )  # fmt: skip
    asking.log.append(b"no entry \x00\xff\n" + asking.log.line("=").replace(b"=", b"\xff\xed\xa0\x80"))
    for kind in ("query_range", "detected_fields"):
        for categorize in (True, False):
            assert asking.ask(kind, f'{{name="web"}} {stages}', categorize=categorize)


def test_a_query_as_canonical_text(asking: Asking) -> None:
    found = asking.ask("format_query", '{name="web"}|="a"')
    assert found == {"status": "success", "data": '{name="web"} |= "a"'}
    with pytest.raises(LogQLError, match="parse error at line 1, col 7"):
        asking.ask("format_query", "{name=")
