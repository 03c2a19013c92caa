"""Connections of a rebuild: they may take long, and notice when their process is gone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from infra.postgres import APPLICATION_ROLE, CONNECT_SECONDS, outages

CLOSE_SECONDS = 2.0


@asynccontextmanager
async def rebuild_connection(url: str, **server_settings: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the application does. Outages leave as `StoreUnavailableError`."""
    with outages():
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            server_settings={
                "application_name": "ledgerpress rebuild",
                "jit": "off",
                "role": APPLICATION_ROLE,
                # So that a long statement of a killed process does not keep its locks.
                "client_connection_check_interval": "500ms",
                **server_settings,
            },
        )
        try:
            yield connection
        except BaseException:
            connection.terminate()  # it may be in the middle of anything
            raise
        await connection.close(timeout=CLOSE_SECONDS)
