"""Labels of a container's series."""

from __future__ import annotations

from msgspec import structs

from agent.exposition.labels import Infos, base_labels, info_labels
from collectors.model import Container, Entry, Role

DOCKER = Entry(
    container=Container(
        id="/docker/abc",
        name="web",
        image='x"y',
        engine="docker",
        engine_id="abc",
        labels={"app.kubernetes.io/name": "shop", "secret": "s"},
    )
)
POD = Entry(
    container=Container(
        id="/kubepods/p/c", name="c1", engine="containerd", namespace="ns", pod="p", container="c"
    )
)


def test_base_labels_are_cadvisors() -> None:
    assert base_labels(DOCKER) == 'id="/docker/abc",name="web",image="x\\"y"'
    assert base_labels(POD) == 'id="/kubepods/p/c",name="c1",image="",namespace="ns",pod="p",container="c"'


def test_chosen_container_labels_stand_on_every_series() -> None:
    assert base_labels(DOCKER, ["app.kubernetes.io/name", "absent"]).endswith(
        ',container_label_app_kubernetes_io_name="shop"'
    )


def test_info_carries_engine_and_allowed_labels_alone() -> None:
    text = info_labels(DOCKER, ["app.kubernetes.io/name"])
    assert 'engine="docker",engine_id="abc"' in text
    assert 'container_label_app_kubernetes_io_name="shop"' in text
    assert "secret" not in text and "namespace" not in text


async def test_infos_are_rendered_once_for_each_report() -> None:
    infos = Infos()
    await infos.prepare([DOCKER, POD], [])
    first = infos.samples([DOCKER, POD], [])
    assert first == [(info_labels(DOCKER, []), 1), (info_labels(POD, []), 1)]
    await infos.prepare([DOCKER], [])
    again = infos.samples([DOCKER, POD], [])
    assert again == first
    assert again[0] is first[0]
    assert again[1] is not first[1]
    renamed = structs.replace(DOCKER, container=structs.replace(DOCKER.container, name="shop"))
    assert infos.samples([renamed], []) == [(info_labels(renamed, []), 1)]


async def test_infos_follow_the_allowed_labels() -> None:
    infos, wanted = Infos(), ["app.kubernetes.io/name"]
    await infos.prepare([DOCKER], [])
    assert "shop" not in infos.samples([DOCKER], [])[0][0]
    assert 'container_label_app_kubernetes_io_name="shop"' in infos.samples([DOCKER], wanted)[0][0]
    await infos.prepare([DOCKER], wanted)
    assert 'container_label_app_kubernetes_io_name="shop"' in infos.samples([DOCKER], wanted)[0][0]


def test_info_tells_role_owner_and_what_a_unit_is() -> None:
    owned = structs.replace(POD, container=structs.replace(POD.container, owner="ReplicaSet/web-5d/x"))
    text = info_labels(owned, [])
    assert 'role="container",owner_kind="ReplicaSet",owner_name="web-5d/x"' in text
    assert "owner" not in info_labels(POD, [])
    unit = Container(
        id="/a.service", name="a", engine="systemd", role=Role.SERVICE, labels={"description": "A"}
    )
    assert info_labels(Entry(container=unit), []).endswith('role="service",description="A"')
    assert "description" not in info_labels(Entry(container=structs.replace(unit, role=Role.CONTAINER)), [])
