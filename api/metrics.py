"""The counters of the HTTP layer, by route template so that their number stays small.

Counting is two additions; what Prometheus reads is made when it asks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

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

    def text(self) -> bytes:
        """Write all of them in the format that Prometheus reads."""
        return generate_latest(self._registry)

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
