"""The configuration as a whole: defaults, overrides, and every error at once."""

from __future__ import annotations

import os
import pathlib

import pytest

from agent.config.load import Config, ConfigError, load


def write(directory: pathlib.Path, text: str, name: str = "deckwatch.yaml") -> str:
    path = directory / name
    path.write_text(text)
    return str(path)


def errors_of(path: str | None, *overrides: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, overrides, environment)
    assert str(caught.value).splitlines() == [str(error) for error in caught.value.errors]
    return [str(error) for error in caught.value.errors]


def test_an_empty_file_is_the_defaults(tmp_path: pathlib.Path) -> None:
    config = load(
        write(tmp_path, "# nothing yet\nserver:\n"), ["workloads_dir=" + str(tmp_path / "none")][:0]
    )
    assert config.server.listen == ("127.0.0.1:9780",)
    assert config.metrics.keep_final == 120
    assert config.query.max_bytes == 2 << 30
    assert config.server.socket == os.path.join(config.paths.run, "deckwatch.sock")
    assert config.logs.spool.path == os.path.join(config.paths.state, "spool")
    assert config.file == str(tmp_path / "deckwatch.yaml")


def test_every_error_is_reported_with_line_key_and_nearest_key(tmp_path: pathlib.Path) -> None:
    path = write(
        tmp_path,
        "server:\n"
        "  lissten: []\n"
        "  listen: [localhost]\n"
        "query: {timeout: soon, concurrency: 0}\n"
        "node: ${NOPE}\n"
        "logs:\n"
        "  sinks: [{type: lokki}]\n"
        "metrics: {collectors: {prresure: true}}\n"
        "workloads:\n"
        "- {name: Web, comand: [x]}\n"
        "- {rootfs: host}\n",
    )
    found = errors_of(path, "runtime.engine=runc", "nonsense")
    expected = [
        ("", "--set nonsense: write it as --set KEY=VALUE"),
        ("--set runtime.engine", "runtime.engine: is not implemented in this version; leave it at builtin"),
        (f"{path}:2", "server.lissten: unknown key; did you mean listen?"),
        (f"{path}:3", "server.listen[0]: 'localhost' is no address"),
        (f"{path}:4", "query.timeout: 'soon' is no duration"),
        (f"{path}:4", "query.concurrency: expected a whole number of at least 1, got 0"),
        (f"{path}:5", "node: the environment has no NOPE"),
        (f"{path}:7", "logs.sinks[0].type: no such type"),
        (f"{path}:10", "workloads[0].name: expected a name of lower-case letters"),
        (f"{path}:10", "workloads[0].comand: unknown key; did you mean command?"),
        (f"{path}:11", "workloads[1].name: is missing"),
    ]
    for where, message in expected:
        assert any(error.startswith(where) and message in error for error in found), (where, message, found)
    assert len(found) == len(expected) + 1  # the misspelt collector, whose nearest name the catalogue tells


def test_overrides_go_on_top_and_are_typed(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path, "query: {timeout: 5s}\nmetrics: {keep_dead: 1m}\n")
    config = load(path, ["query.timeout=1m", "server.listen=[127.0.0.1:0]", "runtime.enabled=false"])
    assert config.query.timeout == 60
    assert config.metrics.keep_dead == 60
    assert config.server.listen == ("127.0.0.1:0",)
    assert config.runtime.enabled is False


def test_relative_paths_count_from_the_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etc").mkdir()
    path = write(tmp_path / "etc", "paths: {state: ../state, run: ../run}\n")
    config = load(path)
    assert config.paths.state == str(tmp_path / "state")
    assert config.server.socket == str(tmp_path / "run/deckwatch.sock")


def test_workloads_know_their_owner(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "w.d"
    directory.mkdir()
    more = write(directory, "name: api\nrootfs: host\n", "api.yaml")
    path = write(tmp_path, "workloads: [{name: web, rootfs: host}]\nworkloads_dir: w.d\n")
    config = load(path)
    assert {file: [one.name for one in specs] for file, specs in config.workload_files.items()} == {
        path: ["web"],
        more: ["api"],
    }


def test_one_workload_in_two_files_is_an_error(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "w.d"
    directory.mkdir()
    write(directory, "[{name: web, rootfs: host}]", "a.yaml")
    path = write(tmp_path, "workloads: [{name: web, rootfs: host}]\nworkloads_dir: w.d\n")
    assert "web stands in" in errors_of(path)[0]


def test_a_missing_file_is_one_line(tmp_path: pathlib.Path) -> None:
    assert errors_of(str(tmp_path / "no.yaml")) == [
        f"{tmp_path}/no.yaml: cannot be read: No such file or directory"
    ]


def test_without_a_file_the_defaults_hold(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.config.load.default_file", lambda: str(tmp_path / "absent.yaml"))
    assert isinstance(load(None, ["workloads=[]"]), Config)


@pytest.mark.parametrize("name", ["demo.yaml", "deckwatch.yaml"])
def test_the_examples_are_in_order(name: str) -> None:
    config = load(str(pathlib.Path(__file__).parents[4] / "examples" / name), (), {})
    assert config.workloads
