"""Cgroups of Kubernetes' pods, told by their paths as the kubelet makes them.

`/kubepods/burstable/podUID` (cgroupfs) or `/kubepods.slice/…/kubepods-burstable-podUID.slice` (systemd, with
`_` for `-`), also below a cgroup root of the kubelet's own. Source: kubernetes, pkg/kubelet/cm (node allocatable
and QoS cgroups, pod container manager, cgroup manager).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from collectors.inventory.beginnings import Beginnings
from collectors.inventory.paths import PathSource
from collectors.inventory.pods import Pods
from collectors.model import Container, Entry, Network, Role, State
from runtime.linux.hierarchies import Hierarchies

ENGINE = "kubernetes"

_CLASSES = "burstable|besteffort|guaranteed"
# What lies above must not be a pods' tree itself: in its own cgroup a container may make what it likes.
_ABOVE = r"(?:/(?!(?:[^/]+-)?kubepods(?:\.slice)?(?:/|$))[^/]+)*"
_CGROUPFS = re.compile(rf"{_ABOVE}/kubepods(?:/(?:{_CLASSES}))?(?:/pod(?P<uid>[0-9A-Za-z_-]{{1,64}}))?")
_SYSTEMD = re.compile(
    rf"{_ABOVE}/(?P<stem>(?:[^/]+-)?kubepods)\.slice(?:/(?P=stem)-(?:{_CLASSES})\.slice)?"
    rf"(?:/(?P=stem)(?:-(?:{_CLASSES}))?-pod(?P<uid>[0-9A-Za-z_]{{1,64}})\.slice)?"
)
_ENDS = ("/kubepods", ".slice", *(f"/{one}" for one in _CLASSES.split("|")))


def pod_uid(path: str) -> str | None:
    """The uid of the pod whose cgroup this is; "" for the cgroups above pods, None for all others."""
    # Most cgroups are told to be none of these by their last name alone.
    if not path.endswith(_ENDS) and "pod" not in path.rpartition("/")[2]:
        return None
    if (found := _CGROUPFS.fullmatch(path)) is not None:
        return found["uid"] or ""
    if (found := _SYSTEMD.fullmatch(path)) is not None:
        return (found["uid"] or "").replace("_", "-")
    return None


class PodCgroups(PathSource):
    """Shows pods and the cgroups above them, with the names that `pods` knows.

    They stand beside the containers inside them, whose use they include, and have no network of their own.
    `news` is called when a pod or a container in one appears.
    """

    def __init__(self, pods: Pods, hierarchies: Hierarchies, news: Callable[[], None]) -> None:
        super().__init__(ENGINE, self._entry)
        self._pods = pods
        self._beginnings = Beginnings(hierarchies)
        self._news = news
        pods.listen(self.look_again)

    def reset(self, paths: Iterable[str]) -> None:
        """See `PathSource.reset`; what is no pod's is not kept, so that looking again is cheap."""
        super().reset(path for path in paths if pod_uid(path) is not None)

    def created(self, path: str) -> None:
        """See `PathSource.created`."""
        if pod_uid(path) is not None:
            super().created(path)
        if pod_uid(path) or pod_uid(path.rpartition("/")[0]):
            self._news()

    def removed(self, path: str) -> None:
        """See `PathSource.removed`."""
        self._beginnings.forget(path)
        super().removed(path)

    def _entry(self, path: str) -> Entry | None:
        uid = pod_uid(path)
        if uid is None:
            return None
        pod = self._pods.of(uid) if uid else None
        container = Container(
            id=path,
            name="",
            engine=ENGINE,
            role=Role.POD if uid else Role.SLICE,
            state=State.RUNNING,
            started_at=self._beginnings.of(path),
            namespace=pod.namespace if pod else "",
            pod=pod.name if pod else "",
            owner=pod.owner if pod else "",
            labels=pod.labels if pod else {},
        )
        return Entry(
            container=container,
            network=Network.NONE,
            pod_uid=uid,
            annotations=pod.annotations if pod else {},
        )
