"""Errors are one line: what failed, on what, and the remedy."""

from __future__ import annotations

from runtime.linux.errors import KernelError, Refused


def test_kernel_error_names_operation_path_and_remedy() -> None:
    error = KernelError("read", "/x/memory.stat", 13, "run as root")
    assert str(error) == "cannot read /x/memory.stat: Permission denied; run as root"


def test_refused_names_key_and_remedy() -> None:
    error = Refused("resources.cpus", "no cpu controller", "mount one, or drop the limit")
    assert str(error) == "resources.cpus: no cpu controller; mount one, or drop the limit"
