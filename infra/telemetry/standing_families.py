"""How things stand by the database's word, as Prometheus reads it."""

from collections.abc import Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from domain.webhook import WebhookStatus
from infra.telemetry.standing import Standing, Webhooks
from projections.status import ProjectionStatus, State


def standing_families(found: Standing | None) -> Sequence[Metric]:
    """Make a gauge for each figure; without figures, but for one, while nobody knows them."""
    return [
        _gauge(
            "ledgerpress_database_up",
            "1 where PostgreSQL answered just now.",
            float(found is not None),
        ),
        *_of_the_whole(found),
        *_of_jobs(found),
        *_of_webhooks(None if found is None else found.webhooks),
        *_of_projections(() if found is None else found.projections),
    ]


def _of_the_whole(found: Standing | None) -> Sequence[Metric]:
    return [
        _gauge(
            "ledgerpress_database_bytes",
            "Size of the database on its disk.",
            None if found is None else found.database_bytes,
        ),
        _gauge(
            "ledgerpress_log_position",
            "Position of the last event of the log.",
            None if found is None else found.log_position,
        ),
        _gauge(
            "ledgerpress_mails_waiting",
            "Messages that are not sent yet.",
            None if found is None else found.mails,
        ),
        _gauge(
            "ledgerpress_mails_oldest_seconds",
            "Age of the oldest of them.",
            None if found is None else found.mails_oldest_seconds,
        ),
    ]


def _of_jobs(found: Standing | None) -> Sequence[Metric]:
    count = GaugeMetricFamily(
        "ledgerpress_jobs_open", "Jobs that have not ended.", labels=("kind", "state")
    )
    oldest = GaugeMetricFamily(
        "ledgerpress_jobs_oldest_seconds",
        "How long ago the first of them was asked for.",
        labels=("kind", "state"),
    )
    dead = GaugeMetricFamily(
        "ledgerpress_jobs_dead",
        "Jobs asked for within a day that failed for good.",
        labels=("kind",),
    )
    if found is not None:
        for jobs in found.open_jobs:
            count.add_metric((jobs.kind, jobs.state), jobs.count)
            oldest.add_metric((jobs.kind, jobs.state), jobs.oldest_seconds)
        for lost in found.dead_jobs:
            dead.add_metric((lost.kind,), lost.count)
    return [count, oldest, dead]


def _of_webhooks(found: Webhooks | None) -> Sequence[Metric]:
    count = GaugeMetricFamily("ledgerpress_webhooks", "Webhooks by status.", labels=("status",))
    if found is not None:
        for status in WebhookStatus:
            if status is not WebhookStatus.REMOVED:
                count.add_metric((status,), found.by_status.get(status, 0))
    return [
        count,
        _gauge(
            "ledgerpress_webhook_deliveries_waiting",
            "Deliveries that failed and will be tried again.",
            None if found is None else found.waiting,
        ),
        _gauge(
            "ledgerpress_webhook_deliveries_dead",
            "Deliveries that were given up within a day.",
            None if found is None else found.dead,
        ),
        _gauge(
            "ledgerpress_webhook_failing_seconds",
            "How long the active webhook that fails longest has got nothing.",
            None if found is None else found.failing_seconds,
        ),
    ]


def _of_projections(projections: Sequence[ProjectionStatus]) -> Sequence[Metric]:
    position = GaugeMetricFamily(
        "ledgerpress_projection_position",
        "Position of the last event that the projection has folded.",
        labels=("projection",),
    )
    events = GaugeMetricFamily(
        "ledgerpress_projection_lag_events",
        "Events of the log that the projection has not folded.",
        labels=("projection",),
    )
    seconds = GaugeMetricFamily(
        "ledgerpress_projection_lag_seconds",
        "Age of the oldest event that the projection has not folded.",
        labels=("projection",),
    )
    state = GaugeMetricFamily(
        "ledgerpress_projection_state",
        "1 for the state in which the projection is, 0 for the others.",
        labels=("projection", "state"),
    )
    for projection in projections:
        position.add_metric((projection.name,), projection.position)
        events.add_metric((projection.name,), projection.lag_events)
        seconds.add_metric((projection.name,), projection.lag_seconds)
        for one in State:
            state.add_metric((projection.name, one), float(projection.state is one))
    return [position, events, seconds, state]


def _gauge(name: str, text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric((), value)
    return family
