"""What the endpoints need of the running product, given to `create_app` by the composition root."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from commands.handle import Ledger
from commands.ports import Answers, EventLog
from commands.posts import Posts
from projections.accounts import AccountQueries
from projections.post_queries import PostQueries


class VerifiedToken(Protocol):
    """An access token that was found genuine and current."""

    @property
    def account_id(self) -> UUID:
        """Whose it is."""
        ...


class Readiness(Protocol):
    """Whether this process should get requests."""

    draining: bool

    async def problems(self) -> list[str]:
        """Say in a line each what keeps the process from being ready."""
        ...


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that endpoints call, and the settings that they read."""

    ledger: Ledger
    posts: Posts
    post_queries: PostQueries
    account_queries: AccountQueries
    log: EventLog
    answers: Answers
    verify_token: Callable[[str, datetime], VerifiedToken | None]
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    new_request_id: Callable[[], str]
    readiness: Readiness
    public_url: str
    """Where clients reach the product, without a slash at the end."""
    allowed_hosts: frozenset[str]
    max_body_bytes: int
    in_flight_keys: "set[tuple[UUID, str]]"
    """The idempotency keys of requests that this process is answering now."""
