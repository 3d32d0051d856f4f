"""Certificates of authorities as PEM text: read, and refused if they are anything else."""

from __future__ import annotations

import re
from functools import lru_cache

from cryptography import x509

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@lru_cache(maxsize=256)
def fault_of_authority(pem: str) -> str | None:
    """Return what is wrong with PEM text that should hold certificates of authorities only.

    Expiry is not looked at: what a text says does not change with the clock.

    Returns:
        What is wrong and what to do, or `None`.
    """
    if PRIVATE_KEY.search(pem):
        return "holds a private key; take it out of the file, and make a new key"
    if _CERTIFICATE not in pem:
        return "holds no certificate; give PEM text, beginning with `-----BEGIN CERTIFICATE-----`"
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
        authorities = [_is_authority(certificate) for certificate in certificates]
    except ValueError:
        return "holds a certificate that cannot be read; export it again as PEM"
    if not all(authorities):
        return "holds a certificate of no authority; give the certificates of authorities only"
    return None


def _is_authority(certificate: x509.Certificate) -> bool:
    """Return whether the basic constraints say CA (RFC 5280 section 4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
