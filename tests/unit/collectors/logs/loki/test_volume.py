"""How much there is."""

from __future__ import annotations

from tests.unit.collectors.logs.loki.asking import Asking


def series(answer: dict[str, dict[str, list[dict[str, object]]]]) -> list[dict[str, object]]:
    return answer["data"]["result"]


def test_stats_count_files(asking: Asking) -> None:
    asking.log.numbers(100)
    size = asking.log.path.stat().st_size
    found = asking.ask("index_stats", '{name="web"}')
    assert (found["streams"], found["chunks"], found["bytes"]) == (2, 1, size)
    assert asking.ask("index_stats", '{name="web"}', start=asking.end + 10**12)["bytes"] == 0


def test_volume_is_in_bytes_of_lines_by_label(asking: Asking) -> None:
    asking.log.write("1234", "56")
    asking.log.write("789", stream="stderr")
    (one,) = series(asking.ask("index_volume", '{name="web"}'))
    assert (one["metric"], one["value"][1]) == ({"name": "web"}, "9")  # type: ignore[index]
    found = series(asking.ask("index_volume", '{name="web"}', grouping=["stream"]))
    assert [(each["metric"], each["value"][1]) for each in found] == [  # type: ignore[index]
        ({"stream": "stdout"}, "6"),
        ({"stream": "stderr"}, "3"),
    ]
    assert len(series(asking.ask("index_volume", '{name="web"}', grouping=["stream"], limit=1))) == 1


def test_volume_of_each_label_whatever_its_value(asking: Asking) -> None:
    asking.log.write("1234")
    asking.log.write("789", stream="stderr")
    found = series(asking.ask("index_volume", '{name="web"}', by_labels=True, grouping=["stream"]))
    assert [(each["metric"], each["value"][1]) for each in found] == [({"stream": ""}, "7")]  # type: ignore[index]
    every = series(asking.ask("index_volume", '{name="web"}', by_labels=True))
    assert {name for each in every for name in each["metric"]} == {  # type: ignore[attr-defined]
        "engine", "name", "node", "service_name", "stream",
    }  # fmt: skip


def test_volume_by_steps(asking: Asking) -> None:
    asking.log.write("1234", "56")
    (one,) = series(asking.ask("index_volume_range", '{name="web"}', step=600 * 10**9))
    assert [value for _, value in one["values"]] == ["6"]  # type: ignore[attr-defined]


def test_more_containers_than_a_query_may_have_series(asking: Asking) -> None:
    asking.log.write("1234")
    asking.targets += [asking.target(f"web-{number}", asking.log.path) for number in range(600)]
    found = series(asking.ask("index_volume", '{engine="docker"}', grouping=["name"], limit=1000))
    assert len(found) == 601
