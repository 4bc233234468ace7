"""What is mounted, without what only looks like a file system."""

from __future__ import annotations

import os
import pathlib

import pytest

from collectors.metrics.filesystem import mounts

CONTAINER = b"""100 90 0:50 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/docker/overlay2/y/diff,workdir=/w
101 100 0:51 / /proc rw - proc proc rw
102 100 8:16 /vol /data rw - xfs /dev/sdb rw
103 100 0:52 / /nested rw - overlay overlay rw,upperdir=/u
"""


def test_a_container_has_its_root_and_what_holds_files() -> None:
    found = mounts.parse(CONTAINER)
    assert found.root is not None and found.root.mount_id == 100
    assert [mount.target for mount in found.others] == ["/data"]
    assert found.overlays == {"0:52": "/nested"}
    assert mounts.parse(b"") == (None, (), frozenset(), {})


def test_what_a_program_serves_is_told_and_what_is_reached_through_it() -> None:
    content = (
        CONTAINER
        + b"110 109 8:16 / /remote/a/b rw - xfs /dev/sdb rw\n"
        + b"108 100 0:60 / /remote rw - fuse.sshfs host: rw\n"
        + b"109 108 8:1 / /remote/a rw - ext4 /dev/sda1 rw\n"
        + b"111 100 0:61 / /fusectl rw - fusectl fusectl rw\n"
    )
    assert mounts.parse(content).served == {108, 109, 110}


def test_the_list_of_a_process_is_read_so_far_only(tmp_path: pathlib.Path) -> None:
    (tmp_path / "7").mkdir()
    line = b"9%07d 1 9:1 / /m rw - ext4 /dev/x rw\n"
    (tmp_path / "7/mountinfo").write_bytes(CONTAINER + b"".join(line % at for at in range(20_000)))
    found = mounts.of_process(str(tmp_path), 7)
    assert found.root is not None and 1000 < len(found.others) < 10_000


def test_a_process_that_has_ended_and_is_not_waited_for_yet_is_gone() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ProcessLookupError):
            mounts.of_process("/proc", pid)
    finally:
        os.waitpid(pid, 0)
