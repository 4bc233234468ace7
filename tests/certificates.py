"""Certificates of the tests' own, made by the openssl command."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

HAVE = shutil.which("openssl") is not None
MISSING = "openssl is not installed; apt-get install openssl"

_CONFIG = "[req]\ndistinguished_name = dn\n[dn]\n"
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Pair:
    """Paths of a certificate and its key."""

    cert: str
    key: str


class Authority:
    """Signs certificates, all in one directory."""

    def __init__(self, directory: str, name: str = "authority") -> None:
        self._directory = directory
        self._config = f"{directory}/openssl.cnf"
        with open(self._config, "w", encoding="ascii") as file:
            file.write(_CONFIG)
        self._own = self._make(name, (), "basicConstraints=critical,CA:TRUE")
        self.cert = self._own.cert

    def issue(self, name: str, *sans: str) -> Pair:
        """A certificate with these subjectAltNames as openssl writes them, such as `DNS:localhost`.

        One of the same name before is replaced as a renewal does it: by renaming, the key first.
        """
        extensions = ["basicConstraints=critical,CA:FALSE"]
        if sans:
            extensions.append(f"subjectAltName={','.join(sans)}")
        return self._make(name, ("-CA", self._own.cert, "-CAkey", self._own.key), *extensions)

    def _make(self, name: str, signer: tuple[str, ...], *extensions: str) -> Pair:
        pair = Pair(f"{self._directory}/{name}.pem", f"{self._directory}/{name}.key")
        command = ["openssl", "req", "-x509", "-config", self._config, *_EC, "-days", "2"]
        command += ["-subj", f"/CN={name}", "-keyout", f"{pair.key}.new", "-out", f"{pair.cert}.new", *signer]
        for extension in extensions:
            command += ["-addext", extension]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        for path in (pair.key, pair.cert):
            os.rename(f"{path}.new", path)
        return pair
