"""Names of suites, curves and versions, against OpenSSL's own lists."""

from __future__ import annotations

import ssl
import subprocess
import typing

import pytest

from agent.http.ciphers import CURVES, SUITES, SUITES_13, VERSIONS
from agent.http.webfile import Curve, Version
from tests import certificates


@pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING)
def test_openssl_translates_every_suite_alike() -> None:
    told = subprocess.run(
        ["openssl", "ciphers", "-stdname", "-s", "ALL:@SECLEVEL=0"],
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = dict(line.split()[0:3:2] for line in told.stdout.splitlines())
    assert {name: pairs[name] for name in SUITES} == SUITES
    assert {name: pairs[name] for name in SUITES_13} == dict(zip(SUITES_13, SUITES_13, strict=True))


def test_every_word_of_the_file_has_its_meaning() -> None:
    assert set(VERSIONS) == set(typing.get_args(Version))
    assert set(CURVES) == set(typing.get_args(Curve))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for curve in CURVES.values():
        context.set_ecdh_curve(curve)
