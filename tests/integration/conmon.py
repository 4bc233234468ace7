"""A container of conmon and runc, of the tests' own: its output goes through conmon's log writer."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

TOOLS = ("conmon", "runc", "busybox")
APPLETS = ("sh", "sleep", "printf", "cat")


def missing() -> str:
    """What this needs and the machine lacks; empty when nothing."""
    if os.geteuid() != 0:
        return "needs root"
    lacking = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def _bundle(directory: pathlib.Path, name: str, script: str) -> None:
    busybox = shutil.which("busybox")
    assert busybox
    (directory / "rootfs/bin").mkdir(parents=True)
    shutil.copy(busybox, directory / "rootfs/bin/busybox")
    for applet in APPLETS:
        (directory / "rootfs/bin" / applet).symlink_to("busybox")
    subprocess.run(["runc", "spec", "-b", str(directory)], check=True, timeout=20)
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config["process"]["terminal"] = False
    config["process"]["args"] = ["/bin/sh", "-c", script]
    config["root"]["path"] = str(directory / "rootfs")
    config["linux"]["cgroupsPath"] = f"/deckwatch-test-{os.getpid()}-{name}"
    path.write_text(json.dumps(config))


@contextmanager
def container(directory: pathlib.Path, script: str, *options: str) -> Iterator[pathlib.Path]:
    """The log file of a started container; at the end all of it is gone."""
    name = f"dw{uuid.uuid4().hex[:12]}"
    bundle = directory / name
    bundle.mkdir()
    _bundle(bundle, name, script)
    log = bundle / "ctr.log"
    command = [
        "conmon",
        "--api-version",
        "1",
        "-c",
        name,
        "-u",
        name,
        "-n",
        name,
        "-r",
        shutil.which("runc") or "",
    ]
    command += ["-b", str(bundle), "-p", str(bundle / "pid"), "-l", f"k8s-file:{log}", *options]
    command += ["--exit-dir", str(bundle), "--socket-dir-path", str(bundle)]
    subprocess.run(command, check=True, timeout=20, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (bundle / "pid").exists() or b'"created"' not in _state(name):
        assert time.monotonic() < deadline, "the container was not created in time"
        time.sleep(0.02)
    subprocess.run(["runc", "start", name], check=True, timeout=20)
    try:
        yield log
    finally:
        subprocess.run(
            ["runc", "delete", "--force", name], check=False, timeout=20, stderr=subprocess.DEVNULL
        )


def _state(name: str) -> bytes:
    shown = subprocess.run(["runc", "state", name], check=False, timeout=20, capture_output=True).stdout
    return shown.replace(b" ", b"").replace(b'"status":"created"', b'"created"')
