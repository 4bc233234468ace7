"""Names and numbers as the kernel has them, and sets as /proc shows them."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import pytest

from runtime.linux import capabilities, prctl

InChild = Callable[[Callable[[], object]], str]
HEADER = pathlib.Path("/usr/include/linux/capability.h")


def sets() -> dict[str, int]:
    """The five sets of this process."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return {line[3:6]: int(line.split()[1], 16) for line in lines if line.startswith("Cap")}


@pytest.mark.skipif(
    not HEADER.exists(), reason="kernel headers are not installed (apt install linux-libc-dev)"
)
def test_numbers_are_the_kernels() -> None:
    words = [line.split() for line in HEADER.read_text().splitlines() if line.startswith("#define CAP_")]
    known = {word[1]: int(word[2]) for word in words if len(word) == 3 and word[2].isdigit()}
    assert known == capabilities.NUMBERS


def test_mask() -> None:
    assert capabilities.mask(("CAP_CHOWN", "CAP_KILL")) == 0b100001
    with pytest.raises(KeyError, match="CAP_NONESUCH"):
        capabilities.mask(("CAP_NONESUCH",))


def test_the_kernels_last_one_is_no_lower_than_checkpoint() -> None:
    assert capabilities.last() >= capabilities.NUMBERS["CAP_AUDIT_READ"]


@pytest.mark.root
@pytest.mark.usefixtures("as_root")
def test_sets_are_exact(in_child: InChild) -> None:
    bounding, permitted, ambient = (
        capabilities.mask(names)
        for names in (("CAP_CHOWN", "CAP_KILL", "CAP_SETUID"), ("CAP_KILL", "CAP_CHOWN"), ("CAP_KILL",))
    )

    def action() -> dict[str, int]:
        capabilities.limit_bounding_set(bounding, capabilities.last())
        capabilities.set_sets(permitted, permitted, ambient)
        capabilities.set_ambient(ambient)
        return sets()

    expected = {"Inh": ambient, "Prm": permitted, "Eff": permitted, "Bnd": bounding, "Amb": ambient}
    assert in_child(action) == str(expected)


@pytest.mark.root
@pytest.mark.usefixtures("as_root")
def test_what_was_given_up_stays_so(in_child: InChild) -> None:
    def action() -> str:
        prctl.set_no_new_privs()
        capabilities.set_sets(0, 0, 0)
        try:
            os.setresuid(65534, 65534, 65534)
        except PermissionError:
            return "refused"
        return "done"

    assert in_child(action) == "refused"
