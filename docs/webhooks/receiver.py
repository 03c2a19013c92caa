"""A receiver of webhooks to begin with: checks the signature, takes each event once.

Run it as `WEBHOOK_SECRET=whsec_... python receiver.py 8443`, behind something that does TLS.
It needs nothing but Python.
"""

# ruff: noqa: INP001, T201 - a file to copy, no part of a package, that shows what it got

import base64
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

TOLERANCE_SECONDS = 300
LARGEST = 1024 * 1024

seen: set[str] = set()
"""The ids of the messages that were taken: in earnest, a table with a unique key."""


def verified(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> bool:
    """Tell whether a message is from whoever has the secret, and of this moment."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    # While a secret is rotated there are two signatures: one that is right is enough.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in given)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is taken, and 400 to what is not from us."""

    def do_POST(self) -> None:
        """Take a message."""
        size = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(min(size, LARGEST))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not verified(headers, body, os.environ["WEBHOOK_SECRET"], time.time()):
            self.send_error(400)
            return
        if headers["webhook-id"] not in seen:
            message = json.loads(body)
            print(message.get("position"), message["type"], message["data"], flush=True)
            # After the work is done: whatever fails before comes again.
            seen.add(headers["webhook-id"])
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
