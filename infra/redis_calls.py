"""Commands to Redis or Valkey that are answered soon or not at all, and are never sent twice.

Only the connections live here. redis-py's connections are used, but not its client and pool: by
default they wait and send anew for a minute, and a pool of theirs can lose a connection to a caller
that is cancelled while it gives the connection back.
"""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError

CALL_SECONDS = 0.15
"""For connecting, the command and its answer together."""
WHOLE_SECONDS = 0.25
"""With the wait for a connection."""
CONNECTIONS = 16

_FROM_URL = {"host", "port", "path", "db", "username", "password"}
# The last two are what the parser makes of numbers that are none, and of lists in lists in lists.
_FAULTS = (RedisError, OSError, ValueError, RecursionError)


class RedisFaultError(Exception):
    """Redis did not do the command, or nobody knows whether it did."""


class RedisCalls:
    """A bounded number of connections, made when they are needed."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        given: dict[str, Any] = dict(parse_url(url))
        self._kind: type[AbstractConnection] = given.get("connection_class", Connection)
        # Time-outs of the URL would outdo ours.
        self._options = {
            name: value
            for name, value in given.items()
            if name in _FROM_URL or name.startswith("ssl_")
        }
        self._turns = asyncio.Semaphore(connections)
        self._idle: list[AbstractConnection] = []
        self._closed = False

    async def call(self, *command: str | int) -> Any:  # noqa: ANN401 - whatever Redis answers
        """Send one command and give its answer.

        Raises `RedisFaultError` when there is none in time, or when it is an error.
        """
        try:
            async with asyncio.timeout(WHOLE_SECONDS), self._turns:
                return await self._call(command)
        except _FAULTS as error:
            reason = str(error) or "no answer in time"
            raise RedisFaultError(f"{type(error).__name__}: {reason}") from error

    async def close(self) -> None:
        """Close the connections; those in use close when their command is done."""
        self._closed = True
        await self._drop_idle()

    async def _call(self, command: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - see `call`
        connection = await self._idle_connection() or self._new_connection()
        done = False
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await connection.send_command(*command)
                answer = await connection.read_response()
            done = not self._closed
        except _FAULTS:
            # The others were made to the same server, which may be gone: each of them would
            # cost a caller its answer.
            await self._drop_idle()
            raise
        finally:
            # Also when the caller is cancelled: the answer would be taken for the next one's.
            if done:
                self._idle.append(connection)
            else:
                await connection.disconnect(nowait=True)
        return answer

    async def _idle_connection(self) -> AbstractConnection | None:
        """Give a connection that was used before, if one is left that the server has not closed."""
        while self._idle:
            connection = self._idle.pop()
            try:
                if not await connection.can_read():
                    return connection
            except RedisError:
                pass
            await connection.disconnect(nowait=True)
        return None

    def _new_connection(self) -> AbstractConnection:
        # It connects when it sends. No time-outs of its own, as ours are around it. RESP2, for
        # RESP3 lets the server change time-outs, and no `CLIENT SETINFO`: a round trip less.
        return self._kind(
            **self._options,
            socket_timeout=None,
            socket_connect_timeout=None,
            protocol=2,
            driver_info=None,
        )

    async def _drop_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)
