"""What is rendered is read back by Prometheus' own parsers, in both formats, as it went in."""

from __future__ import annotations

import gzip
import hashlib
import math

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.exposition.render import Section, gzipped, render
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family, Kind
from collectors.metrics.rows import Row, Value

USED = Family(
    name="used_seconds_total", kind=Kind.COUNTER, help='Time "used".', collector="cpu", unit="seconds"
)
HELD = Family(
    name="held_bytes", kind=Kind.GAUGE, help="Back\\slash\nnew line.", collector="memory", unit="bytes"
)
FAILED = Family(name="failcnt", kind=Kind.UNKNOWN, help="Failures.", collector="memory")
READ = Family(name="read_bytes_total", kind=Kind.COUNTER, help="Read.", collector="io", labels=("device",))
FAMILIES = (USED, HELD, FAILED, READ)
ABOUT = Family(name="about_info", kind=Kind.INFO, help="About.", collector="info")


def row(name: str, *values: Value, final: bool = False) -> Row:
    return Row(
        id=f"/{name}", labels=f'id="/{name}",name="{name}"', values=list(values), time=1.0, final=final
    )


def body(
    rows: list[Row], sections: list[Section] | None = None, *, openmetrics: bool = False, **more: object
) -> str:
    return b"".join(
        render(rows, sections or [], openmetrics=openmetrics, families=FAMILIES, **more)  # type: ignore[arg-type]
    ).decode()


def families_of(text: str, openmetrics: bool) -> dict[str, Metric]:
    return {family.name: family for family in (parse_openmetrics if openmetrics else parse_text)(text)}


def values_of(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


ROWS = [
    row("web", 1.5, 4096, 3, ((',device="/dev/vda"', 10), (',device="/dev/vdb"', 20))),
    row("db", 2, None, 0, None),
]


@pytest.mark.parametrize("openmetrics", [False, True])
def test_values_come_back_as_they_went_in(openmetrics: bool) -> None:
    families = families_of(body(ROWS, openmetrics=openmetrics), openmetrics)
    assert values_of(families["used_seconds"]) == {("/web", "web"): 1.5, ("/db", "db"): 2}
    assert values_of(families["held_bytes"]) == {("/web", "web"): 4096}
    assert values_of(families["failcnt"]) == {("/web", "web"): 3, ("/db", "db"): 0}
    assert values_of(families["read_bytes"]) == {
        ("/web", "web", "/dev/vda"): 10,
        ("/web", "web", "/dev/vdb"): 20,
    }


def test_text_format_to_the_letter() -> None:
    assert body(ROWS) == (
        '# HELP used_seconds_total Time "used".\n'
        "# TYPE used_seconds_total counter\n"
        'used_seconds_total{id="/db",name="db"} 2\n'
        'used_seconds_total{id="/web",name="web"} 1.5\n'
        "# HELP held_bytes Back\\\\slash\\nnew line.\n"
        "# TYPE held_bytes gauge\n"
        'held_bytes{id="/web",name="web"} 4096\n'
        "# HELP failcnt Failures.\n"
        "# TYPE failcnt counter\n"
        'failcnt{id="/db",name="db"} 0\n'
        'failcnt{id="/web",name="web"} 3\n'
        "# HELP read_bytes_total Read.\n"
        "# TYPE read_bytes_total counter\n"
        'read_bytes_total{id="/web",name="web",device="/dev/vda"} 10\n'
        'read_bytes_total{id="/web",name="web",device="/dev/vdb"} 20\n'
    )


def test_openmetrics_to_the_letter() -> None:
    text = body([ROWS[0]], [(ABOUT, [('name="web"', 1)])], openmetrics=True, drop=["read_*", "held_*"])
    assert text == (
        "# TYPE used_seconds counter\n"
        "# UNIT used_seconds seconds\n"
        '# HELP used_seconds Time \\"used\\".\n'
        'used_seconds_total{id="/web",name="web"} 1.5\n'
        "# TYPE failcnt unknown\n"
        "# HELP failcnt Failures.\n"
        'failcnt{id="/web",name="web"} 3\n'
        "# TYPE about info\n"
        "# HELP about About.\n"
        'about_info{name="web"} 1\n'
        "# EOF\n"
    )


def test_values_that_are_not_finite_are_spelled_as_the_formats_demand() -> None:
    text = body(
        [row("a", math.inf, -math.inf, math.nan, ((',device="x"', math.nan),)), row("b", 1, 2, 3, None)]
    )
    families = families_of(text, False)
    assert 'used_seconds_total{id="/a",name="a"} +Inf\n' in text
    assert 'held_bytes{id="/a",name="a"} -Inf\n' in text
    assert text.count("NaN\n") == 2
    assert values_of(families["held_bytes"])[("/b", "b")] == 2


def test_numbers_beyond_a_float_are_written_whole() -> None:
    text = body([row("a", 10**400, 1e-07, 2**64, None), row("b", 0.5, 1e22, 0, None)])
    assert f" {10**400}\n" in text
    assert " 1e-07\n" in text and " 1e+22\n" in text and f" {2**64}\n" in text


def test_a_family_without_samples_has_no_header() -> None:
    assert "held_bytes" not in body([row("a", 1, None, 2, None), row("b", 1, None, 2, ())])
    assert "read_bytes" not in body([row("a", 1, None, 2, None), row("b", 1, None, 2, ())])
    assert body([], [(ABOUT, [])]) == ""
    assert body([], openmetrics=True) == "# EOF\n"


def test_a_final_row_gives_only_what_outlives_the_container() -> None:
    text = body([row("web", 1, 2, 3, None), row("old", 7, 8, 9, ((',device="d"', 1),), final=True)])
    families = families_of(text, False)
    assert ("/old", "old") in values_of(families["used_seconds"])
    assert ("/old", "old") in values_of(families["failcnt"])
    assert ("/old", "old", "d") in values_of(families["read_bytes"])
    assert ("/old", "old") not in values_of(families["held_bytes"])


def test_a_final_row_yields_to_the_living_one_with_its_labels() -> None:
    text = body([row("web", 1, 2, 3, None), row("web", 7, 8, 9, None, final=True)])
    assert text.count("used_seconds_total{") == 1
    assert 'used_seconds_total{id="/web",name="web"} 1\n' in text


def test_collect_and_drop_choose_families_everywhere() -> None:
    registry = CollectorRegistry()
    Gauge("own_gauge", "Own.", registry=registry).set(1)
    sections: list[Section] = [(ABOUT, [("", 1)])]
    assert "own_gauge 1.0" in body(ROWS, sections, registry=registry)
    only = body(ROWS, sections, registry=registry, collect=frozenset(["cpu", "info"]))
    assert set(families_of(only, False)) == {"used_seconds", "about_info"}
    assert set(families_of(body(ROWS, sections, registry=registry, collect=frozenset(["agent"])), False)) == {
        "own_gauge"
    }
    assert "about_info" not in body(ROWS, sections, drop=["about*"])


def test_openmetrics_ends_once_with_or_without_the_registry() -> None:
    registry = CollectorRegistry()
    Gauge("own_gauge", "Own.", registry=registry)
    for more in ({"registry": registry}, {}):
        text = body(ROWS, openmetrics=True, **more)
        assert text.endswith("# EOF\n") and text.count("# EOF") == 1


def test_sections_of_one_family_from_two_places_make_one_family() -> None:
    text = body([], [(HELD, [('name="a"', 1)]), (USED, [("", 2)]), (HELD, [('name="b"', 3)])])
    assert text.count("# TYPE held_bytes gauge") == 1
    assert values_of(families_of(text, False)["held_bytes"]) == {("a",): 1, ("b",): 3}
    assert "used_seconds_total 2\n" in text


def test_many_rows_come_in_small_chunks_and_complete() -> None:
    rows = [
        row(f"c{number:05}", number, None if number % 3 else 1, number / 7, None) for number in range(5000)
    ]
    chunks = list(render(rows, [], openmetrics=False, families=FAMILIES))
    assert max(map(len, chunks)) < 256 * 1024
    families = families_of(b"".join(chunks).decode(), False)
    assert len(families["used_seconds"].samples) == len(families["failcnt"].samples) == 5000
    assert len(families["held_bytes"].samples) == len(range(0, 5000, 3))
    assert values_of(families["failcnt"])[("/c04999", "c04999")] == 4999 / 7


def test_few_rows_come_in_one_chunk() -> None:
    assert len(list(render(ROWS, [], openmetrics=False, families=FAMILIES))) == 1


def test_the_gzip_stream_is_the_same_body() -> None:
    rows = [row(hashlib.sha256(b"%d" % number).hexdigest(), number, 1, 2, None) for number in range(4000)]
    plain = list(render(rows, [], openmetrics=False, families=FAMILIES))
    pieces = list(gzipped(iter(plain)))
    assert gzip.decompress(b"".join(pieces)) == b"".join(plain)
    assert len(pieces) > 3


def test_the_catalogue_as_a_whole_is_valid_in_both_formats() -> None:
    def own(family: Family) -> str:
        return "".join(f',{label}="x"' for label in family.labels)

    rows = [
        Row(
            id="/a",
            labels='id="/a"',
            values=[((own(family), 1),) if family.labels else 1 for family in catalogue.ROW],
            time=0.0,
        )
    ]
    others = (*catalogue.LIFECYCLE, *catalogue.LOGS, catalogue.INFO, *catalogue.HOST)
    sections: list[Section] = [(family, [(own(family)[1:], 1)]) for family in others]
    for openmetrics in (False, True):
        text = b"".join(render(rows, sections, openmetrics=openmetrics)).decode()
        assert len(families_of(text, openmetrics)) == len(catalogue.ROW) + len(others)
        names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"}
        assert names == {family.name for family in (*catalogue.ROW, *others)}
