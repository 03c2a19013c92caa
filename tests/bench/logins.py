"""Measures signing in beside argon2id alone, and what it does to others who read meanwhile.

Run as `python -m tests.bench.logins`. Everything takes turns in every round, and medians of the
rounds' ratios are taken: read the ratios, not the rates.

The load generator, PostgreSQL and the threads that hash share the machine's cores with what is
measured, as they would on one small server.
"""

import asyncio
import itertools
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import uvloop
from argon2 import PasswordHasher
from rich.console import Console
from rich.table import Table

from infra.identity.limits import RedisLimiter
from infra.identity.passwords import STRONG
from infra.redis_calls import RedisCalls
from tests.bench.api_process import Api, Setup, email_of
from tests.bench.http import api_process, create
from tests.bench.load import NextRequest, load, request
from tests.bench.machine import describe
from tests.bench.paced import paced
from tests.bench.store import durable_databases
from tests.support.own_valkey import own_valkey
from tests.support.product import PASSWORD
from tests.support.signing_in import generous

ROUNDS = 5
CLIENTS = 16
"""Who sign in all the time."""
PEOPLE = 64
MOST_REFUSED = 0.02
LOGIN_SECONDS = 4.0

READERS = 4
READS_PER_SECOND = 200
READ_SECONDS = 6.0
"""1,200 answers, of which the p99 is the twelfth slowest."""
POSTS = 200

CONNECTIONS = 32
BUSY_SECONDS = 1.0
COUNTED = 1000

Pair = tuple[float, float]
"""What the baseline took or did, and what the product."""


async def main() -> None:
    """Measure everything and print one table."""
    found: dict[str, list[Pair]] = {}
    async with (
        durable_databases() as (databases, folder),
        databases.fresh() as url,
        own_valkey() as valkey,
    ):
        machine = await describe(url, folder)
        async with api_process(Setup(url, valkey.url, PEOPLE)) as (_, api):
            requests = await prepare(api)
            for _ in range(ROUNDS):
                for name, pair in (await one_round(api, requests, valkey.url)).items():
                    found.setdefault(name, []).append(pair)
    print_table(found, machine)


class Requests(msgspec.Struct, frozen=True):
    """What clients send: each call of one makes a request."""

    sign_in: NextRequest
    read: NextRequest
    read_as_nobody: NextRequest


async def prepare(api: Api) -> Requests:
    """Publish posts, and say what is sent."""
    address, token = api.address, {"authorization": f"Bearer {api.token}"}
    async with httpx.AsyncClient(base_url=address, headers=token, timeout=10) as client:
        paths = [(await create(client, f"Post number {n}"))[0] for n in range(POSTS)]
        for path in paths:
            (await client.post(f"{path}/publish")).raise_for_status()
    bodies = [{"email": email_of(n), "password": PASSWORD} for n in range(PEOPLE)]
    json = {"content-type": "application/json"}
    logins = itertools.cycle(
        [request(address, "POST", "/login", json, msgspec.json.encode(body)) for body in bodies]
    )
    chance = random.Random(1)  # noqa: S311 - which post is read next
    with_token = [request(address, "GET", path, token) for path in paths]
    without = [request(address, "GET", path, {}) for path in paths]
    return Requests(
        sign_in=lambda _: next(logins),
        read=lambda _: chance.choice(with_token),
        read_as_nobody=lambda _: chance.choice(without),
    )


async def one_round(api: Api, requests: Requests, redis_url: str) -> dict[str, Pair]:
    """Measure each thing and its baseline once, one right after the other."""
    alone = verifications_per_second(LOGIN_SECONDS)
    logins = await busy(api, requests.sign_in, CLIENTS, LOGIN_SECONDS)
    quiet = await read_times(api, requests)
    signing_in = asyncio.create_task(busy(api, requests.sign_in, CLIENTS, READ_SECONDS + 1))
    await asyncio.sleep(0.5)  # until all of them wait for a thread
    crowded = await read_times(api, requests)
    assert not signing_in.done(), "nobody signed in while the last posts were read"
    meanwhile = await signing_in
    nobody = await busy(api, requests.read_as_nobody, CONNECTIONS, BUSY_SECONDS)
    somebody = await busy(api, requests.read, CONNECTIONS, BUSY_SECONDS)
    return {
        "sign in": (alone, logins),
        "sign in, others read": (alone, meanwhile),
        "read, p50": (percentile(quiet, 0.5), percentile(crowded, 0.5)),
        "read, p99": (percentile(quiet, 0.99), percentile(crowded, 0.99)),
        "read with a token": (nobody, somebody),
        "count an attempt": await counting_times(redis_url),
    }


def verifications_per_second(seconds: float) -> float:
    """Verify passwords on a thread for each core, and do nothing else."""
    hasher = PasswordHasher.from_parameters(STRONG)
    stored = hasher.hash(PASSWORD)
    begun = time.perf_counter()

    def verify_again_and_again(_: int) -> int:
        done = 0
        while time.perf_counter() - begun < seconds:
            done += hasher.verify(stored, PASSWORD)
        return done

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(verify_again_and_again, range(threads)))
    return done / (time.perf_counter() - begun)


async def busy(api: Api, make: NextRequest, connections: int, seconds: float) -> float:
    """Tell how many requests a second succeed, which all but a few must.

    On a crowded machine Redis' answer may be seen too late, and an attempt is refused.
    """
    measured = await load(api.address, [make] * connections, seconds)
    refused = measured.statuses.get("429", 0) / sum(measured.statuses.values())
    assert set(measured.statuses) <= {"200", "429"}, measured.statuses
    assert refused < MOST_REFUSED, measured.statuses
    return measured.per_second * (1 - refused)


async def read_times(api: Api, requests: Requests) -> list[float]:
    """Read posts at a moderate rate; give the times, sorted."""
    return await paced(
        api.address,
        lambda: requests.read(b""),
        connections=READERS,
        per_second=READS_PER_SECOND,
        seconds=READ_SECONDS,
    )


async def counting_times(redis_url: str) -> Pair:
    """Give the median seconds of a PING, and of an attempt counted in three quotas."""
    calls = RedisCalls(redis_url)
    limiter = RedisLimiter(calls, key=b"b" * 32, rules=generous())
    subjects = itertools.cycle(map(email_of, range(PEOPLE)))
    try:
        return (
            await median_seconds(lambda: calls.call("PING")),
            await median_seconds(
                lambda: limiter.admit("login", subject=next(subjects), address="192.0.2.1")
            ),
        )
    finally:
        await calls.close()


async def median_seconds(call: Callable[[], Awaitable[object]]) -> float:
    """Call again and again, and give the median time of a call."""
    took = []
    for _ in range(COUNTED):
        begun = time.perf_counter()
        await call()
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def percentile(ordered: Sequence[float], part: float) -> float:
    """Give the value that this part of the values is below."""
    return ordered[int(len(ordered) * part)]


class Row(msgspec.Struct, frozen=True):
    """A line of the table: what it is called, its baseline, its unit and its target."""

    text: str
    baseline: str
    unit: str
    target: str = ""


ROWS = {
    "sign in": Row(f"sign in, {CLIENTS} clients", "argon2id alone", "/s", ">= 0.8x"),
    "sign in, others read": Row(f"the same, {READS_PER_SECOND} reads/s beside", "as above", "/s"),
    "read, p50": Row("read during them, p50", "nobody signs in", "ms"),
    "read, p99": Row("read during them, p99", "nobody signs in", "ms", "<= 2x"),
    "read with a token": Row(f"read with a token, {CONNECTIONS} clients", "without one", "/s"),
    "count an attempt": Row("count an attempt", "PING", "ms"),
}


def print_table(found: dict[str, list[Pair]], machine: str) -> None:
    """Print medians, and the lowest and the highest ratio of a round."""
    table = Table("measured", "beside", "baseline", "product", "ratio", "target", "lowest..highest")
    for name, row in ROWS.items():
        baseline, product = zip(*found[name], strict=True)
        ratios = [ours / theirs for theirs, ours in found[name]]
        table.add_row(
            row.text,
            row.baseline,
            _shown(statistics.median(baseline), row.unit),
            _shown(statistics.median(product), row.unit),
            f"{statistics.median(ratios):.2f}x",
            row.target,
            f"{min(ratios):.2f}x..{max(ratios):.2f}x",
        )
    console = Console(width=120)
    console.print(table)
    console.print(machine, highlight=False)


def _shown(value: float, unit: str) -> str:
    return f"{value * 1000:.2f} ms" if unit == "ms" else f"{value:,.0f} {unit}"


if __name__ == "__main__":
    uvloop.run(main())
