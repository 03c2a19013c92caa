"""What a started service is, and the choice of its program."""

import asyncio

import msgspec

from infra.embedded.errors import ServiceError
from infra.embedded.resolve import Binary, Kind, Places, how_to_get, resolve


class Service(msgspec.Struct, frozen=True):
    """A service to connect to: its URL (a secret), where it comes from, its pid if we run it."""

    url: str
    source: str
    pid: int | None = None


async def choose(kind: Kind, places: Places, *, major: int | None = None) -> tuple[Binary, str]:
    """Return the program to run and a sentence on which one it is and why."""
    resolution = await asyncio.to_thread(resolve, kind, places, major=major)
    binary = resolution.binary
    if binary is None:
        raise ServiceError(f"{resolution.why}: {how_to_get(kind)}")
    return binary, f"{kind.label} {binary.dotted}, {binary.path} ({resolution.why})"
