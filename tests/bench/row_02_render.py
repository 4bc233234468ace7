"""Row 2: render and gzip 100,000 samples, against prometheus_client's generate_latest of the same samples.

The containers are those of a Kubernetes node: 1,700 of them in pods of two, each with one value per family of
the catalogue, about 450 bytes a line. Time is CPU time of the process; memory is the growth of the peak
resident size while a body is made and thrown away piece by piece. Repeat: `python -m tests.bench.row_02_render`.
"""

from __future__ import annotations

import gc
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agent.exposition.escaping import labels_text
from agent.exposition.limit import SeriesLimit
from agent.exposition.render import gzipped, render
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Kind
from collectors.metrics.rows import Row, Value
from tests.bench.table import Result

SAMPLES = 100_000
ROWS = SAMPLES // len(catalogue.ROW)
chance = random.Random(2)


def hexadecimal(digits: int) -> str:
    """Random hexadecimal digits, as engines and kubelets name things."""
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


def identities() -> list[dict[str, str]]:
    """Labels of the containers of a busy node: pods of two, from fifty services."""
    found: list[dict[str, str]] = []
    for number in range(ROWS // 2):
        service = number % 50
        pod = "_".join(hexadecimal(digits) for digits in (8, 4, 4, 4, 12))
        name = f"service-{service}-{hexadecimal(10)}-{hexadecimal(5)}"
        for container, image in (("app", service), ("proxy", 50)):
            id = hexadecimal(64)
            slice = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod}.slice"
            found.append(
                {
                    "id": f"{slice}/cri-containerd-{id}.scope",
                    "name": id,
                    "image": f"registry.example.com/team-{image % 20}/service-{image}:v1.{image}.0-{image + 7}",
                    "namespace": f"team-{service % 20}",
                    "pod": name,
                    "container": container,
                }
            )
    return found


def value(family: catalogue.Family) -> int | float:
    """A number of the size that the family has in life."""
    if family.unit == "seconds":
        return round(chance.random() * 1e5, 6)
    return chance.getrandbits(33 if family.unit == "bytes" else 20)


def rows(labels: list[dict[str, str]]) -> list[Row]:
    """One row per container, one value per family."""
    made: list[Row] = []
    for one in labels:
        values: list[Value] = [
            (("".join(f',{name}="eth0"' for name in family.labels), value(family)),)
            if family.labels
            else value(family)
            for family in catalogue.ROW
        ]
        made.append(Row(id=one["id"], labels=labels_text(one.items()), values=values, time=0.0))
    return made


class Reference(Collector):
    """The same samples as prometheus_client holds them."""

    def __init__(self, labels: list[dict[str, str]], made: list[Row]) -> None:
        self._metrics: list[Metric] = []
        for index, family in enumerate(catalogue.ROW):
            kind = "unknown" if family.kind is Kind.UNKNOWN else str(family.kind)
            metric = Metric(family.name.removesuffix("_total"), family.help, kind)
            for one, row in zip(labels, made, strict=True):
                number = row.values[index]
                own = dict.fromkeys(family.labels, "eth0")
                metric.add_sample(
                    family.name, one | own, number[0][1] if isinstance(number, tuple) else number
                )
            self._metrics.append(metric)

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        return iter(self._metrics)


def drained(made: list[Row]) -> int:
    """Make one body and throw it away; its compressed size."""
    return sum(
        len(piece) for piece in gzipped(render(SeriesLimit(400_000).within(made), [], openmetrics=False))
    )


def measured(
    ours: Callable[[], object], reference: Callable[[], object], runs: int = 7
) -> tuple[float, float]:
    """Medians of both, run in turn so that a busy machine slows down both alike; the first runs do not count."""
    pairs = [(cpu(ours), cpu(reference)) for _ in range(runs + 1)][1:]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def peak_growth() -> None:
    """In a process of its own: print megabytes that two bodies add to the peak of resident memory."""
    made = rows(identities())
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = _status("VmRSS")
    drained(made)
    drained(made)
    print((_status("VmHWM") - before) / 1024)


def _status(field: str) -> int:
    with open("/proc/self/status") as file:
        found = re.search(rf"{field}:\s+(\d+) kB", file.read())
    assert found is not None
    return int(found.group(1))


def main() -> None:
    """Measure time and memory and print their rows."""
    labels = identities()
    made = rows(labels)
    plain = sum(len(chunk) for chunk in render(made, [], openmetrics=False))
    count = len(made) * len(catalogue.ROW)
    registry = CollectorRegistry()
    registry.register(Reference(labels, made))
    gc.freeze()
    ours, reference = measured(lambda: drained(made), lambda: generate_latest(registry))
    note = f"{count} samples, {plain / count:.0f} bytes a line, {drained(made) / 1e6:.1f} MB gzipped of {plain / 1e6:.1f}"
    print(
        Result(
            "2",
            "render and gzip 100,000 samples",
            ours * 1000,
            reference * 1000,
            "ms",
            1 / 12,
            "generate_latest",
            note,
        )
    )
    growth = subprocess.run(
        [sys.executable, "-m", "tests.bench.row_02_render", "peak"],
        capture_output=True,
        text=True,
        check=True,
    )
    print(Result("2", "the same, peak memory above idle", float(growth.stdout), 40, "MB", 1, "40 MB"))


if __name__ == "__main__":
    peak_growth() if sys.argv[1:] == ["peak"] else main()
