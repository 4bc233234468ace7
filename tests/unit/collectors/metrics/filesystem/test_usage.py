"""What a directory uses, as the kernel counts it."""

from __future__ import annotations

import errno
import os
import pathlib
import subprocess
from collections.abc import Callable
from typing import TypeVar

import pytest

from collectors.metrics.crew import Crew, Stuck
from collectors.metrics.filesystem import usage
from collectors.metrics.filesystem.hostmounts import HostMounts
from collectors.metrics.filesystem.places import Place, Places
from collectors.metrics.filesystem.usage import Account, Figures, Meter
from runtime.linux import btrfs, quota
from runtime.linux.beneath import mount_of
from runtime.linux.statfs import Space, space
from tests.eventually import eventually
from tests.filesystems import PROJECTS, Mute, image, set_project, want_project_quotas
from tests.unit.collectors.metrics.filesystem.conftest import Settle, leave

T = TypeVar("T")


@pytest.fixture
def meter(places: Places, crew: Crew) -> Meter:
    return Meter(places, crew)


def place_of(places: Places, subject: object) -> Place:
    layout = places.find(subject)  # type: ignore[arg-type]
    assert layout is not None and layout.layer is not None
    return layout.layer


def test_a_shared_file_system_tells_its_limits_and_no_use(
    meter: Meter, places: Places, settle: Settle, tmp_path: pathlib.Path
) -> None:
    figures = meter.figures(place_of(places, settle("a")))
    whole = space(str(tmp_path))
    assert figures.limit == whole.total and figures.used is None and figures.files == whole.files
    assert figures.files_free is not None and abs(figures.files_free - whole.files_free) < 10_000


class Counting(Crew):
    """A crew that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("counting")
        self.asked: list[str] = []

    def ask(self, key: str, doing: str, call: Callable[[], T], late: Callable[[], None] | None = None) -> T:
        self.asked.append(doing)
        return super().ask(key, doing, call, late)


def test_a_file_system_is_asked_once_a_round(places: Places, settle: Settle) -> None:
    crew = Counting()
    meter = Meter(places, crew)
    first, second = (place_of(places, settle(name)) for name in "ab")
    assert meter.figures(first) == meter.figures(second)
    assert crew.asked == [f"statfs of {first.whole}"]
    meter.begin(())
    meter.figures(first)
    assert len(crew.asked) == 2
    crew.dismiss()


def test_the_quotas_of_a_file_system_are_read_in_one_call(
    places: Places, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = quota.ProjectQuota(used=4096, limit=0, files=3, files_limit=0)
    monkeypatch.setattr(quota, "used_by", lambda descriptor, project: told)
    crew = Counting()
    meter = Meter(places, crew)
    known = [on_disk(tmp_path)._replace(project=project) for project in (1, 2, 3)]
    newcomer = known[0]._replace(project=4)
    meter.begin(known)
    assert crew.asked == []
    assert meter.account(newcomer) == Account(4096, 0, 3)
    assert set(meter._accounts) == {newcomer}
    assert [meter.account(place) for place in known] == [Account(4096, 0, 3)] * 3
    assert len(crew.asked) == 2
    crew.dismiss()


def test_a_file_system_of_its_own_is_told_whole(meter: Meter, places: Places, settle: Settle) -> None:
    subject = settle("a", binds=[("tmpfs size=1m,nr_inodes=50", "/data")])
    layout = places.find(subject)
    assert layout is not None
    pathlib.Path(f"/proc/{subject.pid}/root/data/file").write_bytes(bytes(300_000))
    figures = meter.figures(layout.volumes[0])
    assert figures.limit == 1 << 20 and figures.used is not None and 300_000 <= figures.used < 320_000
    assert (figures.files, figures.files_free) == (50, 48)


def test_a_subvolume_is_told_by_its_quota_group(
    meter: Meter, places: Places, settle: Settle, host: HostMounts, tmp_path: pathlib.Path
) -> None:
    with image(tmp_path, "btrfs", size=128 << 20) as top:
        for command in (
            ("subvolume", "create", str(top / "layer")),
            ("quota", "enable", str(top)),
        ):
            subprocess.run(["btrfs", *command], check=True, capture_output=True)
        (top / "layer/data").write_bytes(os.urandom(2 << 20))
        subprocess.run(["btrfs", "quota", "rescan", "-w", str(top)], check=True, capture_output=True)
        os.sync()
        host.refresh()
        subject = settle("a", lower=top / "layer")
        place = place_of(places, subject)
        figures = meter.figures(place)
        assert figures.used is not None and 2 << 20 <= figures.used < 3 << 20
        assert figures.limit == 128 << 20 and figures.files is None
        subprocess.run(
            ["btrfs", "qgroup", "limit", "16m", str(top / "layer")], check=True, capture_output=True
        )
        meter.begin([place])
        assert meter.figures(place).limit == 16 << 20
        leave(subject)


@pytest.mark.parametrize(
    ("group", "account"),
    [
        (btrfs.Qgroup(300, 200, 0, 0), Account(200, 0)),
        (btrfs.Qgroup(300, 200, 1000, 0), Account(300, 1000)),
        (btrfs.Qgroup(300, 200, 0, 500), Account(200, 500)),
    ],
)
def test_what_is_limited_is_what_counts(group: btrfs.Qgroup, account: Account) -> None:
    assert usage._of_group(group) == account


def test_a_project_is_told_by_its_quota(
    meter: Meter, places: Places, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As recorded, where the kernel has none: the quota's limits instead of the file system's."""
    told = quota.ProjectQuota(used=4096, limit=8 << 20, files=3, files_limit=100)
    monkeypatch.setattr(quota, "used_by", lambda descriptor, project: told)
    place = on_disk(tmp_path)._replace(project=77, inherits=True)
    meter.begin([place])
    assert meter.figures(place) == Figures(8 << 20, 4096, 100, 97)
    unlimited = told._replace(limit=0, files_limit=0)
    monkeypatch.setattr(quota, "used_by", lambda descriptor, project: unlimited)
    meter.begin([place])
    whole = meter.figures(place._replace(project=0))
    assert meter.figures(place)[:3] == (whole.limit, 4096, whole.files)


def test_without_the_right_to_read_quotas_statfs_tells_a_limited_one(
    meter: Meter, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, project: int) -> quota.ProjectQuota:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(quota, "used_by", refuse)
    place = on_disk(tmp_path)._replace(project=77, inherits=True)
    meter.begin([place])
    assert meter.figures(place).used is None
    limited = Space(8 << 20, 6 << 20, 100, 90)
    monkeypatch.setattr(usage, "_whole", lambda place: Space(64 << 20, 60 << 20, 5000, 4000))
    monkeypatch.setattr(usage.statfs, "space", lambda at: limited)
    meter.begin([place])
    assert meter.figures(place) == Figures(8 << 20, 2 << 20, 100, 90)


def test_a_file_system_that_hangs_is_stuck_and_comes_back(
    places: Places, settle: Settle, tmp_path: pathlib.Path
) -> None:
    crew = Crew("test", patience=1.0)
    meter = Meter(places, crew)
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    try:
        layout = places.find(settle("a", binds=[(str(mute.target), "/data")]))
        assert layout is not None
        (volume,) = layout.volumes
        with pytest.raises(Stuck, match="statfs of /data in process"):
            meter.figures(volume)
        mute.speak()
        eventually(lambda: not crew.trouble(), "the return of the call")
        assert meter.figures(volume) == Figures(4_096_000, 600 * 4096, 50, 20)
    finally:
        mute.close()
        crew.dismiss()


def test_what_is_mounted_over_the_place_is_not_taken_for_it(meter: Meter, tmp_path: pathlib.Path) -> None:
    place = on_disk(tmp_path)
    with pytest.raises(FileNotFoundError):
        meter.figures(place._replace(mount=place.mount + 1_000_000))


@pytest.mark.inside_cgroup2
@pytest.mark.parametrize(("kind", "size", "making"), PROJECTS)
def test_a_layer_with_a_real_project(
    meter: Meter,
    places: Places,
    host: HostMounts,
    settle: Settle,
    tmp_path: pathlib.Path,
    kind: str,
    size: int,
    making: tuple[str, ...],
) -> None:
    want_project_quotas()
    with image(tmp_path, kind, size=size, options="prjquota", make=making) as top:
        layer = top / "layer/diff"
        layer.mkdir(parents=True)
        descriptor = os.open(layer, os.O_RDONLY)
        set_project(descriptor, 77)
        os.close(descriptor)
        subprocess.run(["setquota", "-P", "77", "0", "8192", "0", "100", str(top)], check=True)
        host.refresh()
        subject = settle("a", upper=layer)
        (layer / "data").write_bytes(bytes(1 << 20))
        os.sync()
        place = place_of(places, subject)
        assert (place.project, place.inherits) == (77, True)
        figures = meter.figures(place)
        assert figures.limit == 8 << 20 and figures.files == 100
        assert figures.used is not None and 1 << 20 <= figures.used < 2 << 20
        descriptor = places.open(place)
        without_right = usage._by_statfs(descriptor, place)
        os.close(descriptor)
        assert without_right is not None and without_right.limit == 8 << 20
        assert abs(without_right.used - figures.used) <= 4096
        leave(subject)


def on_disk(directory: pathlib.Path) -> Place:
    """A directory of the host, on the mount that it really lies on."""
    descriptor = os.open(directory, os.O_PATH)
    try:
        number = mount_of(descriptor)
    finally:
        os.close(descriptor)
    host = HostMounts()
    mount = host.by_id(number)
    host.close()
    assert mount is not None
    return Place(mount.device, "", str(directory), mount.target, number)
