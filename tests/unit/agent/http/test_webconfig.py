"""The web configuration in force, through changes good and bad."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import AsyncIterator

import bcrypt
import pytest

from agent.conditions import Conditions
from agent.http.webcheck import WebConfigError
from agent.http.webconfig import WebConfig, lost_protection, stamp_of
from agent.http.webfile import Tls, WebFile
from tests import certificates
from tests.certificates import Authority

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
needs_openssl = pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING)


class Place:
    """A directory with a web configuration in it."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.file = directory / "web.yml"
        self.conditions = Conditions()
        self.config = WebConfig(str(self.file), self.conditions)

    def write(self, text: str) -> None:
        """Replace the file at once, as editors and mounted secrets do."""
        new = self.directory / "new"
        new.write_text(text)
        os.rename(new, self.file)

    @property
    def told(self) -> str:
        """The condition; empty when there is none."""
        return "".join(one.line() for one in self.conditions.current())


@pytest.fixture
async def place(tmp_path: pathlib.Path) -> AsyncIterator[Place]:
    one = Place(tmp_path)
    yield one
    one.config.close()


async def test_a_bad_file_is_refused_at_the_start(place: Place) -> None:
    with pytest.raises(WebConfigError, match="cannot be read: No such file"):
        await place.config.load()
    place.write("basic_auth_user: {}")
    with pytest.raises(WebConfigError, match=r"web\.yml:1: basic_auth_user: unknown key; did you mean"):
        await place.config.load()
    assert place.told == ""
    place.write(USERS)
    await place.config.load()
    assert set(place.config.file.basic_auth_users) == {"alice"}
    assert place.config.context is None


async def test_a_change_is_taken_over_and_a_bad_one_changes_nothing(place: Place) -> None:
    place.write(USERS)
    await place.config.load()
    await place.config.refresh()
    assert await place.config.passwords.knows(b"alice", b"secret")
    place.write(USERS.replace("alice", "bob") + "rate_limit: {interval: 1h, burst: 1}\n")
    await place.config.refresh()
    assert not await place.config.passwords.knows(b"alice", b"secret")
    assert await place.config.passwords.knows(b"bob", b"secret")
    assert place.config.bucket.take() and not place.config.bucket.take()
    for bad, reason in (("users: [", "no valid YAML"), ("basic_auth_users: {bob: x}", "is no bcrypt hash")):
        place.write(bad)
        await place.config.refresh()
        assert await place.config.passwords.knows(b"bob", b"secret")
        assert reason in place.told and "last good one stays in force" in place.told
        assert "web.yml:1: " in place.told and "bob" not in place.told
        with pytest.raises(WebConfigError, match=reason):
            await place.config.load()
        assert set(place.config.file.basic_auth_users) == {"bob"}
    place.file.unlink()
    await place.config.refresh()
    assert await place.config.passwords.knows(b"bob", b"secret")
    assert "cannot be read" in place.told
    place.write(USERS)
    await place.config.refresh()
    assert await place.config.passwords.knows(b"alice", b"secret")
    assert place.told == ""


async def test_a_bucket_goes_on_through_changes_that_do_not_concern_it(place: Place) -> None:
    limit = "rate_limit: {interval: 1h, burst: 1}\n"
    place.write(USERS + limit)
    await place.config.load()
    assert place.config.bucket.take()
    place.write(USERS.replace("alice", "bob") + limit)
    await place.config.refresh()
    assert set(place.config.file.basic_auth_users) == {"bob"}
    assert not place.config.bucket.take()


async def test_protection_does_not_go_away_without_a_reload(place: Place) -> None:
    place.write(USERS)
    await place.config.load()
    for text in ("", "http_server_config: {http2: false}\n"):
        place.write(text)
        await place.config.refresh()
        assert set(place.config.file.basic_auth_users) == {"alice"}
        assert place.told
    assert "it has no basic_auth_users any more, which waits for a reload" in place.told
    await place.config.load()
    assert not place.config.passwords
    assert place.told == ""


@needs_openssl
async def test_certificates_are_followed_too(place: Place) -> None:
    authority = Authority(str(place.directory))
    pair = authority.issue("server")
    place.write("tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    await place.config.load()
    first = place.config.context
    await place.config.refresh()
    assert place.config.context is first is not None
    authority.issue("server")
    await place.config.refresh()
    second = place.config.context
    assert second is not first
    other = authority.issue("other")
    os.rename(other.key, pair.key)  # half of a renewal
    await place.config.refresh()
    assert place.config.context is second
    assert "web.yml:1: tls_server_config.key_file: does not belong to the certificate" in place.told
    os.rename(other.cert, pair.cert)
    await place.config.refresh()
    assert place.config.context not in (first, second)
    assert place.told == ""


@needs_openssl
async def test_a_missing_certificate_is_found_when_it_comes(place: Place) -> None:
    place.write(USERS)
    await place.config.load()
    place.write(USERS + "tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    await place.config.refresh()
    assert place.config.context is None
    assert "tls_server_config.cert_file: " in place.told and "cannot be read" in place.told
    Authority(str(place.directory)).issue("server")
    await place.config.refresh()
    assert place.config.context is not None
    assert place.told == ""


async def test_those_who_come_during_a_reading_wait_for_it(place: Place) -> None:
    place.write(USERS)
    await place.config.load()
    place.write(USERS.replace("alice", "bob"))
    await asyncio.gather(*(place.config.refresh() for _ in range(20)))
    assert set(place.config.file.basic_auth_users) == {"bob"}


async def test_a_pipe_is_not_waited_for(place: Place) -> None:
    os.mkfifo(place.file)
    with pytest.raises(WebConfigError, match="is no ordinary file"):
        await place.config.load()


async def test_a_reading_that_takes_too_long_leaves_the_old_one(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(USERS)
    config = WebConfig(str(file), Conditions(), read_limit=0)
    with pytest.raises(WebConfigError, match="was not read within"):
        await config.load()
    config.close()


def test_protections() -> None:
    users, none = WebFile(basic_auth_users={"a": HASH}), WebFile()
    tls = WebFile(tls_server_config=Tls(cert="x"))
    certified = Tls(cert="x", client_auth_type="RequireAndVerifyClientCert")
    named = Tls(cert="x", client_auth_type="RequireAndVerifyClientCert", client_allowed_sans=("a", "b"))
    assert "no basic_auth_users" in lost_protection(users, tls)
    assert "TLS off" in lost_protection(tls, users)
    assert "client certificates" in lost_protection(WebFile(tls_server_config=certified), tls)
    assert "client_allowed_sans" in lost_protection(
        WebFile(tls_server_config=named), WebFile(tls_server_config=certified)
    )
    for new in (users, tls, WebFile(tls_server_config=certified), none):
        assert lost_protection(none, new) == lost_protection(new, new) == ""


def test_a_stamp_tells_versions_apart(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "f"
    assert stamp_of(str(file)) is None
    file.write_text("a")
    first = stamp_of(str(file))
    assert first == stamp_of(str(file))
    file.unlink()
    file.write_text("b")
    os.utime(file, ns=(0, os.stat(tmp_path).st_mtime_ns))
    assert stamp_of(str(file)) != first
