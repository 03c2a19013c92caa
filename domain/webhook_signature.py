"""Signatures of what webhooks deliver, as the Standard Webhooks specification says. Pure.

Source: https://www.standardwebhooks.com, "Signature scheme" and "Webhook headers", scheme v1.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

SECRET_BYTES = 32
"""The specification takes 24 to 64."""
_PREFIX = "whsec_"


def secret_text(secret: bytes) -> str:
    """Spell a secret as receivers get it."""
    return _PREFIX + base64.b64encode(secret).decode()


def signed_headers(
    message_id: str, at: datetime, body: bytes, secrets: Sequence[bytes]
) -> Mapping[str, str]:
    """Give the three header fields of a message; each secret makes a signature of its own."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            _signature(message_id, timestamp, body, secret) for secret in secrets
        ),
    }


def _signature(message_id: str, timestamp: str, body: bytes, secret: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
