"""Gives the endpoints what they need of the product."""

from datetime import UTC, datetime

import uuid_utils
from uuid_utils.compat import uuid7

from api.services import Services, VerifiedToken
from commands.clicks import ClickCounter
from commands.limits import Limiter
from commands.maintenance import Maintenance
from commands.ports import StoreUnavailableError
from infra.bootstrap import Product, identity
from infra.exports.links import DownloadLinks
from infra.exports.open import open_exports
from infra.files.open import StoredFiles
from infra.files.open_blobs import KeptBlobs
from infra.identity.email_address import email_fault
from infra.identity.tokens import AccessToken
from infra.links import parse_web_address
from infra.postgres import Database
from infra.projections.rebuild_requests import PostgresRebuildRequests
from infra.redirects import redirect_commands
from infra.settings import Settings
from infra.store.answers import PostgresAnswers
from infra.telemetry.process_metrics import ProcessMetrics
from infra.webhooks.open import webhook_commands
from projections.activity import ActivityQueries
from projections.clicks import ClickQueries
from projections.redirects import RedirectQueries
from projections.search import SearchQueries
from projections.status import ProjectionQueries
from projections.webhook_deliveries import DeliveryQueries
from projections.webhooks import WebhookQueries


class ProcessReadiness:
    """Whether this process should get requests: not while it drains, nor without its database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._projections = ProjectionQueries(database)
        self.draining = False
        self.maintenance: Maintenance | None = None

    async def problems(self) -> list[str]:
        """Say in a line each what keeps the process from being ready."""
        if self.draining:
            return ["draining: this process is shutting down"]
        try:
            await self._database.fetch("select 1")
        except StoreUnavailableError as error:
            return [f"database: {error}"]
        return []

    async def warnings(self) -> list[str]:
        """Say in a line each what operators should see to, though requests are answered."""
        try:
            statuses = await self._projections.all()
        except StoreUnavailableError:
            return []  # a problem, and told as one
        warnings = [status.warning for status in statuses if status.warning is not None]
        if self.maintenance is not None:
            # Not a problem: a balancer that leaves every process out says less than our 503.
            warnings.insert(0, f"maintenance: {self.maintenance.reason}")
        return warnings


def process_metrics(
    product: Product, settings: Settings, stored: StoredFiles | None = None
) -> ProcessMetrics:
    """Put together what tells Prometheus of the process; `stored` where it takes uploads."""
    return ProcessMetrics(
        settings,
        database=product.database,
        appends=product.store.figures,
        work=product.watching.figures,
        tracer=product.tracer,
        uploads=None if stored is None else stored.uploads,
    )


def api_services(
    product: Product, settings: Settings, limiter: Limiter, stored: StoredFiles
) -> Services:
    """Put together what `api.app.create_app` asks for."""

    def verify(token: str, now: datetime) -> VerifiedToken | None:
        verified = product.access_tokens.verify(token, now)
        return verified if isinstance(verified, AccessToken) else None

    return Services(
        ledger=product.ledger,
        posts=product.posts,
        post_queries=product.post_queries,
        files=product.files,
        uploads=stored.uploads,
        blobs=stored.store,
        open_blobs=KeptBlobs(stored.store),
        file_queries=product.file_queries,
        account_queries=product.account_queries,
        projections=ProjectionQueries(product.database),
        rebuilds=PostgresRebuildRequests(product.database),
        exports=open_exports(product.jobs, product.job_queries, settings),
        job_queries=product.job_queries,
        download_links=DownloadLinks(product.keys.access_token),
        activity=ActivityQueries(product.database),
        search=SearchQueries(product.database),
        clicks=ClickCounter(uuid7),
        click_queries=ClickQueries(product.database),
        redirects=redirect_commands(product.ledger, product.database, settings),
        redirect_queries=RedirectQueries(product.database),
        webhooks=webhook_commands(product.ledger, product.keys, settings),
        webhook_queries=WebhookQueries(product.database),
        delivery_queries=DeliveryQueries(product.database),
        hsts_preload=settings.hsts_preload,
        parse_address=parse_web_address,
        go_allowed_hosts=frozenset(settings.go_allowed_hosts),
        log=product.log,
        answers=PostgresAnswers(product.database),
        identity=identity(product, settings, limiter),
        email_fault=email_fault,
        trusted_proxies=settings.trusted_proxies,
        verify_token=verify,
        now=lambda: datetime.now(UTC),
        new_id=uuid7,
        second_factor_enforced=settings.second_factor_enforced,
        new_request_id=lambda: str(uuid_utils.uuid7()),
        readiness=ProcessReadiness(product.database),
        figures=process_metrics(product, settings, stored),
        tracer=product.tracer,
        public_url=settings.public_url.rstrip("/"),
        allowed_hosts=frozenset(settings.allowed_hosts),
        max_body_bytes=settings.max_body_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        in_flight_keys=set(),
    )
