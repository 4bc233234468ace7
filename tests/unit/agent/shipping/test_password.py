"""A password is what stands in its file now."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.shipping.http_secrets import SecretUnreadable
from agent.shipping.password import password_of


def test_the_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("Bearer of news \n")
    assert password_of(str(path)) == "Bearer of news"
    path.write_text("other")
    assert password_of(str(path)) == "other"
    assert password_of("") == ""
    path.unlink()
    with pytest.raises(SecretUnreadable):
        password_of(str(path))
