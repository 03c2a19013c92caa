"""Holds the signature to the test vector of the Standard Webhooks libraries."""

import base64
from datetime import UTC, datetime

from domain.webhook_signature import SECRET_BYTES, secret_text, signed_headers

SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
AT = datetime.fromtimestamp(1614265330.9, UTC)
BODY = b'{"test": 2432232314}'
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_vector_of_the_specification() -> None:
    """The signature is over id, timestamp and body, in whole seconds."""
    assert signed_headers(ID, AT, BODY, [SECRET]) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_each_secret_signs() -> None:
    """The present one comes first, and a blank stands between."""
    headers = signed_headers(ID, AT, BODY, [b"n" * SECRET_BYTES, SECRET])
    new, old = headers["webhook-signature"].split(" ")

    assert old == SIGNATURE
    assert new.startswith("v1,")
    assert new != old


def test_a_secret_is_spelled_as_receivers_expect() -> None:
    """A prefix and base64 with padding, of as many bytes as the specification takes."""
    assert secret_text(SECRET) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert 24 <= SECRET_BYTES <= 64
