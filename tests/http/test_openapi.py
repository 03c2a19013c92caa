"""Specifies the OpenAPI document: complete, valid, and true of what the product answers."""

from functools import cache
from typing import Any

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import create_app
from api.openapi import openapi
from api.openapi_errors import EVERYWHERE
from api.operations import OPERATIONS
from api.problem_catalogue import CATALOGUE
from tests.http.routes import resources
from tests.support.http import Client, fields, if_match, problem
from tests.support.posts import HOLD, a_draft, a_post, a_published_post
from tests.support.product import Api

JSON = dict[str, Any]
NOT_THERE = "01920000-0000-7000-8000-000000000000"


@cache
def routes() -> tuple[Any, ...]:
    """List Litestar's routes."""
    nothing: Any = None
    edge: Any = create_app(nothing)
    return tuple(edge._app.routes)  # noqa: SLF001 - what the product serves


@cache
def document() -> JSON:
    """Make the document."""
    return openapi(routes(), "http://api.example")


def follow(part: JSON) -> JSON:
    """Follow a reference within the document, where it is one."""
    if "$ref" not in part:
        return part
    found: Any = document()
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    followed: JSON = found
    return followed


def operations() -> list[tuple[str, str, JSON]]:
    """List method, path and description of every operation."""
    return [
        (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_valid() -> None:
    """The validator of the specification finds nothing."""
    errors = [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()]

    assert errors == []


def test_it_is_the_same_in_every_process() -> None:
    """The order of the routes, which differs from process to process, plays no part."""
    turned = openapi(reversed(routes()), "http://api.example")

    assert msgspec.json.encode(turned) == msgspec.json.encode(document())


def test_no_operation_is_forgotten() -> None:
    """Every method of every path is described, but for those said not to be, and no other."""
    served = {
        f"{method} {route.path_format}"
        for route in routes()
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if handler.resolve_include_in_schema()
    }
    described = {f"{method} {path}" for method, path, _ in operations()}
    methods = {
        f"{method} {resource.template}"
        for resource in resources()
        if not resource.template.startswith("/docs")
        for method in resource.methods - {"HEAD", "OPTIONS"}
    }

    assert described == served == methods == OPERATIONS.keys()


def test_names_are_unique_and_sentences_are_there() -> None:
    """Each operation has an id of its own, a summary, a description; so has each parameter."""
    ids = [operation["operationId"] for _, _, operation in operations()]

    assert len(set(ids)) == len(ids)
    for _, path, operation in operations():
        in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert all(each["description"].endswith(".") for each in operation["parameters"])
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_component_is_used() -> None:
    """Nothing is described that no operation refers to."""
    text = str(document())
    for kind in ("schemas", "responses", "headers"):
        unused = [
            name
            for name in document()["components"][kind]
            if f"'#/components/{kind}/{name}'" not in text
        ]
        assert unused == [], kind


def test_errors_stand_under_their_status() -> None:
    """A response of a status names errors of that status, each with an example."""
    for _, _, operation in operations():
        for status, reference in operation["responses"].items():
            response = follow(reference)
            problems = response.get("content", {}).get("application/problem+json")
            if problems is not None and status != "default":
                errors = problems["schema"]["allOf"][1]["properties"]["error"]["enum"]
                assert {CATALOGUE[error].status for error in errors} == {int(status)}
                assert list(problems["examples"]) == errors
    assert {CATALOGUE[error].status for error in EVERYWHERE}.isdisjoint({401, 403, 409, 412})


@pytest.mark.parametrize("error", CATALOGUE)
def test_examples_of_errors_fit_their_schema(error: str) -> None:
    """The example of each error is a problem as the schema has it."""
    value = document()["components"]["examples"][error]["value"]

    check({"$ref": "#/components/schemas/Problem"}, value)
    assert value["error"] == error


def check(schema: JSON, value: object) -> None:
    """Hold a value against a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    messages = [error.message for error in OAS31Validator(whole).iter_errors(value)]
    assert messages == []


def check_answer(template: str, answer: httpx.Response) -> None:
    """Hold an answer against its description: status, fields, type and body."""
    operation = document()["paths"][template][answer.request.method.lower()]
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{answer.status_code} {answer.text}"
    response = follow(described)
    known = {name.lower() for name in response["headers"]} | {"content-type"}
    assert set(fields(answer)) <= known, answer.headers
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if "content" not in response:
        assert answer.content == b""
        return
    schema = response["content"][media_type]["schema"]
    check(schema, answer.json() if media_type.endswith("json") else answer.text)


async def test_it_is_served(api: Api) -> None:
    """The document that is served is the one that is tested here, with a tag."""
    answer = await api.anonymous.get("/openapi.json")
    tag = answer.headers["etag"]
    again = await api.anonymous.get("/openapi.json", headers={"If-None-Match": tag})
    served = answer.json()

    assert served["paths"] == document()["paths"]
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": tag,
        "cache-control": "public, max-age=3600",
    }
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    problem(
        await api.anonymous.get("/openapi.json", headers={"Accept": "text/html"}),
        406,
        "not_acceptable",
    )


@pytest.mark.parametrize(
    ("template", "who"),
    [
        ("/posts", "anonymous"),
        ("/posts?status=draft", "author"),
        ("/posts?status=draft", "anonymous"),
        ("/posts?cursor=x", "anonymous"),
        ("/posts/{post_id}", "anonymous"),
        ("/posts/{post_id}?asOf=2026-03-01T09:00:00.2Z", "author"),
        ("/posts/{post_id}/versions", "author"),
        ("/posts/{post_id}/versions", "second_author"),
        ("/posts/{post_id}/versions/{version}", "auditor"),
        ("/posts/{post_id}/versions/{version}?x=1", "auditor"),
        ("/posts/slug/{slug}", "anonymous"),
        ("/events", "auditor"),
        ("/events", "anonymous"),
        ("/events/{position}", "auditor"),
        ("/events/{position}", "author"),
        ("/streams/{category}/{stream_id}", "auditor"),
        ("/problems", "anonymous"),
        ("/problems/{error}", "anonymous"),
        ("/livez", "anonymous"),
        ("/readyz", "anonymous"),
        ("/metrics", "anonymous"),
    ],
)
async def test_reads_answer_as_described(api: Api, template: str, who: str) -> None:
    """Status, fields and body of reads, and of their refusals and 304s, are described."""
    post = await a_published_post(api.author)
    values = {
        "post_id": post.id,
        "stream_id": post.id,
        "slug": post.slug,
        "version": "1",
        "position": "1",
        "category": "post",
        "error": "bad_id",
    }
    client: Client = getattr(api, who)
    path = template.partition("?")[0]
    address = template.format_map(values)
    answer = await client.get(address)
    check_answer(path, answer)
    if "etag" in answer.headers:
        same = {"If-None-Match": answer.headers["etag"]}
        check_answer(path, await client.get(address, headers=same))
        stale = await client.get(address, headers=if_match('"0.0"'))
        check_answer(path, stale)
        assert stale.status_code == 412


async def test_a_slug_that_moved_answers_as_described(api: Api) -> None:
    """The redirect is described too."""
    post = await a_published_post(api.author)
    await post.edit(slug="elsewhere")
    moved = await api.anonymous.get(f"/posts/slug/{post.slug}")

    check_answer("/posts/slug/{slug}", moved)
    assert moved.status_code == 301


CREATIONS = {
    "a draft": (a_draft(), 201),
    "a member too many": (a_draft(x=1), 400),
    "a blank title": (a_draft(title=" "), 422),
    "a time that passed": (a_draft(publishAt="2020-01-01T00:00:00Z"), 422),
    "a slug that is taken": (a_draft(slug="taken"), 409),
}


@pytest.mark.parametrize("name", CREATIONS)
async def test_creations_answer_as_described(api: Api, name: str) -> None:
    """Creating a post, and each way to be refused."""
    await a_post(api.author, slug="taken")
    body, status = CREATIONS[name]
    answer = await api.author.post("/posts", body)

    check_answer("/posts", answer)
    assert answer.status_code == status


async def test_refused_creations_answer_as_described(api: Api) -> None:
    """What the header fields alone decide."""
    for client, content_type, status in (
        (api.anonymous, "application/json", 401),
        (api.auditor, "application/json", 403),
        (api.author, "text/plain", 415),
    ):
        answer = await client.send("POST", "/posts", b"{}", content_type=content_type)
        check_answer("/posts", answer)
        assert answer.status_code == status
    form = await api.author.send(
        "POST",
        "/posts",
        b"title=T&content=C&category=tech",
        content_type="application/x-www-form-urlencoded",
    )
    check_answer("/posts", form)
    assert form.status_code == 303


CHANGES: dict[str, tuple[str, str, JSON | None, int]] = {
    "PATCH": ("PATCH", "", {"title": "New"}, 200),
    "PATCH of a slug": ("PATCH", "", {"slug": "taken"}, 409),
    "PATCH that removes": ("PATCH", "", {"title": None}, 422),
    "DELETE": ("DELETE", "", None, 204),
    "publish": ("POST", "/publish", None, 200),
    "unpublish": ("POST", "/unpublish", None, 200),
    "archive": ("POST", "/archive", None, 200),
    "restore": ("POST", "/restore", None, 200),
    "schedule": ("POST", "/schedule", {"publishAt": "2030-01-01T00:00:00Z"}, 200),
    "schedule in the past": ("POST", "/schedule", {"publishAt": "2020-01-01T00:00:00Z"}, 422),
    "revert": ("POST", "/revert", {"version": 9}, 422),
    "hold": ("POST", "/legal-hold", HOLD, 200),
    "lift": ("DELETE", "/legal-hold", None, 200),
    "a body that is not taken": ("POST", "/publish", {"x": 1}, 400),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_changes_answer_as_described(api: Api, name: str) -> None:
    """Each change as it is done, with a stale tag, without a token, and of nothing."""
    await a_post(api.author, slug="taken")
    post = await a_post(api.author, slug="a-slug")
    method, below, body, status = CHANGES[name]
    template = f"/posts/{{post_id}}{below}"
    answers = [
        await client.send(method, path + below, body, headers=if_match(tag))
        for client, path, tag in (
            (api.anonymous, post.path, post.tag),
            (api.second_author, post.path, post.tag),
            (api.admin, f"/posts/{NOT_THERE}", post.tag),
            (api.admin, post.path, '"0.0"'),
            (api.admin, post.path, post.tag),
        )
    ]

    for answer in answers:
        check_answer(template, answer)
    assert [answer.status_code for answer in answers] == [401, 404, 404, 412, status]


async def test_other_answers_to_changes_are_described(api: Api) -> None:
    """No condition, no body wanted, a state that forbids, a legal hold."""
    post = await (await a_post(api.author)).do("archive")
    no_condition = await api.author.patch(post.path, {"title": "New"})
    forbidden = await api.author.patch(post.path, {"title": "New"}, headers=if_match(post.tag))
    minimal = await api.author.post(f"{post.path}/unpublish", headers={"Prefer": "return=minimal"})
    held = await a_published_post(api.author, title="Held")
    await api.admin.post(f"{held.path}/legal-hold", HOLD)
    blocked = await api.anonymous.get(held.path)

    check_answer("/posts/{post_id}", no_condition)
    check_answer("/posts/{post_id}", forbidden)
    check_answer("/posts/{post_id}/unpublish", minimal)
    check_answer("/posts/{post_id}", blocked)
    statuses = [answer.status_code for answer in (no_condition, forbidden, minimal, blocked)]
    assert statuses == [428, 409, 204, 451]
