"""Ports for servers that have to be told which to listen on."""

import os
import socket
from itertools import count

# Below those that the system hands out: nobody else gets one between its choice and its use.
_FIRST = 12_000
_MANY = 20_000
_numbers = count(os.getpid() * 101)


def free_ports(many: int) -> list[int]:
    """Find ports of 127.0.0.1 that nobody uses, none of them twice."""
    found: list[int] = []
    while len(found) < many:
        port = _FIRST + next(_numbers) % _MANY
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found
