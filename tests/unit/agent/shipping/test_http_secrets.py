"""Secrets come from their files as those are now."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from agent.shipping.http_secrets import Authorization, Certificates, SecretUnreadable, secrets_of
from agent.shipping.http_settings import BasicAuth, ClientTls, HttpSettings
from tests.certificates import HAVE, MISSING, Authority


def replace(path: Path, text: str) -> None:
    """As secrets are renewed: by renaming."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.rename(new, path)


def test_a_token_is_read_again_when_its_file_changed(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")
    authorization = Authorization(None, str(file))
    assert authorization.value() == "Bearer one"
    replace(file, "two")
    assert authorization.value() == "Bearer two"


def test_a_password_goes_out_as_rfc_7617_says(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    authorization = Authorization(BasicAuth(username="Aladdin", password_file=str(file)), "")
    assert authorization.value() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"\xff"])
def test_what_is_no_secret_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(SecretUnreadable, match=str(file)):
        Authorization(None, str(file)).value()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretUnreadable, match="token: No such file"):
        Authorization(None, str(tmp_path / "token")).value()


def test_nothing_is_sent_where_nothing_is_set() -> None:
    authorization, certificates = secrets_of(HttpSettings(url="http://peer"))
    assert authorization.value() is None
    assert certificates.context().verify_mode == ssl.CERT_REQUIRED


@pytest.mark.skipif(not HAVE, reason=MISSING)
async def test_a_context_lives_until_a_certificate_changes(tmp_path: Path) -> None:
    authority = Authority(str(tmp_path))
    pair = authority.issue("client")
    certificates = Certificates(ClientTls(ca_file=authority.cert, cert_file=pair.cert, key_file=pair.key))
    first = await certificates.current()
    assert await certificates.current() is first
    authority.issue("client")
    assert await certificates.current() is not first


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(SecretUnreadable, match=r"ca\.pem"):
        Certificates(ClientTls(ca_file=str(tmp_path / "ca.pem"))).context()


def test_verification_can_be_switched_off() -> None:
    context = Certificates(ClientTls(insecure_skip_verify=True)).context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
