"""Throw-away certificates for tests of TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """A certificate authority and what it issued, as files."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        issued = self.ca.issue_cert("localhost", "127.0.0.1")
        issued.private_key_pem.write_to_path(str(self.key))
        for index, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(str(self.certificate), append=index > 0)

    def client(self, *, with_certificate: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.file)
        if with_certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context
