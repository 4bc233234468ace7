"""Processors and memory as sysfs lays them out."""

from __future__ import annotations

import pathlib

import pytest

from collectors.metrics import catalogue, topology
from collectors.metrics.topology import Cpu, cpus, numbers


@pytest.fixture
def sys(tmp_path: pathlib.Path) -> str:
    """Two packages of one core with two threads each, a NUMA node each; one level-3 cache per package."""
    files = {"cpu/online": "0-3", "node/online": "0-1"}
    for cpu in range(4):
        package = cpu // 2
        shared = f"{package * 2}-{package * 2 + 1}"
        files |= {
            f"cpu/cpu{cpu}/topology/physical_package_id": str(package),
            f"cpu/cpu{cpu}/topology/core_id": "0",
            f"cpu/cpu{cpu}/topology/thread_siblings_list": shared,
        }
        for index, (level, kind, size) in enumerate((("1", "Data", "32K"), ("3", "Unified", "8M"))):
            files |= {
                f"cpu/cpu{cpu}/cache/index{index}/level": level,
                f"cpu/cpu{cpu}/cache/index{index}/type": kind,
                f"cpu/cpu{cpu}/cache/index{index}/size": size,
                f"cpu/cpu{cpu}/cache/index{index}/shared_cpu_list": shared,
            }
    for node in range(2):
        files |= {
            f"node/node{node}/cpulist": f"{node * 2}-{node * 2 + 1}",
            f"node/node{node}/distance": "10 21" if node == 0 else "21 10",
            f"node/node{node}/meminfo": f"Node {node} MemTotal:       2048 kB\n",
            f"node/node{node}/hugepages/hugepages-2048kB/nr_hugepages": str(node),
        }
    for name, text in files.items():
        path = tmp_path / "devices/system" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return str(tmp_path)


def test_each_cpu_knows_its_node_package_core_and_siblings(sys: str) -> None:
    found = cpus(sys)
    assert found[0] == Cpu(0, 0, 0, 0, (0, 1)) and found[3] == Cpu(3, 1, 1, 0, (2, 3))


def test_caches_stand_once_and_nodes_tell_memory_pages_and_distance(sys: str) -> None:
    told = dict(topology.sections(sys, cpus(sys)))
    assert told[catalogue.MACHINE_CACHE] == [
        ('node_id="0",core_id="0",type="Data",level="1"', 32 << 10),
        ('node_id="0",core_id="0",type="Unified",level="3"', 8 << 20),
        ('node_id="1",core_id="0",type="Data",level="1"', 32 << 10),
        ('node_id="1",core_id="0",type="Unified",level="3"', 8 << 20),
    ]
    assert told[catalogue.MACHINE_THREAD_SIBLINGS][3] == ('node_id="1",core_id="0",thread_id="3"', 2)
    assert told[catalogue.MACHINE_NODE_MEMORY] == [('node_id="0"', 2 << 20), ('node_id="1"', 2 << 20)]
    assert told[catalogue.MACHINE_NODE_HUGEPAGES][1] == ('node_id="1",page_size="2048"', 1)
    assert told[catalogue.MACHINE_NODE_DISTANCE][1] == ('node_id="0",target_node_id="1"', 21)


def test_a_host_without_sysfs_tells_nothing(tmp_path: pathlib.Path) -> None:
    assert cpus(str(tmp_path)) == [] and dict(topology.sections(str(tmp_path), [])) == {}


@pytest.mark.parametrize(("text", "found"), [("0-2,8", (0, 1, 2, 8)), ("5", (5,)), ("", ()), ("x,1-", (1,))])
def test_lists_of_numbers(text: str, found: tuple[int, ...]) -> None:
    assert numbers(text) == found
