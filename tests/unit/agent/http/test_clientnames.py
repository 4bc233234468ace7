"""Names in client certificates, as Python's ssl module tells them."""

from __future__ import annotations

import pytest

from agent.http.clientnames import canonical, is_allowed, names_of

CERTIFICATE = {
    "subject": ((("commonName", "not.looked.at"),),),
    "subjectAltName": (
        ("DNS", "prometheus.example"),
        ("email", "ops@example.org"),
        ("URI", "spiffe://example/prometheus"),
        ("IP Address", "10.0.0.1"),
        ("IP Address", "FE80:0:0:0:0:0:0:1"),
        ("DirName", ((("commonName", "x"),),)),
    ),
}


def test_four_kinds_of_names_and_no_other() -> None:
    assert names_of(CERTIFICATE) == [
        "prometheus.example",
        "ops@example.org",
        "spiffe://example/prometheus",
        "10.0.0.1",
        "fe80::1",
    ]
    assert names_of({"subject": CERTIFICATE["subject"]}) == []


@pytest.mark.parametrize(
    ("allowed", "verdict"),
    [
        (["prometheus.example"], True),
        (["other", "ops@example.org"], True),
        (["spiffe://example/prometheus"], True),
        (["10.0.0.1"], True),
        (["fe80:0::1"], True),
        (["not.looked.at"], False),
        (["example"], False),
        (["*.example"], False),
        (["Prometheus.example"], False),
        ([], False),
        (None, True),
    ],
)
def test_a_name_must_be_exactly_one_of_the_list(allowed: list[str] | None, verdict: bool) -> None:
    assert is_allowed(CERTIFICATE, allowed) is verdict


def test_no_certificate_is_never_allowed() -> None:
    assert not is_allowed({}, None)
    assert not is_allowed({}, ["a"])


def test_addresses_have_one_form() -> None:
    assert canonical("FE80:0:0:0:0:0:0:1\n") == "fe80::1"
    assert canonical("host") == "host"
