"""Descriptors of processes of this kernel."""

from __future__ import annotations

import os
import pathlib
import resource
import socket
import subprocess
import sys

from collectors.metrics.openfiles import UNLIMITED, descriptor_counter, limit_of, sockets_of

HOLDER = """
import resource, socket, sys
held = [open("/dev/null") for _ in range(int(sys.argv[1]))]
held += [socket.socket() for _ in range(int(sys.argv[2]))]
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[3]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
print("ready", flush=True)
sys.stdin.read()
"""


def test_descriptors_sockets_and_limit_of_a_process_are_what_it_has() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, "10", "4", "300"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        count = descriptor_counter()
        assert count(child.pid) == len(os.listdir(f"/proc/{child.pid}/fd")) >= 17
        assert sockets_of(child.pid) == 4
        assert limit_of(child.pid) == 300
        child.communicate()
    assert count(child.pid) is None
    assert sockets_of(child.pid) is None
    assert limit_of(child.pid) is None


def test_own_sockets_come_and_go() -> None:
    before = sockets_of(os.getpid())
    with socket.socket(), socket.socket():
        assert before is not None and sockets_of(os.getpid()) == before + 2
    assert sockets_of(os.getpid()) == before
    assert limit_of(os.getpid()) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_kernel_whose_directory_has_no_size_has_its_entries_counted(tmp_path: pathlib.Path) -> None:
    (tmp_path / "self").mkdir()
    # An empty file stands for a directory of size 0.
    (tmp_path / "self/fd").touch()
    for name in "012":
        (tmp_path / "7/fd").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"7/fd/{name}").touch()
    assert descriptor_counter(str(tmp_path))(7) == 3
    assert descriptor_counter(str(tmp_path))(8) is None


def test_no_limit(tmp_path: pathlib.Path) -> None:
    (tmp_path / "7").mkdir()
    limits = "Limit                     Soft Limit           Hard Limit           Units\n"
    limits += "Max processes             12                   12                   processes\n"
    (tmp_path / "7/limits").write_text(
        limits + "Max open files            unlimited            unlimited            files\n"
    )
    assert limit_of(7, str(tmp_path)) == UNLIMITED
    (tmp_path / "7/limits").write_text(limits)
    assert limit_of(7, str(tmp_path)) is None
