"""Signed links: who has one may download without a token, until it ends."""

import base64
import hmac
from datetime import datetime
from hashlib import sha256

_PURPOSE = b"download link 1"


class DownloadLinks:
    """Makes links, and tells whether one is good: HMAC-SHA-256 over path and end."""

    def __init__(self, key: bytes) -> None:
        """Use a key of the deployment's, made into one that serves nothing else."""
        self._key = hmac.digest(key, _PURPOSE, sha256)

    def link(self, path: str, until: datetime) -> str:
        """Give the link to a download, good to the second before `until`."""
        expires = int(until.timestamp())
        return f"{path}/download?expires={expires}&signature={self._signature(path, expires)}"

    def good(self, path: str, expires: int, signature: str, now: datetime) -> bool:
        """Tell whether a link was made here and is not over."""
        right = hmac.compare_digest(self._signature(path, expires).encode(), signature.encode())
        return right and now.timestamp() < expires

    def _signature(self, path: str, expires: int) -> str:
        digest = hmac.digest(self._key, f"{path}\n{expires}".encode(), sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
