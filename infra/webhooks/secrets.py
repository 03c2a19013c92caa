"""The secrets of webhooks: random, sealed for the row in which they are kept."""

import os
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.webhook_signature import SECRET_BYTES
from infra.identity.sealer import Sealer
from projections.write import Put, Table

WEBHOOK_CHANGES = Table(
    "webhook_changes",
    (
        *("webhook_id", "removed", "sealed", "previous_until"),
        *("rewind_after", "replay", "resumed"),
    ),
    key_columns=1,
)
"""What is put here changes what a webhook has outside the log: see `apply_webhook_changes`."""
PURPOSE = "webhook secrets"


class WebhookSecrets:
    """Makes, seals and opens them. Nothing else of the product sees one in the clear."""

    def __init__(self, sealing_key: bytes) -> None:
        self._sealer = Sealer(sealing_key, PURPOSE)

    def new(self) -> bytes:
        """Make one."""
        return os.urandom(SECRET_BYTES)

    def seal(self, webhook_id: UUID, secret: bytes) -> bytes:
        """Seal one for its webhook."""
        return self._sealer.seal(secret, webhook_id.bytes)

    def open(self, webhook_id: UUID, sealed: bytes) -> bytes:
        """Open one. Raises `infra.identity.personal_data.DamagedError`."""
        return self._sealer.open(sealed, webhook_id.bytes)


class WebhookChanges:
    """Gives rows to write beside events. See `commands.webhooks.BesideEvents`."""

    def __init__(self, secrets: WebhookSecrets) -> None:
        self._secrets = secrets

    def new_secret(self) -> bytes:
        """Make a secret."""
        return self._secrets.new()

    def with_secret(
        self, webhook_id: UUID, secret: bytes, previous_until: datetime | None
    ) -> Sequence[Put]:
        """Keep a secret, and the one before it until a time."""
        sealed = self._secrets.seal(webhook_id, secret)
        return _row(webhook_id, sealed=sealed, previous_until=previous_until)

    def rewound(self, webhook_id: UUID, after: int) -> Sequence[Put]:
        """Go on after a position."""
        return _row(webhook_id, rewind_after=after)

    def replayed(self, webhook_id: UUID, position: int) -> Sequence[Put]:
        """Send an event again whose delivery is over."""
        return _row(webhook_id, replay=position)

    def resumed(self, webhook_id: UUID) -> Sequence[Put]:
        """Try at once what waits."""
        return _row(webhook_id, resumed=True)

    def removed(self, webhook_id: UUID) -> Sequence[Put]:
        """Destroy the secrets."""
        return _row(webhook_id, removed=True)


def _row(webhook_id: UUID, **members: object) -> Sequence[Put]:
    values = (members.get(column) for column in WEBHOOK_CHANGES.columns[1:])
    return [Put(WEBHOOK_CHANGES, (webhook_id, *values))]
