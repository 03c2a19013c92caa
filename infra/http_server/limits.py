"""The limits of the HTTP server: sizes, time-outs and counts, in one frozen value.

Only numbers live here. Sizes are bytes, durations are seconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What one client may ask of the server, and for how long.

    A request body may take `body_seconds` plus one second for every `body_bytes_per_second`
    received, so that a large upload over a thin line passes and a trickle does not.
    """

    target_bytes: int = 8 * 1024
    header_bytes: int = 32 * 1024
    header_fields: int = 100
    header_seconds: float = 10.0
    """From the first byte of a request to the end of its header, and from the connection to
    that first byte."""

    body_stall_seconds: float = 10.0
    body_seconds: float = 60.0
    body_bytes_per_second: int = 16 * 1024
    body_buffer_bytes: int = 64 * 1024
    """How much of a body waits for the application before the socket is no longer read."""

    keep_alive_seconds: float = 75.0
    """Longer than nginx keeps an idle upstream connection (60 s), so that nginx closes first."""

    write_stall_seconds: float = 30.0
    """How long a client may take no byte at all of an answer that waits for it."""

    linger_idle_seconds: float = 2.0
    linger_seconds: float = 10.0
    """After an early answer the rest of the request is read and dropped this long, because
    closing with unread bytes makes the kernel reset the connection and the answer is lost."""

    discard_bytes: int = 64 * 1024
    """A body not read by the application, of at most this length, is dropped and the
    connection kept."""

    connections: int = 4096
    accept_backlog: int = 2048

    drain_grace_seconds: float = 1.0
    """Between readiness turning to 503 and the listener closing: time for balancers to look."""

    drain_seconds: int = 7
    """What requests in flight get to finish after that; grace, this and the end of the
    application's own lifespan have to fit into ten seconds."""
