"""A unit's description is what systemd would show."""

from __future__ import annotations

import os
import pathlib

import pytest

from collectors.inventory.systemd.unitfiles import LONGEST, described, description, specified, templates

UNIT = "[Unit]\nDescription={}\n[Service]\nExecStart=/bin/true\n"


def write(root: pathlib.Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(UNIT.format(text))


def test_the_hosts_own_directory_goes_before_the_distributions(tmp_path: pathlib.Path) -> None:
    assert description("ssh.service", str(tmp_path)) == ""
    write(tmp_path, "usr/lib/systemd/system/ssh.service", "OpenBSD Secure Shell server")
    assert description("ssh.service", str(tmp_path)) == "OpenBSD Secure Shell server"
    write(tmp_path, "etc/systemd/system/ssh.service", "Ours")
    write(tmp_path, "run/systemd/system/ssh.service", "Later")
    assert description("ssh.service", str(tmp_path)) == "Ours"


def test_an_instance_has_its_templates_unless_it_has_its_own(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "usr/lib/systemd/system/getty@.service", "Getty on %I, instance %i of %p")
    assert description("getty@tty1.service", str(tmp_path)) == "Getty on tty1, instance tty1 of getty"
    write(tmp_path, "lib/systemd/system/getty@tty1.service", "Its own")
    assert description("getty@tty1.service", str(tmp_path)) == "Its own"


def test_drop_ins_of_the_unit_its_template_its_prefixes_and_its_kind_are_read(
    tmp_path: pathlib.Path,
) -> None:
    write(tmp_path, "usr/lib/systemd/system/user-.slice.d/10-defaults.conf", "User Slice of UID %j")
    assert description("user-1000.slice", str(tmp_path)) == "User Slice of UID 1000"
    write(tmp_path, "usr/lib/systemd/system/web.service", "Web")
    write(tmp_path, "etc/systemd/system/service.d/10-all.conf", "All services")
    assert description("web.service", str(tmp_path)) == "All services"
    write(tmp_path, "usr/lib/systemd/system/web.service.d/20-own.conf", "Its own")
    assert description("web.service", str(tmp_path)) == "Its own"
    write(tmp_path, "etc/systemd/system/web.service.d/20-own.conf", "Masks it")
    (tmp_path / "etc/systemd/system/web.service.d/30.txt").write_text(UNIT.format("no drop-in"))
    assert description("web.service", str(tmp_path)) == "Masks it"


def test_links_stay_inside_the_hosts_root(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "usr/lib/systemd/system/real.service", "Real")
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    os.symlink("/usr/lib/systemd/system/real.service", tmp_path / "etc/systemd/system/alias.service")
    os.symlink("../../../../../../../etc/hostname", tmp_path / "etc/systemd/system/evil.service")
    assert description("alias.service", str(tmp_path)) == "Real"
    assert description("evil.service", str(tmp_path)) == ""


def test_files_that_never_end_and_endless_texts_are_bounded(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "etc/systemd/system/long.service", "x" * 100_000)
    os.mkfifo(tmp_path / "etc/systemd/system/fifo.service")
    assert description("long.service", str(tmp_path)) == "x" * LONGEST
    assert description("fifo.service", str(tmp_path)) == ""
    assert description("any.service", str(tmp_path / "none")) == ""


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("[Unit]\nDescription=a\nDescription = b \n", "b"),
        ("[Unit]\n# Description=c\n; Description=c\n  #Description=c\nDescription=a\n", "a"),
        ("[Unit]\nDescription=one \\\n# between\n two\n", "one   two"),
        ("[Service]\nDescription=no\n", None),
        ("[Unit]\nDescription=\n", ""),
        ("Description=before any section", None),
        ("", None),
    ],
)
def test_a_file_is_read_as_systemd_reads_it(content: str, found: str | None) -> None:
    assert described(content) == found


def test_specifiers_are_parts_of_the_name() -> None:
    unit = r"a-b@c-d\x2de.service"
    assert specified("%n|%N|%p|%P|%i|%I|%j|%J|%%|%q|%", unit) == (
        r"a-b@c-d\x2de.service|a-b@c-d\x2de|a-b|a/b|c-d\x2de|c/d-e|b|b|%|%q|%"
    )


def test_drop_in_directories_from_the_general_to_the_special() -> None:
    assert templates("a-b-c.service") == ["service", "a-.service", "a-b-.service", "a-b-c.service"]
    assert templates("a-b@x.service") == ["service", "a-@.service", "a-b@.service", "a-b@x.service"]
