"""Limits as a user writes them, in OCI terms."""

from __future__ import annotations

import pytest

from runtime.supervision.resources import oci_resources, oci_rlimits
from runtime.supervision.spec import Files, Resources


def asked(**limits: object) -> dict[str, object]:
    """OCI resources without the devices that are always there."""
    found = oci_resources(Resources(**limits))  # type: ignore[arg-type]
    assert found.pop("devices")
    return found


def test_nothing_asked_is_nothing_limited() -> None:
    assert asked() == {}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"cpus": 0.5}, {"cpu": {"period": 100_000, "quota": 50_000}}),
        ({"cpus": 0.001}, {"cpu": {"period": 100_000, "quota": 1000}}),
        ({"cpuset": "0-1"}, {"cpu": {"cpus": "0-1"}}),
        ({"memory": "128Mi"}, {"memory": {"limit": 128 << 20}}),
        ({"memory": "1Ki", "swap": 0}, {"memory": {"limit": 1024, "swap": 1024}}),
        ({"memory": "1Ki", "swap": "1Ki"}, {"memory": {"limit": 1024, "swap": 2048}}),
        ({"memory_high": "1Mi"}, {"unified": {"memory.high": "1048576"}}),
        ({"pids": 64}, {"pids": {"limit": 64}}),
    ],
)
def test_limits(limits: dict[str, object], expected: dict[str, object]) -> None:
    assert asked(**limits) == expected


def test_devices_begin_with_none() -> None:
    first, *rest = oci_resources(Resources())["devices"]
    assert first == {"allow": False, "access": "rwm"}
    assert all(rule["allow"] and rule["type"] == "c" for rule in rest)


def test_rlimits() -> None:
    assert oci_rlimits(Resources(files=Files(nofile=5))) == [{"type": "RLIMIT_NOFILE", "soft": 5, "hard": 5}]
    assert oci_rlimits(Resources()) == []
