"""What a container may not see and may not do, asked from inside."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from runtime.container.bundle import plan_of
from runtime.container.create import StartError
from runtime.container.security import denies_groups
from runtime.linux import capabilities
from runtime.supervision import oci

if TYPE_CHECKING:
    from conftest import Box

SETS = "grep ^Cap /proc/self/status"


def sets(text: str) -> dict[str, int]:
    """Capability sets by the three letters of their line."""
    return {line[3:6]: int(line.split()[1], 16) for line in text.splitlines() if line.startswith("Cap")}


@pytest.mark.root
def test_roots_capabilities_are_the_narrow_set(box: Box) -> None:
    narrow = capabilities.mask(oci.CAPABILITIES)
    assert sets(box.sh(SETS)) == {"Inh": 0, "Prm": narrow, "Eff": narrow, "Bnd": narrow, "Amb": 0}


@pytest.mark.root
def test_a_user_has_none_and_cannot_gain_any(box: Box) -> None:
    found = sets(box.sh(SETS, user="1000:1000"))
    assert found == {"Inh": 0, "Prm": 0, "Eff": 0, "Bnd": capabilities.mask(oci.CAPABILITIES), "Amb": 0}


@pytest.mark.root
def test_an_added_capability_is_usable_by_a_user(box: Box) -> None:
    chosen = {"capabilities": {"add": ["NET_RAW"], "drop": ["ALL"]}}
    raw = capabilities.mask(("CAP_NET_RAW",))
    found = sets(box.sh(SETS, user="1000:1000", security=chosen))
    assert found == {"Inh": raw, "Prm": raw, "Eff": raw, "Bnd": raw, "Amb": raw}


@pytest.mark.root
@pytest.mark.parametrize(("asked", "seen"), [(True, "1"), (False, "0")])
def test_no_new_privileges(box: Box, asked: bool, seen: str) -> None:
    out = box.sh("grep NoNewPrivs /proc/self/status", security={"no_new_privileges": asked})
    assert out.split()[1] == seen


@pytest.mark.root
def test_what_covers_a_masked_file_is_not_the_containers_to_change(box: Box) -> None:
    before = os.stat("/dev/null").st_ctime_ns
    out = box.sh("for p in /proc/keys /proc/timer_list; do busybox chmod 666 $p; touch $p; done 2>&1; true")
    assert out.count("Read-only file system") == 4
    assert os.stat("/dev/null").st_ctime_ns == before


@pytest.mark.root
@pytest.mark.parametrize("user", ["0", "1000:1000"])
@pytest.mark.parametrize("more", [{}, {"no_new_privileges": False}])
def test_the_filter_is_in_force(box: Box, user: str, more: dict[str, bool]) -> None:
    out = box.sh("grep Seccomp: /proc/self/status; unshare -U true 2>&1 || true", user=user, security=more)
    assert out.split()[1] == "2"
    assert "not permitted" in out


@pytest.mark.root
def test_no_filter_when_unconfined(box: Box) -> None:
    out = box.sh("grep Seccomp: /proc/self/status", security={"seccomp": "unconfined"})
    assert out.split()[1] == "0"


@pytest.mark.root
def test_masked_paths_show_nothing(box: Box) -> None:
    here = [path for path in oci.MASKED_PATHS if os.path.exists(path)]
    assert "/proc/keys" in here and "/proc/interrupts" in here
    files = [path for path in here if not os.path.isdir(path)]
    directories = [path for path in here if os.path.isdir(path)]
    script = f"cat {' '.join(files)}; for d in {' '.join(directories)}; do ls -A $d; done"
    assert box.sh(script) == ""


@pytest.mark.root
def test_masks_cannot_be_taken_off(box: Box) -> None:
    out = box.sh("umount /proc/keys 2>&1 || umount /proc/sys 2>&1 || true")
    assert out.count("Operation not permitted") == 2


@pytest.mark.root
@pytest.mark.parametrize(
    "path", ["/proc/sys/kernel/hostname", "/proc/irq/default_smp_affinity", "/sys/kernel/mm/ksm/run"]
)
def test_read_only_paths(box: Box, path: str) -> None:
    if not os.path.exists(path):
        pytest.skip(f"this kernel has no {path}")
    assert "Read-only" in box.sh(f"(echo x > {path}) 2>&1 || true")


@pytest.mark.root
def test_sysctls_of_its_own_namespaces(box: Box) -> None:
    before = pathlib.Path("/proc/sys/net/ipv4/ip_default_ttl").read_text()
    out = box.sh("cat /proc/sys/net/ipv4/ip_default_ttl", sysctls={"net.ipv4.ip_default_ttl": 33})
    assert out.strip() == "33"
    assert pathlib.Path("/proc/sys/net/ipv4/ip_default_ttl").read_text() == before


@pytest.mark.root
@pytest.mark.parametrize(
    "name", ["exe", "environ", "root", "cwd", "fd/5", "fdinfo/5", "mem", "maps", "ns/mnt"]
)
def test_pid_1_shows_nothing_of_the_host(box: Box, name: str) -> None:
    """Not even to root inside: it is undumpable, and nobody may trace it."""
    path = f"/proc/1/{name}"
    ended = box.run("/bin/sh", "-c", f"readlink {path} || ls {path}/ || cat {path}")
    assert ended.code != 0
    assert "denied" in ended.out


@pytest.mark.root
@pytest.mark.parametrize("number", range(3, 12))
def test_a_working_directory_by_descriptor_leads_nowhere(box: Box, number: int) -> None:
    """No descriptor of a host directory is open when the working directory is entered."""
    held = os.open("/", os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        with pytest.raises(StartError) as caught:
            box.run("pwd", working_dir=f"/proc/self/fd/{number}")
    finally:
        os.close(held)
    assert caught.value.stage == "rights"


@pytest.mark.root
def test_a_null_that_is_no_null_is_not_used(box: Box) -> None:
    """Masks and streams take a device made sure of; an image cannot slip in a file for it."""
    config = box.config("stat", "-L", "-c", "%t:%T", "/proc/self/fd/0", "/proc/keys")
    assert box.wait(box.start(config)).out.split() == ["1:3", "1:3"]
    without_dev = [mount for mount in config["mounts"] if not mount["destination"].startswith("/dev")]
    (box.rootfs / "dev").mkdir(exist_ok=True)
    (box.rootfs / "dev/null").write_text("not a device")
    with pytest.raises(StartError, match="/dev/null is not character device"):
        box.start({**config, "mounts": without_dev})


@pytest.mark.root
def test_no_device_can_be_made(box: Box) -> None:
    added = {"capabilities": {"add": ["MKNOD"]}}
    assert "not permitted" in box.sh("/bin/busybox mknod /x b 254 0 2>&1 || true")
    # Even with the capability the root's nodes are dead.
    out = box.sh("/bin/busybox mknod /x c 1 3 2>&1; cat /x 2>&1 || true", security=added)
    assert "denied" in out or "not permitted" in out


def test_setgroups_is_denied_only_without_privilege() -> None:
    process = {"process": {"args": ["x"]}}
    one = {"uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]}
    many = {"uidMappings": [{"containerID": 0, "hostID": 100_000, "size": 65_536}]}
    assert not denies_groups(plan_of(process, "/"))
    assert denies_groups(plan_of({**process, "linux": one}, "/"))
    assert not denies_groups(plan_of({**process, "linux": many}, "/"))
