"""Kills that the log told of, until somebody claims them."""

from __future__ import annotations

from agent.lifecycle.victims import Victims, within
from collectors.kernellog.oomkills import OomKill


def kill(pid: int, time: float, cgroup: str = "/a") -> OomKill:
    return OomKill(time, pid, "x", cgroup, "/a", "memcg", 0, 0, 0, 0, 0)


def pids(kills: list[OomKill]) -> list[int]:
    return [one.pid for one in kills]


def test_the_newest_are_claimed_once_and_older_ones_are_dropped() -> None:
    victims = Victims()
    for number in range(4):
        victims.add(kill(number, 10.0 + number))
    victims.add(kill(9, 12.0, "/ab"))
    assert pids(victims.claim("/a", 2, 0.0)) == [2, 3]
    assert victims.claim("/a", 2, 0.0) == []
    assert pids(victims.claim("/ab", 1, 0.0)) == [9]


def test_an_earlier_run_of_the_same_path_is_not_meant() -> None:
    victims = Victims()
    victims.add(kill(1, 10.0))
    victims.add(kill(2, 20.0, "/a/init"))
    assert pids(victims.claim("/a", 5, 15.0)) == [2]


def test_what_the_log_has_by_now_counts() -> None:
    victims = Victims(lambda: victims.add(kill(4, 1.0)))
    assert pids(victims.claim("/a", 1, 0.0)) == [4]


def test_only_so_many_are_kept() -> None:
    victims = Victims(most=2)
    for number in range(5):
        victims.add(kill(number, 1.0))
    assert pids(victims.claim("/a", 5, 0.0)) == [3, 4]


def test_a_sibling_with_a_longer_name_is_another() -> None:
    assert within("/a", "/a") and within("/a/b", "/a") and not within("/ab", "/a")
