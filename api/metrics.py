"""What Prometheus reads: the counters of the HTTP layer, and how the projections stand.

Requests are counted by route template, so that the numbers stay few. Counting is two additions; the
rest is made when somebody asks. What is told of projections is the same from every process.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from projections.status import ProjectionStatus, State

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics(Collector):
    """Counts requests and how long they took."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = defaultdict(float)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; status 0 stands for a client that left before the answer."""
        self._requests[method, route, status] += 1
        self._seconds[route] += seconds
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(_BOUNDS) + 1)
        buckets[bisect_left(_BOUNDS, seconds)] += 1

    def text(self, projections: Sequence[ProjectionStatus] = ()) -> bytes:
        """Write all of them in the format that Prometheus reads."""
        if not projections:
            return generate_latest(self._registry)
        present = CollectorRegistry()
        present.register(_Projections(projections))
        return generate_latest(self._registry) + generate_latest(present)

    def collect(self) -> Iterator[Metric]:
        """Give the present numbers, for the registry."""
        requests = CounterMetricFamily(
            "ledgerpress_http_requests",
            "Requests answered; status 0 when the client left first.",
            labels=("method", "route", "status"),
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric((method, route, str(status)), count)
        yield requests
        seconds = HistogramMetricFamily(
            "ledgerpress_http_request_seconds",
            "Time from the head of a request to the end of its answer.",
            labels=("route",),
        )
        for route, counts in self._buckets.items():
            total, cumulative = 0, []
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), counts, strict=True):
                total += count
                cumulative.append((bound, total))
            seconds.add_metric((route,), cumulative, self._seconds[route])
        yield seconds


class _Projections(Collector):
    """How the projections stood when they were last asked for."""

    def __init__(self, projections: Sequence[ProjectionStatus]) -> None:
        self._projections = projections

    def collect(self) -> Iterator[Metric]:
        """Give a gauge for each figure, by projection."""
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
        for projection in self._projections:
            events.add_metric((projection.name,), projection.lag_events)
            seconds.add_metric((projection.name,), projection.lag_seconds)
            for one in State:
                state.add_metric((projection.name, one), float(projection.state is one))
        yield from (events, seconds, state)
