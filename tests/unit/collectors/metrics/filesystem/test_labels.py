"""Label text of what a container may name."""

from __future__ import annotations

from collectors.metrics.filesystem.labels import suffix


def test_device_and_mountpoint() -> None:
    assert suffix("/dev/sda1") == ',device="/dev/sda1"'
    assert suffix("tmpfs", "/a b") == ',device="tmpfs",mountpoint="/a b"'


def test_hostile_names_are_escaped_cut_and_valid() -> None:
    assert suffix('a"\\\n') == ',device="a\\"\\\\\\n"'
    assert suffix("a\udcff") == ',device="a\ufffd"'
    assert len(suffix("x" * 5000)) == len(',device=""') + 256
