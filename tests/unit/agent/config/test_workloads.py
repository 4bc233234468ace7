"""Files that hold workloads."""

from __future__ import annotations

import pathlib

import pytest

from agent.config import workloads as workloadfile


@pytest.mark.parametrize(
    "text",
    ["[{name: a}, {name: b}]", "workloads: [{name: a}, {name: b}]", "workloads:\n- name: a\n- name: b\n"],
)
def test_lists_of_workloads(text: str) -> None:
    assert [spec.name for spec in workloadfile.parse(text, "f")] == ["a", "b"]


def test_a_single_workload_and_an_empty_file(tmp_path: pathlib.Path) -> None:
    assert [spec.name for spec in workloadfile.parse("name: a\nrootfs: host", "f")] == ["a"]
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    assert workloadfile.read(str(empty)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("workloads: []\nserver: {}", "f:2: server: unknown key"),
        ("[{name: a}, {name: a}]", "two workloads are called a"),
        ("[{name: a, replicas: many}]", r"f:1: \[0\].replicas: expected a whole number"),
        ("a: [", "no valid YAML"),
    ],
)
def test_wrong_files(text: str, message: str) -> None:
    with pytest.raises(workloadfile.WorkloadFileError, match=message):
        workloadfile.parse(text, "f")


def test_a_file_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(workloadfile.WorkloadFileError, match="cannot be read: No such file"):
        workloadfile.read(str(tmp_path / "no.yaml"))


def test_a_directory_is_read_in_order_without_backups(tmp_path: pathlib.Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "c.yaml~", "d.txt"):
        (tmp_path / name).write_text("")
    assert workloadfile.files_of(str(tmp_path)) == [str(tmp_path / "a.yml"), str(tmp_path / "b.yaml")]
