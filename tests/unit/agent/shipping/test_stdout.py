"""Records leave on standard output, one line each, and a reader that is slow gets each of them once."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from agent.shipping.sink import Again, Delivered
from agent.shipping.stdout import StdoutSettings, StdoutSink, shown
from collectors.logs.batch import LogBatch
from collectors.logs.jsonline import JsonLines
from tests.unit.agent.shipping.sinks import batch, delivery, pod_target, record


async def test_each_record_is_a_line_of_json() -> None:
    out, into = os.pipe()
    sink = StdoutSink(StdoutSettings(), into)
    assert await sink.send([batch(["a\nb", "é"]), batch(["c"], container="other")]) == Delivered()
    await sink.close()
    os.close(into)
    with os.fdopen(out, "rb") as reader:
        lines = reader.read().splitlines()
    assert lines[0] == JsonLines(pod_target()).line(record("a\nb"))
    assert [json.loads(line)["message"] for line in lines] == ["a\nb", "é", "c"]


async def test_text_is_one_line_a_record_whatever_is_in_it() -> None:
    out, into = os.pipe()
    sink = StdoutSink(StdoutSettings(format="text"), into)
    hostile = batch(["a\tb", "x\n2026 forged \x1b[31m\u2028\x9b"])
    assert await sink.send([hostile]) == Delivered()
    await sink.close()
    os.close(into)
    with os.fdopen(out, "rb") as reader:
        lines = reader.read().decode().split("\n")
    assert lines == [
        "2026-11-24T02:16:17.123456789Z shop/web-5d4f-x/web stdout info a\tb",
        "2026-11-24T02:16:17.123456790Z shop/web-5d4f-x/web stdout info x\\n2026 forged \\x1b[31m\\u2028\\x9b",
        "",
    ]


async def test_a_reader_that_pauses_gets_each_record_once() -> None:
    out, into = os.pipe()
    sink = StdoutSink(StdoutSettings(timeout=0.1), into)
    texts = [f"{number} {'x' * 1000}" for number in range(500)]
    first = await sink.send([batch(["0", "a" * 100_000, "b"])])
    assert isinstance(first, Again)
    assert first.only == range(1, 3)
    assert "not taken all within 0.1 s" in first.why
    again = batch(["0", "a" * 100_000, "b"]).records[1:]
    deliver, aside = delivery(sink)

    def read() -> list[bytes]:
        with os.fdopen(out, "rb") as reader:
            return reader.read().splitlines()

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(asyncio.to_thread(read))
        assert not await deliver.deliver([LogBatch(pod_target(), again), batch(texts)])
        await sink.close()
        os.close(into)
    assert [json.loads(line)["message"] for line in reading.result()] == ["0", "a" * 100_000, "b", *texts]
    assert not aside


async def test_a_closed_reader_is_to_be_tried_again() -> None:
    out, into = os.pipe()
    sink = StdoutSink(StdoutSettings(), into)
    os.close(out)
    assert await sink.send([batch(["a"])]) == Again("cannot write standard output: Broken pipe")
    await sink.close()
    os.close(into)


async def test_a_process_that_writes_its_own_output() -> None:
    code = (
        "import asyncio\n"
        "from agent.shipping.stdout import StdoutSettings, opened\n"
        "from tests.unit.agent.shipping.sinks import CONTEXT, batch\n"
        "async def main():\n"
        "    sink = await opened(StdoutSettings(), CONTEXT)\n"
        "    await sink.send([batch(['hello'])])\n"
        "    await sink.close()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert json.loads(said)["message"] == "hello"


async def test_a_closed_output_is_told_when_the_sink_is_opened() -> None:
    code = (
        "import asyncio, os\n"
        "from agent.shipping.stdout import StdoutSettings, opened\n"
        "from tests.unit.agent.shipping.sinks import CONTEXT\n"
        "async def main():\n"
        "    os.close(1)\n"
        "    await opened(StdoutSettings(), CONTEXT)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert b"DeckwatchError: cannot write standard output: Bad file descriptor" in said


def test_a_container_outside_a_pod_is_shown_by_its_name() -> None:
    assert shown(pod_target(pod=None, name="web-1")) == "web-1"
    assert shown(pod_target(pod=None, name=None, id="/x")) == "/x"
