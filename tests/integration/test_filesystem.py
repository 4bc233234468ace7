"""File systems of real containers, as df and du tell them; one that hangs is in nobody's way."""

from __future__ import annotations

import pathlib
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.filesystems import Mute
from tests.integration import containerd
from tests.integration.agents import Agent, Scrape
from tests.integration.engines import IMAGE, Dockerd, Missing, wait_until

pytestmark = [pytest.mark.root, pytest.mark.docker, pytest.mark.timeout(300)]

_DISK = {"period": "1s", "walk_period": "2s", "walk_rate": 100_000, "walk_share": 1}
_BLOCK = 4096


@pytest.fixture(scope="module")
def agent(docker_engine: Dockerd) -> Iterator[Agent]:
    made = Agent(
        {
            "inventory": {"docker": {"enabled": True, "socket": docker_engine.socket}},
            "metrics": {"collectors": {"disk_walk": True}, "disk": _DISK, "keep_final": "30m"},
            "logs": {"enabled": False},
            "runtime": {"enabled": False},
        }
    )
    try:
        made.start()
        yield made
    finally:
        made.close()


def seen(agent: Agent, family: str, **labels: str) -> Scrape:
    """A scrape that has a series of this family with these labels."""
    scrapes: list[Scrape] = []

    def there() -> bool:
        scrapes.append(agent.scrape())
        return bool(scrapes[-1].of(family, **labels))

    wait_until(there, f"{family}{labels}")
    return scrapes[-1]


def upper(engine: Dockerd, name: str) -> str:
    return engine.docker("inspect", name, "--format", "{{.GraphDriver.Data.UpperDir}}")


def du(path: str) -> int:
    command = ["du", "-xs", "--block-size=1", path]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def df(path: str, *fields: str) -> list[str]:
    command = ["df", "--block-size=1", f"--output={','.join(fields)}", path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[1].split()


def test_use_is_that_of_du_and_limits_are_those_of_df(agent: Agent, dockerd: Dockerd) -> None:
    script = "dd if=/dev/zero of=/data bs=1M count=20 && cat /bin/sh > /copy; echo written; sleep 600"
    dockerd.run("--name", "writes", "--", "sh", "-c", script)
    wait_until(lambda: "written" in dockerd.docker("logs", "writes"), "what the container writes")
    layer = upper(dockerd, "writes")
    wait_until(
        lambda: (
            abs((agent.scrape().one("container_fs_usage_bytes", name="writes") or 0) - du(layer)) <= _BLOCK
        ),
        "a walk that agrees with du",
    )
    scrape = agent.scrape()
    assert du(layer) >= 20 << 20
    size, files = (int(field) for field in df(layer, "size", "itotal"))
    assert scrape.one("container_fs_limit_bytes", name="writes") == size
    assert scrape.one("container_fs_inodes_total", name="writes") == files
    free = scrape.one("container_fs_inodes_free", name="writes")
    assert free is not None and abs(free - int(df(layer, "iavail")[0])) < 1000
    (labels,) = scrape.of("container_fs_limit_bytes", name="writes")
    source, target, kind = df(layer, "source", "target", "fstype")
    assert dict(labels)["device"] == (target if kind == "tmpfs" else source)
    walked = scrape.one("container_fs_walk_timestamp_seconds", name="writes")
    assert walked is not None and time.time() - 60 < walked <= time.time()


def test_a_layer_that_was_mounted_by_a_relative_path_is_found(
    agent: Agent, dockerd: Dockerd, tmp_path: pathlib.Path
) -> None:
    """With many layers Docker mounts from within its directory, so that the options fit into a page."""
    (tmp_path / "file").touch()
    steps = "".join(f"COPY file /{at}\n" for at in range(60))
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\n{steps}")
    dockerd.docker("build", "-q", "-t", "layers:1", str(tmp_path))
    dockerd.docker("run", "-d", "--name", "layered", "layers:1", "sleep", "600")
    pid = dockerd.docker("inspect", "layered", "--format", "{{.State.Pid}}")
    assert ",upperdir=/" not in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().partition("\n")[0]
    scrape = seen(agent, "container_fs_limit_bytes", name="layered")
    size = int(df(upper(dockerd, "layered"), "size")[0])
    assert scrape.one("container_fs_limit_bytes", name="layered") == size


@pytest.mark.containerd
def test_a_pod_of_containerd_has_figures_too() -> None:
    """cAdvisor has none: it asks the engine where the layers are."""
    starting = containerd.containerd()
    try:
        engine = next(starting)
    except Missing as missing:
        pytest.skip(str(missing))
    here = {"enabled": True, "socket": engine.socket, "state": engine.state, "root": engine.root}
    agent = Agent(
        {
            "inventory": {"containerd": here, "docker": {"enabled": False}},
            "metrics": {"collectors": {"disk_walk": True}, "disk": _DISK},
            "logs": {"enabled": False},
            "runtime": {"enabled": False},
        }
    )
    try:
        agent.start()
        writes = ["sh", "-c", "dd if=/dev/zero of=/tmp/data bs=1M count=5; sleep 600"]
        pod = engine.run_pod("writing", [containerd.Wish("writes", writes)])
        options = pathlib.Path(f"/proc/{engine.pid(pod.ids['writes'])}/mountinfo").read_text().split("\n")[0]
        layer = options.partition("upperdir=")[2].partition(",")[0]
        wait_until(
            lambda: (agent.scrape().one("container_fs_usage_bytes", container="writes") or 0) >= 5 << 20,
            "a walk that finds what was written",
        )
        scrape = agent.scrape()
        assert scrape.one("container_fs_usage_bytes", container="writes", pod="writing") == du(layer)
        assert scrape.one("container_fs_limit_bytes", container="writes") == int(df(layer, "size")[0])
        assert scrape.one("container_fs_limit_bytes", name=pod.sandbox)
    finally:
        agent.close()
        next(starting, None)


def test_the_host_has_its_file_systems(agent: Agent) -> None:
    source, size, used = df("/", "source", "size", "used")
    scrape = seen(agent, "container_fs_limit_bytes", id="/", device=source)
    assert scrape.one("container_fs_limit_bytes", id="/", device=source) == int(size)
    told = scrape.one("container_fs_usage_bytes", id="/", device=source)
    assert told is not None and abs(told - int(used)) < 1 << 30
    assert not [
        one for one in scrape.of("container_fs_usage_bytes", id="/") if "overlay" in dict(one)["device"]
    ]


def test_a_volume_of_its_own_is_told(agent: Agent, dockerd: Dockerd) -> None:
    script = "dd if=/dev/zero of=/cache/f bs=1024 count=100; sleep 600"
    dockerd.run("--name", "caches", "--tmpfs", "/cache:size=1m", "--", "sh", "-c", script)
    wait_until(
        lambda: (agent.scrape().one("container_volume_usage_bytes", mountpoint="/cache") or 0) >= 100 << 10,
        "what the volume holds",
    )
    scrape = agent.scrape()
    assert scrape.one("container_volume_limit_bytes", name="caches", mountpoint="/cache") == 1 << 20
    assert len(scrape.of("container_volume_limit_bytes", name="caches")) == 1


def test_the_end_of_a_container_is_the_end_of_its_figures(agent: Agent, dockerd: Dockerd) -> None:
    dockerd.run("--name", "ends", "--", "sleep", "600")
    seen(agent, "container_fs_limit_bytes", name="ends")
    dockerd.docker("kill", "ends")
    wait_until(lambda: agent.container("ends")["state"] == "exited", "the end")
    assert agent.scrape().of("container_cpu_user_seconds_total", name="ends")

    def figures() -> set[str]:
        families = {family for (family, labels), _ in agent.scrape().items() if ("name", "ends") in labels}
        return {
            one for one in families if one.startswith(("container_fs_l", "container_fs_i", "container_fs_u"))
        }

    # A reading of the moment before may serve once more.
    wait_until(lambda: not figures(), "the end of its figures", 1)


def test_a_file_system_that_hangs_is_named_and_slows_no_scrape(
    agent: Agent, dockerd: Dockerd, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "mute"
    target.mkdir()
    mute = Mute(target)
    try:
        dockerd.run("--name", "hangs", "-v", f"{target}:/data", "--", "sleep", "600")
        dockerd.run("--name", "beside", "--", "sleep", "600")
        wait_until(lambda: stuck(agent), "the condition")
        (text,) = stuck(agent)
        assert "has not answered for" in text and (str(target) in text or "/data" in text)
        seen(agent, "container_fs_limit_bytes", name="beside")
        took = []
        for _ in range(5):
            began = time.monotonic()
            scrape = agent.scrape()
            took.append(time.monotonic() - began)
            assert {"hangs", "beside"} <= {
                dict(one)["name"] for one in scrape.of("container_fs_limit_bytes") if "name" in dict(one)
            }
            assert scrape.one("container_memory_usage_bytes", name="hangs")
            assert not scrape.of("container_volume_limit_bytes", name="hangs")
            assert scrape.of("container_fs_limit_bytes", id="/")
        assert sorted(took)[2] < 1.0
        # Nor does it keep an agent from ending, or the next one from starting.
        assert agent.stop() == 0
        agent.start()
        seen(agent, "container_fs_limit_bytes", name="beside")
        wait_until(lambda: stuck(agent), "the condition once more")
    finally:
        mute.close()
    wait_until(lambda: not stuck(agent), "the end of the condition")


def stuck(agent: Agent) -> list[str]:
    """Texts of the conditions that name something stuck."""
    conditions = agent.json("/-/ready")["conditions"]
    return [one["text"] for one in conditions if one["code"] == "collector_stuck"]
