"""Maintenance, as everybody sees it who has to know."""

from datetime import datetime

import msgspec


class Maintenance(msgspec.Struct, frozen=True):
    """Requests are refused because operators said so."""

    reason: str
    """For clients to read."""
    retry_after_seconds: int
    since: datetime
