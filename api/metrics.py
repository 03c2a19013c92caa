"""What the HTTP layer counts, for Prometheus: requests, what came of them, how long they took.

Requests are counted by route template and outcomes by their names, so that the numbers stay few,
whatever clients send. Counting is two additions; the rest is made when somebody asks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

NO_ROUTE = "none"
OTHER_METHOD = "other"
CLIENT_GONE = "ClientGone"
CRASH = "Crash"
REFUSED = "Refused"
ANSWERED = "Answered"


class _Answered(NamedTuple):
    """What requests are counted by."""

    method: str
    route: str
    status: int
    outcome: str
    error: str


class Metrics(Collector):
    """Counts requests and how long they took."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int, type | None, str | None], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = defaultdict(float)
        self.in_flight: Callable[[], int] = int
        """Tells how many requests are being answered; set by the edge."""

    def count(
        self,
        method: str,
        route: str,
        status: int,
        seconds: float,
        outcome: type | None = None,
        error: str | None = None,
    ) -> None:
        """Count one request; status 0 stands for a client that left before the answer."""
        self._requests[method, route, status, outcome, error] += 1
        self._seconds[route] += seconds
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(_BOUNDS) + 1)
        buckets[bisect_left(_BOUNDS, seconds)] += 1

    def refused(self, method: str, status: int, error: str) -> None:
        """Count an answer that the server gave by itself: the edge has not seen the request."""
        self._requests[method or OTHER_METHOD, NO_ROUTE, status, None, error] += 1

    def collect(self) -> Iterator[Metric]:
        """Give the present numbers, for the registry."""
        counted = [
            (_Answered(method, route, status, outcome_name(status, outcome, error), error or ""), n)
            for (method, route, status, outcome, error), n in self._requests.items()
        ]
        yield _summed(
            "ledgerpress_http_requests",
            "Requests answered; status 0 when the client left first.",
            ("method", "route", "status"),
            (((each.method, each.route, str(each.status)), n) for each, n in counted),
        )
        yield _summed(
            "ledgerpress_http_outcomes",
            "Requests by what came of them: the outcome's name, and the error of a problem.",
            ("route", "status", "outcome", "error"),
            (((each.route, str(each.status), each.outcome, each.error), n) for each, n in counted),
        )
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
        yield GaugeMetricFamily(
            "ledgerpress_http_requests_in_flight",
            "Requests that are being answered.",
            value=self.in_flight(),
        )


def outcome_name(status: int, outcome: type | None, error: str | None) -> str:
    """Name what came of a request: by the outcome table, or else by who answered."""
    if not status:
        return CLIENT_GONE
    if error == "internal_error":
        return CRASH
    if outcome is not None:
        return outcome.__name__
    return ANSWERED if error is None else REFUSED


def _summed(
    name: str,
    text: str,
    labels: tuple[str, ...],
    counted: Iterator[tuple[tuple[str, ...], int]],
) -> CounterMetricFamily:
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for values, n in counted:
        sums[values] += n
    family = CounterMetricFamily(name, text, labels=labels)
    for values, n in sums.items():
        family.add_metric(values, n)
    return family
