"""Users by number and by name, from files that may be hostile."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest

from runtime.linux.errors import Refused
from runtime.supervision import users

PASSWD = """root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/srv/app:/bin/false
1000:x:7:7:a name of digits:/seven:/bin/false
broken
odd:x:notanumber:1::/:
"""


@pytest.fixture
def rootfs(tmp_path: pathlib.Path) -> str:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text("wheel:x:10:\napp:x:1001:app\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (None, (0, 0, "/root")),
        (0, (0, 0, "/root")),
        ("app", (1000, 1001, "/srv/app")),
        ("app:wheel", (1000, 10, "/srv/app")),
        ("app:0", (1000, 0, "/srv/app")),
        # A name wins over a number, as for chown.
        ("1000", (7, 7, "/seven")),
        ("4242", (4242, 0, "/")),
        ("4242:4343", (4242, 4343, "/")),
    ],
)
def test_resolve(rootfs: str, user: str | int | None, expected: tuple[int, int, str]) -> None:
    assert users.resolve(user, rootfs) == expected


@pytest.mark.parametrize(
    "user",
    [
        "",
        ":",
        ":1",
        "1:",
        "nobodyelse",
        "app:nogroup",
        "odd",
        "-1",
        "1:2:3",
        "4294967295",
        "4294967296",
        "1:4294967295",
    ],
)
def test_refused(rootfs: str, user: str) -> None:
    with pytest.raises(Refused):
        users.resolve(user, rootfs)


@pytest.mark.parametrize("group", [4294967295, "4294967296"])
def test_groups_that_the_kernel_would_take_for_others(rootfs: str, group: str | int) -> None:
    with pytest.raises(Refused):
        users.group_id(group, rootfs)


def test_the_default_is_for_an_unset_user(rootfs: str) -> None:
    assert users.resolve(None, rootfs, default=65534) == (65534, 0, "/")


def test_files_are_looked_up_inside(tmp_path: pathlib.Path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (tmp_path / "outside").write_text("evil:x:0:0::/:")
    (root / "etc/passwd").symlink_to("../../outside")
    with pytest.raises(Refused, match="no user evil"):
        users.resolve("evil", str(root))


def test_a_root_without_users_takes_numbers(tmp_path: pathlib.Path) -> None:
    assert users.resolve("5:6", str(tmp_path)) == (5, 6, "/")


def test_a_missing_root_is_refused() -> None:
    with pytest.raises(Refused, match="/nonesuch"):
        users.resolve(None, "/nonesuch")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="making a device needs root")
def test_a_device_in_place_of_the_file_is_not_even_opened(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mknod(tmp_path / "etc/passwd", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    assert users._read(str(tmp_path), "/etc/passwd") == ""
    assert users.resolve("7", str(tmp_path)) == (7, 0, "/")
