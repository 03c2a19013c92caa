"""For every operation a request that is done: by who may, for what is there, with the right tag.

A hostile request that is one of these with one thing wrong gets past the door, where most that is
generated ends.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from api.problem_catalogue import CATALOGUE
from tests.hostile.good import (
    Good,
    Maker,
    at_request,
    json_request,
    plain_request,
    post_request,
    tagged_request,
)
from tests.hostile.stock import STRANGER, Stock
from tests.hostile.target import HOOK, PASSWORD
from tests.support.posts import HOLD, a_draft
from tests.support.uploading import FORM, a_png, form, part

LATER = "2999-01-01T00:00:00Z"
NEW_PASSWORD = "lantern gravel sixteen otters"  # noqa: S105 - of accounts in tests
_ERRORS = tuple(CATALOGUE)


def _of_webhook(operation: str) -> tuple[str, Maker]:
    template = operation.split(" ")[1]
    return at_request(
        operation, "operator", lambda stock: template.format(webhook_id=stock.webhook()["id"])
    )


def _upload(stock: Stock) -> Good:
    body = form(part(a_png(padding=stock.number())))
    fields = ((b"Content-Type", FORM.encode()),)
    return Good("POST /upload", "author", "POST", "/upload", fields, body)


def _user(stock: Stock) -> Mapping[str, Any]:
    account_id = stock.stranger().account_id
    return {
        "id": account_id,
        "tag": stock.ask("admin", "GET", f"/users/{account_id}").field("etag"),
    }


def _disabled(stock: Stock) -> Mapping[str, Any]:
    user = _user(stock)
    answer = stock.ask("admin", "POST", f"/users/{user['id']}/disable")
    return {**user, "tag": answer.field("etag")}


def _of_stranger(operation: str) -> tuple[str, Maker]:
    method, path = operation.split(" ")

    def make(stock: Stock) -> Good:
        stock.stranger()
        return Good(operation, STRANGER, method, path)

    return operation, make


def _begun(stock: Stock) -> Mapping[str, Any]:
    return {"code": stock.second_factor().at(int(time.time()))}


def _with_stranger(members: Mapping[str, Any]) -> Callable[[Stock], Mapping[str, Any]]:
    def body(stock: Stock) -> Mapping[str, Any]:
        stock.stranger()
        stock.forgive()
        return members

    return body


def _email(stock: Stock) -> str:
    return f"{stock.name()}@new.example"


def _patch_of_redirect(stock: Stock) -> Mapping[str, Any]:
    return {"path": f"/old/{stock.name()}", "status": 301}


GOOD: Mapping[str, Maker] = dict(
    (
        plain_request("GET /posts", "/posts?limit=5"),
        json_request("POST /posts", "author", lambda stock: a_draft(slug=stock.name())),
        post_request("GET /posts/{post_id}", "published", caller="anonymous"),
        post_request("GET /posts/slug/{slug}", "published", caller="anonymous"),
        post_request("PATCH /posts/{post_id}", body={"title": "Another", "category": "business"}),
        post_request("DELETE /posts/{post_id}"),
        post_request("POST /posts/{post_id}/restore", "deleted"),
        post_request("POST /posts/{post_id}/publish"),
        post_request("POST /posts/{post_id}/unpublish", "published"),
        post_request("POST /posts/{post_id}/archive", "published"),
        post_request("POST /posts/{post_id}/schedule", body={"publishAt": LATER}),
        post_request("POST /posts/{post_id}/revert", "published", body={"version": 1}),
        post_request("POST /posts/{post_id}/legal-hold", "published", caller="admin", body=HOLD),
        post_request("DELETE /posts/{post_id}/legal-hold", "held", caller="admin"),
        post_request("GET /posts/{post_id}/versions"),
        post_request("GET /posts/{post_id}/versions/{version}", caller="auditor"),
        plain_request("GET /events", "/events?limit=20", "auditor"),
        plain_request("GET /events/live", "/events/live?after=1", "auditor"),
        plain_request("GET /events/{position}", "/events/1", "auditor"),
        at_request(
            "GET /streams/{category}/{stream_id}",
            "auditor",
            lambda stock: f"/streams/account/{stock.person('author').account_id}?limit=9",
        ),
        plain_request("POST /exports", "/exports", "author"),
        plain_request("GET /exports", "/exports?limit=3", "author"),
        at_request(
            "GET /exports/{export_id}", "author", lambda stock: f"/exports/{stock.export()}"
        ),
        at_request(
            "DELETE /exports/{export_id}", "author", lambda stock: f"/exports/{stock.export()}"
        ),
        at_request("GET /exports/{export_id}/download", "anonymous", lambda stock: stock.download),
        at_request(
            "GET /exports/{export_id}/events",
            "author",
            lambda stock: f"/exports/{stock.export()}/events",
        ),
        plain_request("GET /go", f"/go?url={quote('https://ok.example/a', safe='')}"),
        plain_request("GET /clicks", "/clicks?limit=3", "operator"),
        plain_request("GET /redirects", "/redirects?limit=3", "operator"),
        json_request(
            "POST /redirects",
            "operator",
            lambda stock: {"path": f"/old/{stock.name()}", "target": "/posts", "status": 308},
        ),
        at_request(
            "GET /redirects/{redirect_id}",
            "operator",
            lambda stock: f"/redirects/{stock.redirect()['id']}",
        ),
        tagged_request(
            "PATCH /redirects/{redirect_id}", "operator", Stock.redirect, _patch_of_redirect
        ),
        tagged_request("DELETE /redirects/{redirect_id}", "operator", Stock.redirect),
        ("POST /upload", _upload),
        plain_request("GET /files", "/files?limit=3", "author"),
        at_request(
            "GET /files/{file_id}/metadata",
            "author",
            lambda stock: f"/files/{stock.stored}/metadata",
        ),
        tagged_request("DELETE /files/{file_id}", "author", Stock.file),
        at_request("GET /files/{file_id}", "author", lambda stock: f"/files/{stock.stored}"),
        at_request("GET /videos/{file_id}", "author", lambda stock: f"/videos/{stock.video}"),
        at_request(
            "GET /files/{file_id}/thumbnails/{width}",
            "author",
            lambda stock: f"/files/{stock.image}/thumbnails/320",
        ),
        plain_request("GET /projections", "/projections", "operator"),
        plain_request("GET /projections/{name}", "/projections/search", "operator"),
        at_request(
            "POST /projections/{name}/rebuild",
            "operator",
            lambda stock: f"{_over(stock)}/rebuild",
        ),
        at_request(
            "GET /projections/{name}/rebuilds/{rebuild_id}",
            "operator",
            lambda stock: stock.rebuild(),
        ),
        at_request(
            "DELETE /projections/{name}/rebuilds/{rebuild_id}",
            "operator",
            lambda stock: stock.rebuild(),
        ),
        plain_request("GET /webhooks", "/webhooks?limit=3", "operator"),
        json_request("POST /webhooks", "operator", lambda _: {"url": HOOK, "eventTypes": []}),
        _of_webhook("GET /webhooks/{webhook_id}"),
        tagged_request(
            "PATCH /webhooks/{webhook_id}", "operator", Stock.webhook, lambda _: {"eventTypes": []}
        ),
        tagged_request("DELETE /webhooks/{webhook_id}", "operator", Stock.webhook),
        tagged_request("POST /webhooks/{webhook_id}/pause", "operator", Stock.webhook),
        tagged_request("POST /webhooks/{webhook_id}/resume", "operator", Stock.webhook),
        tagged_request(
            "POST /webhooks/{webhook_id}/secret",
            "operator",
            Stock.webhook,
            lambda _: {"graceSeconds": 60},
        ),
        tagged_request(
            "POST /webhooks/{webhook_id}/replay", "operator", Stock.webhook, lambda _: {"after": 0}
        ),
        _of_webhook("POST /webhooks/{webhook_id}/test"),
        _of_webhook("GET /webhooks/{webhook_id}/progress"),
        _of_webhook("GET /webhooks/{webhook_id}/deliveries"),
        at_request(
            "GET /webhooks/{webhook_id}/deliveries/{delivery_id}", "operator", Stock.delivery
        ),
        at_request(
            "POST /webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
            "operator",
            lambda stock: f"{stock.delivery()}/replay",
        ),
        plain_request("GET /problems", "/problems"),
        at_request(
            "GET /problems/{error}",
            "anonymous",
            lambda stock: f"/problems/{_ERRORS[stock.number() % len(_ERRORS)]}",
        ),
        plain_request("GET /http-statuses", "/http-statuses"),
        plain_request("GET /http-statuses/{code}", "/http-statuses/412"),
        plain_request("GET /openapi.json", "/openapi.json"),
        plain_request("GET /livez", "/livez"),
        plain_request("GET /readyz", "/readyz"),
        plain_request("GET /metrics", "/metrics"),
        json_request(
            "POST /register",
            "anonymous",
            lambda stock: {"email": _email(stock), "password": NEW_PASSWORD, "name": "Ada"},
        ),
        json_request(
            "POST /register/verify",
            "anonymous",
            lambda stock: {"token": stock.mailed("/register", _email(stock))},
        ),
        json_request(
            "POST /login",
            "anonymous",
            lambda stock: {"email": stock.person("author").email, "password": PASSWORD},
        ),
        json_request(
            "POST /token/refresh",
            "anonymous",
            lambda stock: {"refreshToken": stock.refresh_token()},
        ),
        json_request("POST /logout", STRANGER, _with_stranger({"everywhere": True})),
        json_request(
            "POST /password/forgot",
            "anonymous",
            lambda stock: {"email": stock.person("author").email},
        ),
        json_request(
            "POST /password/reset",
            "anonymous",
            lambda stock: {
                "token": stock.mailed("/password/forgot", stock.stranger().email),
                "password": NEW_PASSWORD,
            },
        ),
        plain_request("GET /me", "/me", "author"),
        _of_stranger("DELETE /me"),
        json_request(
            "PUT /me/password",
            STRANGER,
            _with_stranger({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}),
        ),
        plain_request("GET /me/sessions", "/me/sessions", "author"),
        plain_request("GET /me/activity", "/me/activity?days=7", "author"),
        at_request(
            "DELETE /me/sessions/{session_id}",
            "author",
            lambda stock: f"/me/sessions/{stock.session('author')}",
        ),
        json_request("POST /me/second-factor", STRANGER, _with_stranger({"password": PASSWORD})),
        json_request("POST /me/second-factor/confirm", STRANGER, _begun),
        json_request(
            "POST /me/second-factor/remove",
            STRANGER,
            lambda stock: {"code": stock.code(), "password": PASSWORD},
        ),
        plain_request("GET /users", "/users?limit=3", "admin"),
        at_request(
            "GET /users/{user_id}",
            "admin",
            lambda stock: f"/users/{stock.person('author').account_id}",
        ),
        tagged_request("POST /users/{user_id}/disable", "admin", _user),
        tagged_request("POST /users/{user_id}/enable", "admin", _disabled),
        tagged_request(
            "POST /users/{user_id}/role", "admin", _user, lambda _: {"roles": ["author", "auditor"]}
        ),
    )
)


SLOW = frozenset(
    {
        "DELETE /projections/{name}/rebuilds/{rebuild_id}",
        "GET /files/{file_id}/thumbnails/{width}",
        "GET /projections/{name}/rebuilds/{rebuild_id}",
        "POST /password/reset",
        "POST /projections/{name}/rebuild",
        "POST /register/verify",
    }
)
"""Before what another process has to do something, each time or once."""


def _over(stock: Stock) -> str:
    """Wait until no rebuild goes on, and give the projection's address."""
    rebuild = stock.rebuild()
    stock.ask("operator", "DELETE", rebuild)
    return rebuild.partition("/rebuilds/")[0]
