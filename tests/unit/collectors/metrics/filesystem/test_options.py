"""What the configuration says about file systems."""

from __future__ import annotations

from collectors.metrics.filesystem.options import DiskOptions


def test_nobody_tells_the_use_unless_an_engine_does() -> None:
    assert DiskOptions().usage_told("/x") is None
    assert DiskOptions(usage_told={"/x": 5}.get).usage_told("/x") == 5
