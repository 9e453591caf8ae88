"""Passwords that wait to be fetched: lines of CSV, sealed with a key that the store does not have (AES-256-GCM)."""

import base64
import binascii
import csv
import io
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from citywatch.errors import RegistryError
from devices.credentials import Credential

HEADER = ("device_id", "username", "password")
NONCE = 12  # bytes, as GCM wants them; a random one for each of a few hundred parts


def new_key() -> str:
    """Return a key: 256 random bits, as text that a form or a command line takes."""
    return base64.urlsafe_b64encode(AESGCM.generate_key(256)).decode()


def write_credentials(made: Iterable[Credential], *, header: bool) -> str:
    """Return credentials as lines of CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(HEADER)
    writer.writerows([one.device_id, one.device_id, one.password] for one in made)
    return text.getvalue()


def seal(key: str, place: str, text: str) -> bytes:
    """Return `text` sealed; `place` says where it belongs, so that it opens nowhere else."""
    nonce = os.urandom(NONCE)
    return nonce + _cipher(key).encrypt(nonce, text.encode(), place.encode())


def unseal(key: str, place: str, sealed: bytes) -> str:
    """Return what was sealed for `place`; raise RegistryError where the key is not the one."""
    try:
        return _cipher(key).decrypt(sealed[:NONCE], sealed[NONCE:], place.encode()).decode()
    except InvalidTag:
        raise RegistryError("this key does not open this job's passwords") from None


def _cipher(key: str) -> AESGCM:
    try:
        return AESGCM(base64.b64decode(key.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise RegistryError("this key does not open this job's passwords") from None
