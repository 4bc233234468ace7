"""Selectors and references mean what PromQL and the command line's users expect."""

from __future__ import annotations

import pytest

from agent.selectors import Ambiguous, NotFound, SelectorError, parse, resolve
from collectors.model import Container, Entry, Role, State, identity

WEB = Container(
    id="/docker/aaaa11112222", name="web", engine="docker", engine_id="aaaa11112222", image="nginx:1.25",
    labels={"app": "shop", "app.kubernetes.io/name": "front"},
)  # fmt: skip
POD = Container(
    id="/kubepods/bbbb33334444", name="bbbb33334444", engine="containerd", engine_id="bbbb33334444",
    image="pay", namespace="prod", pod="pay-1", container="app", owner="ReplicaSet/pay",
)  # fmt: skip
REPLICAS = [
    Container(
        id=f"/deckwatch/workloads/job-{number}", name=f"job-{number}", engine="deckwatch",
        engine_id=f"job-{number}", workload="job", started_at=100.0,
    )
    for number in (10, 9, 1)
]  # fmt: skip
ALL = [WEB, POD, *REPLICAS]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", {"web", "bbbb33334444", "job-1", "job-9", "job-10"}),
        ("{}", {"web", "bbbb33334444", "job-1", "job-9", "job-10"}),
        ('{name="web"}', {"web"}),
        ("name=web", {"web"}),
        ('name = "web" , engine != "podman",', {"web"}),
        ("{engine=~`docker|contain.*`}", {"web", "bbbb33334444"}),
        ("image=~'nginx'", set()),
        ('image=~"nginx.*"', {"web"}),
        ('engine!~"d.*"', {"bbbb33334444"}),
        ('namespace=""', {"web", "job-1", "job-9", "job-10"}),
        ('label_app="shop"', {"web"}),
        ('label_app_kubernetes_io_name="front"', {"web"}),
        ('label_gone=""', {"web", "bbbb33334444", "job-1", "job-9", "job-10"}),
        ('workload="job",name!="job-9"', {"job-1", "job-10"}),
        ("state=running,id=/docker/aaaa11112222", {"web"}),
        (r'name="w\x65b"', {"web"}),
        ("state=exited", set()),
        ("role=container,owner=ReplicaSet/pay", {"bbbb33334444"}),
        ("role=~pod|service", set()),
    ],
)
def test_selectors_choose(text: str, names: set[str]) -> None:
    selector = parse(text)
    assert {one.name for one in ALL if selector.matches(one)} == names
    assert {one.name for one in ALL if selector.matches(Entry(container=one))} == names


def test_a_regular_expression_matches_across_lines() -> None:
    two_lines = Container(id="/x", name="x", engine="docker", labels={"note": "one\ntwo"})
    assert parse('label_note=~"one.*"').matches(two_lines)


def test_an_identity_is_matched_by_what_it_has() -> None:
    assert parse('name="web",namespace=""').matches_identity(identity(WEB))
    assert not parse('label_app="shop"').matches_identity(identity(WEB))


def test_a_value_that_is_not_unicode_is_only_a_value() -> None:
    hostile = Container(id="/x", name="a\udcff", engine="docker")
    assert parse('name=~"a."').matches(hostile)
    assert not parse('name=~"b\udcff"').matches(hostile)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{name="web"', 'selector {name="web": expected , or } at character 12'),
        ('{name="web"} x', "expected the end at character 14"),
        ('name="web" engine="x"', "expected , or the end at character 12"),
        ('nme="web"', "no field nme; did you mean name? at character 1"),
        ('label_="x"', "no field label_; "),
        ("name", "expected one of = != =~ !~ at character 5"),
        ("name=", "expected a value in quotes at character 6"),
        ('name="web', "expected a value in quotes at character 6"),
        ('{name=~"a("}', "cannot read the regular expression a(: "),
        (r'name=~"(a)\\1"', "cannot read the regular expression"),
        ("=x", "expected a field name at character 1"),
        ("name=" + "x" * 5000, "selector of 5005 characters; the longest allowed is 4096"),
    ],
)
def test_errors_say_what_and_where_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        ("web", ["web"]),
        ("aaaa", ["web"]),
        ("aaaa11112222", ["web"]),
        ("/docker/aaaa11112222", ["web"]),
        ("%2Fdocker%2Faaaa11112222", ["web"]),
        ("prod/pay-1/app", ["bbbb33334444"]),
        ("job", ["job-1", "job-9", "job-10"]),
        ("job-9", ["job-9"]),
    ],
)
def test_references_name(reference: str, names: list[str]) -> None:
    assert [one.name for one in resolve(reference, ALL)] == names


def test_a_prefix_of_several_ids_is_ambiguous_and_names_them() -> None:
    other = Container(id="/docker/aaaa9", name="other", engine="docker", engine_id="aaaa9999")
    with pytest.raises(Ambiguous) as caught:
        resolve("aaaa", [WEB, other])
    assert caught.value.candidates == ["aaaa11112222", "aaaa9999"]
    assert resolve("aaaa9", [WEB, other]) == [other]


def test_a_name_in_two_engines_is_ambiguous_by_path() -> None:
    other = Container(id="/libpod/web", name="web", engine="podman", engine_id="cccc")
    with pytest.raises(Ambiguous) as caught:
        resolve("web", [WEB, other])
    assert caught.value.candidates == ["/docker/aaaa11112222", "/libpod/web"]


def test_short_prefixes_and_unknown_names_are_not_found_with_the_nearest() -> None:
    with pytest.raises(NotFound):
        resolve("aaa", ALL)
    with pytest.raises(NotFound) as caught:
        resolve("wbe", ALL)
    assert "web" in caught.value.nearest
    assert "did you mean web" in str(caught.value)
    with pytest.raises(NotFound, match="deckwatch ps -a lists all"):
        resolve("", ALL)


def test_the_living_one_of_a_name_counts_else_the_last() -> None:
    def made(id: str, started: float, state: State) -> Container:
        return Container(id=id, name="web", engine="docker", engine_id=id, started_at=started, state=state)

    old, new = made("/1", 1.0, State.EXITED), made("/2", 2.0, State.RUNNING)
    assert resolve("web", [old, new]) == [new]
    older, last = made("/3", 3.0, State.EXITED), made("/4", 4.0, State.EXITED)
    assert resolve("web", [last, older]) == [last]


def test_a_replica_that_was_replaced_counts_once() -> None:
    gone = Container(
        id="/deckwatch/workloads/job-1", name="job-1", engine="deckwatch", workload="job",
        state=State.EXITED, started_at=200.0,
    )  # fmt: skip
    assert [one.state for one in resolve("job", [gone, *REPLICAS])] == [State.RUNNING] * 3


def test_a_pod_and_its_sandbox_have_names() -> None:
    pod, sandbox = (
        Container(id=f"/kubepods/{role}", name=name, engine="x", role=role, namespace="prod", pod="pay-1")
        for role, name in ((Role.POD, ""), (Role.SANDBOX, "cccc"))
    )
    everyone = [*ALL, pod, sandbox]
    assert resolve("prod/pay-1", everyone) == [pod]
    assert resolve("prod/pay-1/POD", everyone) == [sandbox]
    assert resolve("prod/pay-1/app", everyone) == [POD]
    for unknown in ("prod/pay-2", "prod/", "prod/pay-2/POD"):
        with pytest.raises(NotFound):
            resolve(unknown, everyone)
