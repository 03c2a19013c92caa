"""Signing in as the guide warns against it (Guide 2), with the four bugs that it names.

It works with the same store, password pool, counter and logger as the product: a check that holds
there shows, by failing here, that it looks at something. Never to be served.
"""

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from commands.identity import Busy, CredentialStore, PasswordPool
from infra.redis_calls import RedisCalls, RedisFaultError

_MOST_ATTEMPTS = 5
_JSON = (("content-type", "application/json"),)

_log = structlog.get_logger("ledgerpress.login")


class LoginAnswer(msgspec.Struct, frozen=True):
    """What a client sees, but for what differs between any two answers."""

    status: int
    fields: tuple[tuple[str, str], ...]
    """In order, the values left out that differ for any two."""
    body: bytes
    """With the request id left out."""
    error: str | None = None
    """The stable code of the problem, where it is one."""
    retry_after: int | None = None
    """In seconds."""


Login = Callable[[str, str], Awaitable[LoginAnswer]]
"""Tries an address and a password."""


class BuggyLogin:
    """Each bug is where its number stands."""

    def __init__(
        self,
        credentials: CredentialStore,
        email_hash: Callable[[str], str],
        passwords: PasswordPool,
        redis: RedisCalls,
    ) -> None:
        self._credentials = credentials
        self._email_hash = email_hash
        self._passwords = passwords
        self._redis = redis

    async def __call__(self, email: str, password: str) -> LoginAnswer:
        """Try an address and a password."""
        _log.info("login attempt", email=email, password=password)  # 4: for all who read logs
        known = await self._credentials.by_email(self._email_hash(email))
        if known.account is None:
            return _refused(404, "user_not_found")  # 1: another status; 2: and nothing computed
        checked = await self._passwords.check(
            known.account.password_hash, password, bcrypt_cost=known.bcrypt_cost
        )
        if isinstance(checked, Busy) or not checked.correct:
            return _refused(401, "wrong_password")
        if (await self._attempts(email) or 0) > _MOST_ATTEMPTS:  # 3: no count counts as none
            return _refused(429, "too_many")
        return LoginAnswer(200, _JSON, b'{"token":"..."}')

    async def _attempts(self, email: str) -> int | None:
        try:
            count: int = await self._redis.call("INCR", f"login:{email}")
        except RedisFaultError:
            return None
        return count


def _refused(status: int, error: str) -> LoginAnswer:
    body = msgspec.json.encode({"error": error})
    return LoginAnswer(status, _JSON, body, error)
