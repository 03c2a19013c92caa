"""The keys that a deployment has: one file each in SECRETS_DIR, the same for all its processes.

Losing `personal_data_key` erases every person; losing `email_hash_key` loses who owns an address;
losing `access_token_key` ends the access tokens that are out, which live 15 minutes.
"""

import hmac

import msgspec

from infra.secrets import SecretError, load_or_create
from infra.settings import Settings

KEY_BYTES = 32


class Keys(msgspec.Struct, frozen=True):
    """All of them, each of 32 bytes."""

    access_token: bytes
    email_hash: bytes
    personal_data: bytes

    @property
    def attempts(self) -> bytes:
        """The key of the hashes under which attempts are counted."""
        return hmac.digest(self.email_hash, b"attempts", "sha256")

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "Keys(***)"


def load_keys(settings: Settings) -> Keys | SecretError:
    """Read the keys; in development, make those that are missing."""
    found: list[bytes] = []
    for name in ("access_token_key", "email_hash_key", "personal_data_key"):
        key = load_or_create(settings, name, KEY_BYTES)
        if isinstance(key, SecretError):
            return key
        found.append(key)
    return Keys(*found)
