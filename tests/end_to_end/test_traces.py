"""One trace from a request through its append, the projections, the broker and the worker.

API, worker, projector and relay are what four processes run: they share the database, the broker
and nothing else, and hand their spans over to a collector each by itself.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from commands.tracing import Tracer
from infra.bootstrap import open_product
from infra.clock import now
from infra.identity.passwords import CHEAP
from infra.serve import running_projector, running_relay, running_workers
from infra.telemetry.traces import traced
from projections.status import ProjectionQueries
from tests.support.collector import Collector, Seen, collecting
from tests.support.product import KEYS, Api, Clock, running_api
from tests.support.relaying import published
from tests.support.services import data_folder, settings_in
from tests.support.waiting import eventually

STRANGER = "4bf92f3577b34da6a3ce929d0e0e4736"
STRANGERS = {"traceparent": f"00-{STRANGER}-00f067aa0ba902b7-01"}
CANARY = "Canary-91b5a"


@asynccontextmanager
async def a_tracer(folder: Path, collector: Collector, process: str) -> AsyncIterator[Tracer]:
    """Make the tracer of a process."""
    settings = settings_in(folder, TRACES_URL=collector.address)
    async with traced(settings, process) as tracer:
        assert tracer is not None
        yield tracer


@asynccontextmanager
async def everything(database_url: str, nats_url: str, collector: Collector) -> AsyncIterator[Api]:
    """Run what four processes run; all spans are handed over on leaving."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(data_folder())
        tracer = await stack.enter_async_context(a_tracer(folder, collector, "serve"))
        api = await stack.enter_async_context(
            # The workers' clock, as they forget sessions that are over by it.
            running_api(database_url, data_dir=folder, tracer=tracer, clock=Clock(now()))
        )
        for process in ("worker", "projector", "relay"):
            tracer = await stack.enter_async_context(a_tracer(folder, collector, process))
            product = await stack.enter_async_context(
                open_product(database_url, KEYS, hashing=CHEAP, tracer=tracer)
            )
            running = {
                "worker": running_workers(product, api.settings),
                "projector": running_projector(product),
                "relay": running_relay(product, nats_url),
            }[process]
            await stack.enter_async_context(running)
        yield api


async def all_followed(api: Api) -> bool:
    """Tell whether projections and relay have the whole log."""
    statuses = await ProjectionQueries(api.product.database).all()
    return all(status.lag_events == 0 for status in statuses)


def child(span: Seen, parent: Seen) -> bool:
    """Tell whether a span goes on from another."""
    return (span.trace, span.parent) == (parent.trace, parent.id)


@pytest.mark.timeout(60)
async def test_one_trace(database_url: str, nats_url: str) -> None:
    """A post's goes on into projections and the broker, an export's into the worker and back."""
    async with collecting() as collector, everything(database_url, nats_url, collector) as api:
        post = {"title": CANARY, "content": CANARY, "category": "tech"}
        refused = await api.author.get(f"/posts?cursor={CANARY}")
        created = await api.author.post("/posts", post, headers=STRANGERS)
        asked = await api.author.post("/exports")
        assert asked.status_code == 202, asked.text
        where = asked.headers["location"]

        async def ready() -> bool:
            answer = await api.author.get(where)
            return answer.status_code == 303 and await all_followed(api)

        assert await eventually(ready, within=30)
        messages = {m.subject: m.headers for m in await published(nats_url)}

    # A post: the command, its append, what folds it and who publishes it.
    assert (refused.status_code, created.status_code, asked.status_code) == (400, 201, 202)
    request = collector.one("POST /posts")
    assert (request.service, request.kind, request.parent) == ("ledgerpress-serve", "server", "")
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["ledgerpress.outcome"] == "Created"
    assert request.attributes["ledgerpress.request_id"] == created.headers["x-request-id"]
    assert request.links == [STRANGER]
    assert not collector.trace(STRANGER)
    tag = "ledgerpress.events.post.created.v1"
    (publish,) = collector.named(f"publish {tag}")
    assert messages[tag]["traceparent"].startswith(f"00-{publish.trace}-{publish.id}-")
    append = collector.one("append post")
    assert append.attributes["ledgerpress.append.result"] == "Appended"
    parts = {span.name: span.service for span in collector.trace(request.trace)}
    assert parts == {
        "POST /posts": "ledgerpress-serve",
        "append post": "ledgerpress-serve",
        "fold activity": "ledgerpress-projector",
        "fold search": "ledgerpress-projector",
        f"publish {tag}": "ledgerpress-relay",
    }
    assert all(child(span, request) for span in collector.trace(request.trace) if span != request)
    assert [group for group in collector.named("append_events") if request.trace in group.links]

    # An export: asked for by a request, done by a worker whose steps are in the same trace.
    request = collector.one("POST /exports")
    process = collector.one("process job", job_kind="export")
    assert child(process, request)
    assert (process.service, process.kind, process.failed) == (
        "ledgerpress-worker",
        "consumer",
        False,
    )
    steps = [span for span in collector.named("append job") if span.service == process.service]
    assert {span.attributes["ledgerpress.command"] for span in steps} >= {"StartJob", "CompleteJob"}
    assert all(child(span, process) for span in steps)
    (done,) = collector.named("publish ledgerpress.events.job.completed.v1")
    assert child(done, process)
    assert done.service == "ledgerpress-relay"

    # Nothing that clients write leaves with traces.
    assert CANARY.encode() not in collector.bodies
    assert api.author.token().encode() not in collector.bodies


@pytest.mark.timeout(60)
async def test_a_proxy_of_ours_is_believed(database_url: str) -> None:
    """Its trace goes on; what it does not keep is not kept here, and the log says so."""
    kept = f"00-{'a' * 32}-{'b' * 16}-01"
    not_kept = f"00-{'c' * 32}-{'d' * 16}-00"
    post = {"content": "Text.", "category": "tech"}
    async with collecting() as collector:
        with data_folder() as folder:
            async with (
                a_tracer(folder, collector, "serve") as tracer,
                running_api(
                    database_url,
                    data_dir=folder,
                    tracer=tracer,
                    variables={"TRUSTED_PROXIES": "127.0.0.1"},
                ) as api,
            ):
                for sent in (kept, not_kept, "malformed", f"{kept},{kept}"):
                    titled = {"title": sent, **post}
                    answer = await api.author.post("/posts", titled, headers={"traceparent": sent})
                    assert answer.status_code == 201
                rows = await api.product.database.fetch(
                    "select metadata::text from events where category = 'post' order by position"
                )

    spans = collector.named("POST /posts")
    assert [(span.trace, span.parent) for span in spans if span.parent] == [("a" * 32, "b" * 16)]
    assert len(spans) == 3
    assert not collector.trace("c" * 32)
    correlations = [msgspec.json.decode(row[0])["correlation"] for row in rows]
    assert correlations[0].startswith(f"00-{'a' * 32}-")
    assert correlations[1].startswith(f"00-{'c' * 32}-")
    assert [int(text[-2:], 16) & 1 for text in correlations] == [1, 0, 1, 1]
