"""Both of Docker's log drivers that write files, through rotations: what the agent reads is what `docker logs` prints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.agents import Agent
from tests.integration.engines import Dockerd, wait_until

pytestmark = pytest.mark.root

ROUNDS = 25
SCRIPT = rf"""
round=0
while [ $round -lt {ROUNDS} ]; do
  round=$((round+1))
  seq $((round * 1000)) $((round * 1000 + 200))
  seq 1 20 >&2
  printf 'gr\303\274n "quoted" \001 broken \377\n\n   \n'
  head -c 40000 /dev/zero | tr '\0' x; echo " end of $round"
  head -c 16384 /dev/zero | tr '\0' y; echo
  sleep 0.2
done
printf 'without an end'
"""
PRINTED = {
    "stdout": "".join(
        "".join(f"{number}\n" for number in range(round * 1000, round * 1000 + 201))
        + f'gr\u00fcn "quoted" \1 broken \ufffd\n\n   \n{"x" * 40000} end of {round}\n{"y" * 16384}\n'
        for round in range(1, ROUNDS + 1)
    )
    + "without an end",
    "stderr": "\n".join(str(number) for number in [*range(1, 21)] * ROUNDS),
}
STDOUT, STDERR = (text.count("\n") + 1 for text in PRINTED.values())

DRIVERS = {
    "json-file, one file": ("json-file", "max-size=300k", "max-file=1"),
    "json-file, three files": ("json-file", "max-size=300k", "max-file=3"),
    "json-file, compressed": ("json-file", "max-size=300k", "max-file=3", "compress=true"),
    "local, one file": ("local", "max-size=300k", "max-file=1", "compress=false"),
    "local, three files": ("local", "max-size=300k", "max-file=3", "compress=false"),
    "local, compressed": ("local", "max-size=300k", "max-file=3"),
    "local, never rotated": ("local",),
}


@pytest.fixture(scope="module")
def agent(docker_engine: Dockerd) -> Iterator[Agent]:
    agent = Agent(
        {
            "inventory": {"docker": {"enabled": True, "socket": docker_engine.socket}},
            "logs": {"start_at": "beginning"},
            "runtime": {"enabled": False},
        }
    )
    try:
        agent.start()
        yield agent
    finally:
        agent.close()
        docker_engine.remove_all()


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS.keys())
def test_what_is_read_is_what_docker_prints(
    docker_engine: Dockerd, agent: Agent, driver: tuple[str, ...]
) -> None:
    kind, *options = driver
    name = "-".join([kind, *options]).replace("=", "-")
    words = [word for option in options for word in ("--log-opt", option)]
    docker_engine.run("--name", name, "--log-driver", kind, *words, "--", "sh", "-c", SCRIPT)
    docker_engine.docker("wait", name)

    def counted(stream: str) -> float | None:
        return agent.scrape().one("container_log_lines_total", name=name, stream=stream)

    wait_until(lambda: (counted("stdout"), counted("stderr")) == (STDOUT, STDERR), "each line's count")
    told = dict(zip(("stdout", "stderr"), docker_engine.docker_bytes("logs", name), strict=True))
    for stream, shown in told.items():
        records = agent.logs(name, stream=stream)
        found = "\n".join(record["message"] for record in records)
        assert PRINTED[stream].endswith(found)
        # Told to keep one file, Docker keeps the one before it too, which it does not print. Some versions print the
        # lines that the local driver had to part without their ends.
        expected, found = (text.replace("\n", "") for text in (shown.decode("utf-8", "replace"), found))
        assert found.endswith(expected) if "max-file=1" in options else found == expected
        times = [record["time"] for record in records]
        assert times == sorted(times)
    last = agent.logs(name, grep=f"end of {ROUNDS}$")
    assert [len(record["message"]) for record in last] == [40000 + len(f" end of {ROUNDS}")]
    # The local driver keeps bytes that are no UTF-8, which a record cannot.
    marked = {
        record["message"] for record in agent.logs(name) if "deckwatch_error" in record.get("fields", {})
    }
    assert all("\ufffd" in message for message in marked)
