"""What the endpoints need of the running product, given to `create_app` by the composition root."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol
from uuid import UUID

import msgspec
from prometheus_client.registry import Collector

from commands.clicks import ClickCounter
from commands.exports import Exports
from commands.file_store import BlobStore, OpenBlobs, Uploads
from commands.files import Files
from commands.handle import Ledger
from commands.identity import Identity
from commands.links import Parse
from commands.maintenance import Maintenance
from commands.ports import Answers, EventLog
from commands.posts import Posts
from commands.redirects import Redirects
from commands.tracing import Tracer
from commands.webhooks import Webhooks
from projections.accounts import AccountQueries
from projections.activity import ActivityQueries
from projections.clicks import ClickQueries
from projections.file_queries import FileQueries
from projections.jobs import JobQueries
from projections.post_queries import PostQueries
from projections.rebuild_requests import RebuildRequests
from projections.redirects import RedirectQueries
from projections.search import SearchQueries
from projections.status import ProjectionQueries
from projections.webhook_deliveries import DeliveryQueries
from projections.webhooks import WebhookQueries


class VerifiedToken(Protocol):
    """An access token that was found genuine and current."""

    @property
    def account_id(self) -> UUID:
        """Whose it is."""
        ...

    @property
    def session_id(self) -> UUID:
        """For which of their sessions it was made."""
        ...


class DownloadLinks(Protocol):
    """Signed links to what exports made."""

    def link(self, path: str, until: datetime) -> str:
        """Give the link to a download of what is at a path, good until a time."""
        ...

    def good(self, path: str, expires: int, signature: str, now: datetime) -> bool:
        """Tell whether a link was made here and is not over."""
        ...


class Readiness(Protocol):
    """Whether this process should get requests."""

    draining: bool
    maintenance: Maintenance | None
    """Set while operators want requests to be refused."""

    async def problems(self) -> list[str]:
        """Say in a line each what keeps the process from being ready."""
        ...

    async def warnings(self) -> list[str]:
        """Say in a line each what operators should see to, though requests are answered."""
        ...


class Figures(Protocol):
    """What the process counts and measures, beside what the HTTP layer does."""

    def measuring(self) -> AbstractContextManager[None]:
        """Measure, while inside, what has to be measured all the time."""
        ...

    async def text(self, *beside: Collector) -> bytes:
        """Write everything, with what else there is, in the format that Prometheus reads."""
        ...


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that endpoints call, and the settings that they read."""

    ledger: Ledger
    posts: Posts
    post_queries: PostQueries
    files: Files
    uploads: Uploads
    blobs: BlobStore
    open_blobs: OpenBlobs
    file_queries: FileQueries
    account_queries: AccountQueries
    projections: ProjectionQueries
    rebuilds: RebuildRequests
    exports: Exports
    job_queries: JobQueries
    download_links: DownloadLinks
    activity: ActivityQueries
    search: SearchQueries
    clicks: ClickCounter
    click_queries: ClickQueries
    redirects: Redirects
    redirect_queries: RedirectQueries
    webhooks: Webhooks
    webhook_queries: WebhookQueries
    delivery_queries: DeliveryQueries
    hsts_preload: bool
    """Whether browsers may be told of the host before they ever came to it."""
    parse_address: Parse
    """Reads an address as browsers do."""
    go_allowed_hosts: frozenset[str]
    """Where links and managed redirects may lead."""
    log: EventLog
    answers: Answers
    identity: Identity
    email_fault: Callable[[str], str | None]
    """Says why a text is no email address, in words that go on after "the text"."""
    verify_token: Callable[[str, datetime], VerifiedToken | None]
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    new_request_id: Callable[[], str]
    second_factor_enforced: bool
    """Whether roles with power count only in a session with a second factor."""
    readiness: Readiness
    figures: Figures
    tracer: Tracer | None
    """None where no traces are made."""
    trusted_proxies: Sequence[IPv4Network | IPv6Network]
    """Whose word is taken for the address that a request came from."""
    public_url: str
    """Where clients reach the product, without a slash at the end."""
    allowed_hosts: frozenset[str]
    max_body_bytes: int
    max_upload_bytes: int
    """Of a file; a little more comes around it."""
    in_flight_keys: "set[tuple[UUID, str]]"
    """The idempotency keys of requests that this process is answering now."""
