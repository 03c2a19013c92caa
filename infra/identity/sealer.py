"""Seals what waits in a table of ours for a while, such as a message that is to be sent.

What is kept of a person for long is sealed with their own key instead, see `personal_data.py`.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra.identity.personal_data import KEY_BYTES, DamagedError

_NONCE_BYTES = 12


class Sealer:
    """Encrypts (AES-256-GCM) for one purpose, with a key derived from the deployment's own."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        derive = HKDF(SHA256(), length=KEY_BYTES, salt=None, info=f"ledgerpress {purpose}".encode())
        self._cipher = AESGCM(derive.derive(secret))

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt bytes that belong to one row, named by its key."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt what was sealed for this row. Raises `DamagedError`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise DamagedError("a row was sealed with another key, or altered") from error
