"""What `ledgerpress doctor` reports: each service, what serves it, why, and what to do.

It only looks: nothing is started or written; a service with a URL is connected to for a moment.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from typing import Literal

import asyncpg
import msgspec
import nats.errors
import redis.asyncio
import redis.exceptions
from nats.js.errors import ServiceUnavailableError
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from infra.embedded.folders import existing_postgres_data
from infra.embedded.nats import connected_once
from infra.embedded.resolve import (
    NATS,
    POSTGRES,
    VALKEY,
    Kind,
    Places,
    how_to_get,
    resolve,
    version_fault,
)
from infra.settings import Settings
from infra.settings_values import redact_url

TIMEOUT_S = 3.0
_OPEN_TO_OTHERS = 0o077


class Check(msgspec.Struct, frozen=True):
    """One line of the report; `advice` is empty where nothing is to be done."""

    service: str
    status: Literal["ok", "warning", "error"]
    using: str
    version: str
    why: str
    advice: str = ""


class _UnusableError(Exception):
    """A server that answers, but not as it must."""


_FAILURES = (
    OSError,
    TimeoutError,
    ValueError,
    _UnusableError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    nats.errors.Error,
    redis.exceptions.RedisError,
)

_Probe = Callable[[str, Settings], Awaitable[str]]


async def diagnose(settings: Settings, places: Places | None = None) -> list[Check]:
    """Check every service and folder; takes a few seconds at most, whatever is down."""
    where = places or Places.of_this_machine()
    urls: list[tuple[Kind, str | None, _Probe]] = [
        (POSTGRES, settings.database_url, _postgres),
        (NATS, settings.nats_url, _nats),
        (VALKEY, settings.redis_url, _valkey),
    ]
    services = await asyncio.gather(
        *(
            _server(kind, url, probe, settings)
            if url
            else asyncio.to_thread(_binary, kind, where, settings)
            for kind, url, probe in urls
        )
    )
    return [*services, *await asyncio.to_thread(_folders, settings)]


async def _server(kind: Kind, url: str, probe: _Probe, settings: Settings) -> Check:
    using, why = redact_url(url), f"{kind.variable} is set"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            version = await probe(url, settings)
    except _FAILURES as error:
        reason = str(error) or f"no answer within {TIMEOUT_S:.0f} s"
        advice = f"check {kind.variable} and that its server runs: {reason}"
        return Check(kind.label, "error", using, "", why, advice)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if fault := version_fault(kind, numbers):
        return Check(kind.label, "error", using, version, why, f"it {fault}: use {kind.wanted}")
    return Check(kind.label, "ok", using, version, why)


def _binary(kind: Kind, places: Places, settings: Settings) -> Check:
    major = _made_by(settings) if kind is POSTGRES else None
    found = resolve(kind, places, major=major)
    if found.binary is None:
        return Check(kind.label, "error", "", "", found.why, how_to_get(kind))
    return Check(kind.label, "ok", str(found.binary.path), found.binary.dotted, found.why)


def _made_by(settings: Settings) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        data = existing_postgres_data(settings.data_dir)
        return int((data / "PG_VERSION").read_text(encoding="ascii")) if data else None
    return None


async def _postgres(url: str, settings: Settings) -> str:
    connection = await asyncpg.connect(url, timeout=TIMEOUT_S)
    try:
        if settings.production and await connection.fetchval("SHOW fsync") != "on":
            raise _UnusableError("fsync is off, which production refuses")
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _nats(url: str, _: Settings) -> str:
    async with connected_once(url, int(TIMEOUT_S)) as client:
        try:
            await client.jetstream().account_info()
        except ServiceUnavailableError:
            raise _UnusableError("JetStream is not enabled") from None
        version = client.connected_server_version
        return f"{version.major}.{version.minor}.{version.patch}"


async def _valkey(url: str, _: Settings) -> str:
    client = redis.asyncio.from_url(url, retry=Retry(NoBackoff(), 0))
    try:
        information = await client.info("server")
    finally:
        await client.aclose()
    return str(information.get("valkey_version") or information["redis_version"])


def _folders(settings: Settings) -> list[Check]:
    data, secrets = settings.data_dir.absolute(), settings.secrets_dir.absolute()
    nearest = next(folder for folder in (data, *data.parents) if folder.exists())
    why = (
        "LEDGERPRESS_DATA_DIR, in use" if nearest == data else "LEDGERPRESS_DATA_DIR, not made yet"
    )
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        checks = [Check("Data folder", "ok", str(data), "", why)]
    else:
        advice = f"make {nearest} writable, or choose another LEDGERPRESS_DATA_DIR"
        checks = [Check("Data folder", "error", str(data), "", why, advice)]
    mode = secrets.stat().st_mode & 0o777 if secrets.is_dir() else None
    if mode is None and settings.production:
        advice = "create it and write the secrets into it"
        checks.append(Check("Secrets", "error", str(secrets), "", "it is missing", advice))
    elif mode is not None and mode & _OPEN_TO_OTHERS:
        others = f"other users may enter it (mode {mode:o})"
        checks.append(Check("Secrets", "warning", str(secrets), "", others, f"chmod 700 {secrets}"))
    else:
        why = "not made yet" if mode is None else "private to its owner"
        checks.append(Check("Secrets", "ok", str(secrets), "", why))
    return checks
