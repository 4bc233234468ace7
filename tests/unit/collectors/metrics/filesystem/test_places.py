"""Where a container's files lie, told by real mounts."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from collectors.metrics.crew import Crew
from collectors.metrics.filesystem.hostmounts import HostMounts
from collectors.metrics.filesystem.mounts import device_of
from collectors.metrics.filesystem.places import Layout, Place, Places
from collectors.metrics.survey import Subject
from runtime.linux import mountinfo
from tests.filesystems import Mute, image
from tests.unit.collectors.metrics.filesystem.conftest import Settle, leave


def found(places: Places, subject: Subject) -> Layout:
    layout = places.find(subject)
    assert layout is not None
    return layout


def layer(places: Places, subject: Subject) -> Place:
    place = found(places, subject).layer
    assert place is not None
    return place


def inode(places: Places, place: Place) -> int:
    descriptor = places.open(place)
    try:
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def test_an_overlays_upper_directory_is_the_writable_layer(
    places: Places, host: HostMounts, settle: Settle, tmp_path: pathlib.Path
) -> None:
    subject = settle("a")
    place = layer(places, subject)
    df = subprocess.run(
        ["df", "--output=source,target", str(tmp_path)], capture_output=True, text=True, check=True
    )
    source, target = df.stdout.splitlines()[1].split()
    assert (place.suffix, place.path, place.whole) == (f',device="{source}"', f"{tmp_path}/a/upper", target)
    assert inode(places, place) == (tmp_path / "a/upper").stat().st_ino
    assert not (place.own or place.project or place.subvolume or place.pid)


def test_a_plain_directory_is_reached_through_the_process(
    places: Places, settle: Settle, tmp_path: pathlib.Path
) -> None:
    place = layer(places, settle("a", lower=tmp_path / "root"))
    assert inode(places, place) == (tmp_path / "root").stat().st_ino
    assert place.pid and not place.own


def test_a_process_on_the_hosts_root_has_no_layer(places: Places) -> None:
    assert places.find(Subject("/me", os.getpid(), 0)) == Layout()


def test_a_process_that_is_gone_or_another_one_has_none(places: Places) -> None:
    assert places.find(Subject("/gone", 2**22 - 1, 1)) is None
    assert places.find(Subject("/other", os.getpid(), 1)) is None


def test_an_upper_directory_that_only_its_mounter_sees_is_no_place(
    places: Places, settle: Settle, tmp_path: pathlib.Path
) -> None:
    subject = settle("a")
    (tmp_path / "a/upper").rename(tmp_path / "a/elsewhere")
    assert places.find(subject) == Layout()


def test_a_relative_upper_directory_lies_beside_where_the_overlay_is_mounted(
    tmp_path: pathlib.Path, crew: Crew
) -> None:
    """As Docker and Podman mount many layers: from within their directory."""
    (tmp_path / "layers/id/diff").mkdir(parents=True)
    real = next(mount for mount in mountinfo.read() if mount.target == "/")
    proc = tmp_path / "proc"
    lines = (
        f"{real.mount_id} 1 {real.device} / / rw - {real.fs_type} {real.source} rw",
        f"900 1 0:99 / {tmp_path}/layers/id/merged rw - overlay overlay rw,upperdir=id/diff",
    )
    for name in ("self", "1", "7"):
        (proc / name).mkdir(parents=True)
        (proc / name / "mountinfo").write_text("\n".join(lines) + "\n")
    (proc / "7/mountinfo").write_text(
        "100 90 0:99 / / rw - overlay overlay rw,lowerdir=l/A:l/B,upperdir=id/diff\n"
    )
    host = HostMounts(str(proc))
    place = layer(Places(host, crew, str(proc), 4), Subject("/x", 7, 0))
    assert place.path == f"{tmp_path}/layers/id/diff"
    host.close()


def test_file_systems_of_their_own_are_volumes_and_shared_ones_are_not(
    places: Places, settle: Settle, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "shared").mkdir()
    subject = settle(
        "a",
        binds=[
            ("tmpfs size=1m", "/cache"),
            (str(tmp_path / "shared"), "/shared"),
            ("tmpfs size=1m", "/dev/shm"),
        ],
    )
    (volume,) = found(places, subject).volumes
    assert volume.suffix == ',device="/cache",mountpoint="/cache"' and volume.own
    assert inode(places, volume) == os.stat(f"/proc/{subject.pid}/root/cache").st_ino


def test_a_read_only_tmpfs_is_no_volume(places: Places, settle: Settle, tmp_path: pathlib.Path) -> None:
    subject = settle("a", binds=[("tmpfs size=64k", "/secret")])
    remount = ["nsenter", "-t", str(subject.pid), "-m", "mount", "-o", "remount,bind,ro"]
    subprocess.run([*remount, str(tmp_path / "a/merged/secret")], check=True)
    assert found(places, subject).volumes == ()


def test_an_agent_with_mounts_of_its_own_reaches_layers_through_the_first_process(
    settle: Settle, tmp_path: pathlib.Path
) -> None:
    """As in a container with the host's processes, or in a unit with private mounts."""
    subject = settle("a")
    proc = tmp_path / "proc"
    proc.mkdir()
    # The tests' own process stands for the host's first one.
    for name, pid in (("self", "self"), ("1", str(os.getpid())), (str(subject.pid), str(subject.pid))):
        (proc / name).symlink_to(f"/proc/{pid}")
    program = (
        "import sys; from collectors.metrics.crew import Crew; from collectors.metrics.survey import Subject\n"
        "from collectors.metrics.filesystem.hostmounts import HostMounts\n"
        "from collectors.metrics.filesystem.places import Places\n"
        "from collectors.metrics.filesystem.usage import Meter\n"
        "crew = Crew('test'); places = Places(HostMounts(sys.argv[2]), crew, sys.argv[2], 4)\n"
        "place = places.find(Subject('/a', int(sys.argv[1]), 0)).layer\n"
        "print(place.path, Meter(places, crew).figures(place).limit)\n"
    )
    hide = f'mount -t tmpfs dw {tmp_path}/a && exec {sys.executable} -c "$0" {subject.pid} {proc}'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", hide, program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{proc}/1/root{tmp_path}/a/upper", str(shutil.disk_usage(tmp_path).total)]


def test_volumes_of_one_container_are_bounded(places: Places, settle: Settle) -> None:
    subject = settle("a", binds=[("tmpfs size=64k", f"/v{at}") for at in range(6)])
    assert len(found(places, subject).volumes) == 4


def test_a_place_is_not_opened_once_something_else_is_mounted_there(places: Places, settle: Settle) -> None:
    subject = settle("a", binds=[("tmpfs size=64k", "/v")])
    (volume,) = found(places, subject).volumes
    with pytest.raises(FileNotFoundError, match="no longer mounted"):
        places.open(volume._replace(mount=volume.mount + 1_000_000))


def test_a_subvolume_is_told(
    places: Places, settle: Settle, host: HostMounts, tmp_path: pathlib.Path
) -> None:
    with image(tmp_path, "btrfs", size=128 << 20) as top:
        subprocess.run(["btrfs", "subvolume", "create", str(top / "layer")], check=True, capture_output=True)
        (top / "layer/plain").mkdir()
        host.refresh()
        subject = settle("a", lower=top / "layer")
        place = layer(places, subject)
        assert place.subvolume >= 256 and not place.own
        assert place.suffix.startswith(',device="/dev/loop')
        other = settle("b", binds=[(str(top / "layer/plain"), "/plain"), (str(top / "layer"), "/whole")])
        plain, whole = found(places, other).volumes
        assert (plain.subvolume, whole.subvolume) == (0, place.subvolume)
        leave(subject, other)


def test_a_tmpfs_made_for_one_layer_is_its_own(
    places: Places, host: HostMounts, settle: Settle, tmp_path: pathlib.Path
) -> None:
    home = tmp_path / "layer"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "dw", str(home)], check=True)
    try:
        host.refresh()
        subject = settle("a", upper=home / "diff")
        place = layer(places, subject)
        assert place.own and place.suffix == f',device="{home}"'
        leave(subject)
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_a_volume_that_hangs_leaves_the_layer_alone(
    places: Places, host: HostMounts, settle: Settle, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    try:
        host.refresh()
        subject = settle("a", binds=[(str(mute.target), "/data")])
        layout = found(places, subject)
        assert layout.layer is not None and not layout.layer.served
        assert [(volume.path, volume.served) for volume in layout.volumes] == [("/data", True)]
        assert device_of(next(mount for mount in host.real() if mount.fs_type == "fuse")) == "mute"
    finally:
        mute.close()


def test_a_root_that_fuse_serves_is_touched_by_no_thread(
    places: Places, settle: Settle, tmp_path: pathlib.Path
) -> None:
    """As with fuse-overlayfs."""
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    try:
        place = layer(places, settle("a", lower=mute.target))
        assert place.served and not place.own
        assert not mute.asked.is_set()
    finally:
        mute.close()
