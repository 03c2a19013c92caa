"""The counters of the HTTP layer, by route template so that their number stays small."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counts requests and how long they took."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ledgerpress_http_requests",
            "Requests answered; status 0 when the client left first.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "ledgerpress_http_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (method, route, status)
        found = self._children.get(key)
        if found is None:
            found = (self._requests.labels(method, route, status), self._seconds.labels(route))
            self._children[key] = found
        found[0].inc()
        found[1].observe(seconds)

    def text(self) -> bytes:
        """Write all of them in the format that Prometheus reads."""
        return generate_latest(self._registry)
