from __future__ import annotations

import json

import msgspec

from collectors.logs.entry import Entry
from collectors.logs.feed import Feed
from collectors.logs.judge import Judge
from collectors.logs.record import LogTarget
from collectors.logs.uid import uid_of
from collectors.logs.wire import Fed
from collectors.model import LogSource

TARGET = LogTarget(id="/x", source=LogSource(path="/x.log", format="cri"), container={"name": "one"})


def test_wanted_entries_become_records_of_their_container() -> None:
    sent: list[Fed] = []
    feed = Feed(7, Judge(grep="a"), sent.append)
    feed.take(TARGET, [Entry(5, "stdout", b"abc", b"k", 9, 4), Entry(6, "stdout", b"xyz", b"k", 13, 4)])
    ((number, records),) = [(fed.feed, fed.records) for fed in sent]
    ((id, time, uid, line),) = records
    assert (number, id, time, uid) == (7, "/x", 5, uid_of(b"k", 9))
    assert json.loads(line)["message"] == "abc"


def test_nothing_wanted_is_not_sent() -> None:
    sent: list[Fed] = []
    Feed(7, Judge(grep="a"), sent.append).take(TARGET, [Entry(6, "stdout", b"xyz", b"k", 13, 4)])
    assert sent == []


def test_what_is_new_about_a_container_is_told() -> None:
    sent: list[Fed] = []
    feed = Feed(7, Judge(), sent.append)
    entry = Entry(6, "stdout", b"xyz", b"k", 13, 4)
    feed.take(TARGET, [entry])
    feed.take(msgspec.structs.replace(TARGET, container={"name": "two"}), [entry])
    assert [json.loads(fed.records[0][3])["container"]["name"] for fed in sent] == ["one", "two"]
