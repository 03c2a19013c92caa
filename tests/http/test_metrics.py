"""Specifies what Prometheus is told of requests and of the process that answers them."""

import pytest

import commands.outcomes
from api.metrics import ANSWERED, CLIENT_GONE, CRASH, REFUSED
from api.problem_catalogue import CATALOGUE
from tests.support.exposition import Family, own
from tests.support.http import if_match
from tests.support.posts import a_post
from tests.support.product import Api

MOST_LABELS = 64
"""More errors than this there may be; more words in a label that a client chose there may not."""
OUTCOMES = {*vars(commands.outcomes), ANSWERED, CLIENT_GONE, CRASH, REFUSED}

REST = b"\r\nHost: localhost\r\n\r\n"


async def told(api: Api) -> dict[str, Family]:
    """Ask for the metrics."""
    answer = await api.anonymous.get("/metrics")
    assert answer.status_code == 200
    return own(answer.text)


class Change:
    """How figures change from one look to the next."""

    def __init__(self, before: dict[str, Family], after: dict[str, Family]) -> None:
        self._before = before
        self._after = after

    def of(self, name: str, **labels: str) -> float:
        """Tell by how much a figure has grown."""
        return self._after[name].value(**labels) - self._before[name].value(**labels)


async def test_outcomes_are_counted_by_name(api: Api) -> None:
    """Each with its status, and problems with their error."""
    before = await told(api)
    post = await a_post(api.author)
    path, tag = post.path, post.tag
    await api.author.get(path, headers={"If-None-Match": tag})
    await api.author.patch(path, {"title": "Other"}, headers=if_match(tag))
    await api.author.patch(path, {"title": "Other"}, headers=if_match(tag))
    await api.author.patch(path, {"title": "Other"})
    await api.anonymous.get(path)
    await api.anonymous.get("/no/such/place")
    await api.anonymous.send("PUT", "/posts")
    change = Change(before, await told(api))

    outcomes = "ledgerpress_http_outcomes_total"
    one = "/posts/{post_id}"
    assert change.of(outcomes, route="/posts", status="201", outcome="Created", error="") == 1
    assert change.of(outcomes, route=one, status="304", outcome="NotModified") == 1
    assert change.of(outcomes, route=one, status="200", outcome="Changed", error="") == 1
    assert change.of(outcomes, status="412", outcome="StaleVersion", error="stale_version") == 1
    assert change.of(outcomes, status="428", outcome="PreconditionMissing") == 1
    assert change.of(outcomes, route=one, status="404", outcome="NotFound") == 1
    assert change.of(outcomes, route="none", status="404") == 1
    assert change.of(outcomes, status="405", outcome="Refused", error="method_not_allowed") == 1
    assert change.of("ledgerpress_http_requests_total", method="PATCH", route=one) == 3
    assert change.of("ledgerpress_http_request_seconds", route=one) == 5
    assert change.of("ledgerpress_log_appends_total", result="appended") == 2
    assert change.of("ledgerpress_log_events_total") == 2
    assert change.of("ledgerpress_log_group_appends") == 2


@pytest.mark.parametrize(
    ("request_head", "method", "status", "error"),
    [
        (b"GET /%s HTTP/1.1" % (b"a" * 9000) + REST, "GET", 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nX: %s" % (b"a" * 40000) + REST, "GET", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n\r\n", "GET", 400, "bad_host"),
        (b"BREW / HTTP/1.1" + REST, "other", 501, "method_not_implemented"),
        (b"GET / HTTP/3.0" + REST, "GET", 505, None),
    ],
)
async def test_what_the_server_refuses_is_counted(
    api: Api, request_head: bytes, method: str, status: int, error: str | None
) -> None:
    """Also what never reaches a route, under the names that clients got."""
    before = await told(api)
    async with api.raw() as connection:
        await connection.send(request_head)
        answer = await connection.answer()
    change = Change(before, await told(api))

    assert answer.status == status
    labels = {"route": "none", "status": str(status)}
    assert change.of("ledgerpress_http_requests_total", method=method, **labels) == 1
    named = error or answer.problem()["error"]
    assert change.of("ledgerpress_http_outcomes_total", error=named, **labels) == 1


async def test_labels_stay_few(api: Api) -> None:
    """Whatever clients make up: methods, paths, hosts, tokens, ids."""
    for number in range(40):
        await api.anonymous.send("GET", f"/made/up/{number}")
        await api.anonymous.get(f"/posts/{number:032x}")
        await api.anonymous.get("/posts", headers={"Host": f"made-up-{number}.example"})
        async with api.raw() as connection:
            await connection.send(b"MADE%d /posts HTTP/1.1\r\nHost: localhost\r\n\r\n" % number)
            await connection.answer()
    found = await told(api)

    labels: dict[str, set[str]] = {}
    for family in found.values():
        for _, given in family.samples:
            for name, value in given:
                labels.setdefault(name, set()).add(value)
    assert labels["method"] <= {
        *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"),
        "other",
    }
    assert labels["error"] <= {*CATALOGUE, ""}
    assert not [each for each in labels["route"] if "made" in each or "0000" in each]
    bounded_elsewhere = {"route", "error", "outcome"}
    assert all(len(labels[name]) <= MOST_LABELS for name in labels.keys() - bounded_elsewhere)
    assert labels["outcome"] <= OUTCOMES


async def test_jobs_and_mails_that_wait(api: Api) -> None:
    """By kind and state, with the age of the oldest; those that failed for good apart."""
    await api.author.post("/exports")
    await api.author.post("/password/forgot", {"email": "author@test.example"})
    await api.product.database.fetch(
        "insert into jobs (id, version, kind, status, percent, attempts, token, requested_at,"
        " updated_at) values (gen_random_uuid(), 7, 'previews', 'failed', 0, 3, 5, now(), now())"
    )
    found = await told(api)

    assert found["ledgerpress_jobs_open"].value(kind="export", state="queued") == 1
    assert found["ledgerpress_jobs_oldest_seconds"].value(kind="export") > 0
    assert found["ledgerpress_jobs_dead"].value(kind="previews") == 1
    assert found["ledgerpress_mails_waiting"].value() == 1
    assert found["ledgerpress_mails_oldest_seconds"].value() >= 0
    assert found["ledgerpress_log_position"].value() == await api.events()
    assert found["ledgerpress_database_up"].value() == 1
    assert found["ledgerpress_breaker_open"].value() == 0
    assert found["ledgerpress_database_pool_limit"].value() >= 1
    assert found["ledgerpress_database_pool_connections"].value(state="in_use") >= 1


async def test_webhooks_that_fail(api: Api) -> None:
    """Webhooks by status, what waits for them and what was given up, and who fails longest."""
    await api.product.database.fetch(
        "insert into webhooks (id, version, url, event_types, status, created_at, updated_at, body)"
        " select gen_random_uuid(), 1, 'https://hooks.example/', '{}', status, now(), now(), ''"
        " from unnest('{active,active,disabled,removed}'::text[]) as status"
    )
    await api.product.database.fetch(
        "insert into webhook_cursors (webhook_id, epoch, position, failing_since)"
        " select id, 1, 1, now() - interval '1 hour' * case status when 'active' then 1 else 9 end"
        " from webhooks"
    )
    await api.product.database.fetch(
        "insert into webhook_deliveries (id, webhook_id, position, event_id, type, state, attempts,"
        " last_at) select gen_random_uuid(), gen_random_uuid(), at, gen_random_uuid(), '', state,"
        " 1, now() - interval '1 day' * age from (values ('waiting', 1, 0), ('dead', 1, 0),"
        " ('dead', null, 0), ('dead', 1, 2), ('delivered', 1, 0)) as each (state, at, age)"
    )
    found = await told(api)

    assert found["ledgerpress_webhooks"].value(status="active") == 2
    assert found["ledgerpress_webhooks"].value(status="paused") == 0
    assert found["ledgerpress_webhooks"].value(status="disabled") == 1
    assert found["ledgerpress_webhook_deliveries_waiting"].value() == 1
    assert found["ledgerpress_webhook_deliveries_dead"].value() == 1
    assert 3600 <= found["ledgerpress_webhook_failing_seconds"].value() < 9 * 3600
