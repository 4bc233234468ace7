"""Labels of hostile containers come out valid, and the same names always the same way."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from agent.exposition.escaping import LONGEST_VALUE, Cuts, label_name, labels_text


def parsed(labels: str) -> dict[str, str]:
    """The labels as a Prometheus parser reads them back."""
    (family,) = text_string_to_metric_families(f"m{{{labels}}} 1\n")
    return dict(family.samples[0].labels)


def test_values_survive_quotes_backslashes_and_newlines() -> None:
    hostile = 'say "hi"\\n\nthen \\ and é…'
    assert parsed(labels_text([("name", hostile)])) == {"name": hostile}


def test_lone_surrogates_become_replacement_characters() -> None:
    assert labels_text([("name", "a\udcffb")]).encode() == 'name="a\ufffdb"'.encode()


def test_a_long_value_is_cut_at_the_stated_length_and_counted() -> None:
    before = Cuts.count
    value = parsed(labels_text([("name", "x" * 100_000), ("b", "y")]))["name"]
    assert value == "x" * (LONGEST_VALUE - 1) + "…"
    assert Cuts.count == before + 1


def test_a_value_of_the_stated_length_stays_whole() -> None:
    before = Cuts.count
    assert parsed(labels_text([("name", "x" * LONGEST_VALUE)]))["name"] == "x" * LONGEST_VALUE
    assert Cuts.count == before


def test_names_of_container_labels_are_spelled_as_cadvisor_does() -> None:
    assert label_name("com.docker.compose/x-y") == "com_docker_compose_x_y"


def test_two_labels_that_become_one_name_give_one_label() -> None:
    assert labels_text([(label_name("a.b"), "1"), (label_name("a_b"), "2")]) == 'a_b="1"'
