"""Specifies who may do what: every address, every method, every kind of caller."""

from typing import Any

import pytest

from domain.account_decisions import ChangeRoles, Disable
from domain.file_type import FileType
from domain.stream import Role
from tests.http.routes import filled, resources
from tests.support.http import Body, Client, status_of
from tests.support.posts import HOLD, LATER, Post, a_draft, a_post, a_post_that_is
from tests.support.previewing import a_previewed_image
from tests.support.product import NOBODY, PASSWORD, ROLES, Api
from tests.support.stored_files import StoredFile, a_file
from tests.support.uploading import FORM, a_png, form, part

GOOD_PASSWORD = "lantern gravel sixteen otters"  # noqa: S105 - of accounts in tests
CALLERS = ("anonymous", "second_author", "author", "auditor", "operator", "admin")

# `state` is that of the post in the path, which `owner` wrote and `other` did not; an account or a
# session in the path is the owner's, and so is a file, which for `shown-file` a published post has.
ACCESS = """
method path                              state      anyone other owner auditor operator admin
GET    /posts                            -          200    200   200   200     200      200
POST   /posts                            -          401    201   201   403     403      403
GET    /posts/{post_id}                  draft      404    404   200   200     404      200
GET    /posts/{post_id}                  scheduled  404    404   200   200     404      200
GET    /posts/{post_id}                  published  200    200   200   200     200      200
GET    /posts/{post_id}                  archived   404    404   200   200     404      200
GET    /posts/{post_id}                  held       451    451   451   200     451      200
GET    /posts/{post_id}                  held-draft 404    404   451   200     404      200
GET    /posts/{post_id}                  deleted    404    404   404   404     404      404
PATCH  /posts/{post_id}                  draft      401    404   200   403     404      200
PATCH  /posts/{post_id}                  published  401    403   200   403     403      200
PATCH  /posts/{post_id}                  held       401    403   451   403     403      451
PATCH  /posts/{post_id}                  deleted    401    404   404   404     404      404
DELETE /posts/{post_id}                  draft      401    404   204   403     404      204
DELETE /posts/{post_id}                  published  401    403   204   403     403      204
DELETE /posts/{post_id}                  deleted    401    404   404   404     404      404
GET    /posts/slug/{slug}                draft      404    404   200   200     404      200
GET    /posts/slug/{slug}                published  200    200   200   200     200      200
GET    /posts/slug/{slug}                held       451    451   451   200     451      200
GET    /posts/slug/{slug}                deleted    404    404   404   404     404      404
POST   /posts/{post_id}/publish          draft      401    404   200   403     404      200
POST   /posts/{post_id}/publish          published  401    403   200   403     403      200
POST   /posts/{post_id}/unpublish        published  401    403   200   403     403      200
POST   /posts/{post_id}/archive          published  401    403   200   403     403      200
POST   /posts/{post_id}/schedule         draft      401    404   200   403     404      200
POST   /posts/{post_id}/revert           draft      401    404   422   403     404      422
POST   /posts/{post_id}/revert           published  401    403   200   403     403      200
POST   /posts/{post_id}/restore          deleted    401    404   200   404     404      200
POST   /posts/{post_id}/restore          draft      401    404   200   403     404      200
POST   /posts/{post_id}/legal-hold       draft      401    404   403   403     404      200
POST   /posts/{post_id}/legal-hold       published  401    403   403   403     403      200
DELETE /posts/{post_id}/legal-hold       held       401    403   403   403     403      200
GET    /posts/{post_id}/versions         draft      401    404   200   200     404      200
GET    /posts/{post_id}/versions         published  401    403   200   200     403      200
GET    /posts/{post_id}/versions         held       401    403   451   200     403      200
GET    /posts/{post_id}/versions         deleted    401    404   200   200     404      200
GET    /posts/{post_id}/versions/{version} draft    401    404   200   200     404      200
GET    /posts/{post_id}/versions/{version} published 401   403   200   200     403      200
POST   /register                         -          202    202   202   202     202      202
POST   /register/verify                  -          422    422   422   422     422      422
POST   /login                            -          401    401   401   401     401      401
POST   /token/refresh                    -          401    401   401   401     401      401
POST   /password/forgot                  -          202    202   202   202     202      202
POST   /password/reset                   -          422    422   422   422     422      422
POST   /logout                           -          401    204   204   204     204      204
GET    /me                               -          401    200   200   200     200      200
DELETE /me                               -          401    204   204   204     204      204
PUT    /me/password                      -          401    204   204   204     204      204
GET    /me/activity                      -          401    200   200   200     200      200
GET    /me/sessions                      -          401    200   200   200     200      200
DELETE /me/sessions/{session_id}         -          401    404   204   404     404      404
POST   /me/second-factor                 -          401    200   200   200     200      200
POST   /me/second-factor/confirm         -          401    409   409   409     409      409
POST   /me/second-factor/remove          -          401    204   204   204     204      204
GET    /users                            -          401    403   403   403     403      200
GET    /users/{user_id}                  -          401    403   200   403     403      200
POST   /users/{user_id}/disable          -          401    403   403   403     403      200
POST   /users/{user_id}/enable           -          401    403   403   403     403      200
POST   /users/{user_id}/role             -          401    403   403   403     403      200
GET    /events                           -          401    403   403   200     403      403
GET    /events/{position}                -          401    403   403   200     403      403
GET    /events/live                      -          401    403   403   200     403      403
GET    /streams/{category}/{stream_id}   -          401    403   403   200     403      403
POST   /upload                           -          401    201   201   403     403      403
GET    /files                            -          401    200   200   200     200      200
GET    /files/{file_id}                  file       404    404   200   200     404      200
GET    /files/{file_id}                  shown-file 200    200   200   200     200      200
DELETE /files/{file_id}                  file       401    404   204   403     404      204
DELETE /files/{file_id}                  shown-file 401    403   409   403     403      409
GET    /files/{file_id}/metadata         file       404    404   200   200     404      200
GET    /files/{file_id}/metadata         shown-file 200    200   200   200     200      200
GET    /files/{file_id}/thumbnails/{width} file     404    404   200   200     404      200
GET    /files/{file_id}/thumbnails/{width} shown-file 200  200   200   200     200      200
GET    /videos/{file_id}                 file       404    404   200   200     404      200
GET    /videos/{file_id}                 shown-file 200    200   200   200     200      200
GET    /go                               -          400    400   400   400     400      400
GET    /clicks                           -          401    403   403   200     200      200
GET    /redirects                        -          401    403   403   403     200      403
POST   /redirects                        -          401    403   403   403     201      403
GET    /redirects/{redirect_id}          -          401    403   403   403     404      403
PATCH  /redirects/{redirect_id}          -          401    403   403   403     404      403
DELETE /redirects/{redirect_id}          -          401    403   403   403     404      403
GET    /webhooks                         -          401    403   403   403     200      403
POST   /webhooks                         -          401    403   403   403     201      403
GET    /webhooks/{webhook_id}            -          401    403   403   403     404      403
PATCH  /webhooks/{webhook_id}            -          401    403   403   403     404      403
DELETE /webhooks/{webhook_id}            -          401    403   403   403     404      403
POST   /webhooks/{webhook_id}/pause      -          401    403   403   403     404      403
POST   /webhooks/{webhook_id}/resume     -          401    403   403   403     404      403
POST   /webhooks/{webhook_id}/secret     -          401    403   403   403     404      403
POST   /webhooks/{webhook_id}/replay     -          401    403   403   403     404      403
POST   /webhooks/{webhook_id}/test       -          401    403   403   403     404      403
GET    /webhooks/{webhook_id}/progress   -          401    403   403   403     404      403
GET    /webhooks/{webhook_id}/deliveries -          401    403   403   403     404      403
GET    /webhooks/{webhook_id}/deliveries/{delivery_id} - 401 403 403   403     404      403
POST   /webhooks/{webhook_id}/deliveries/{delivery_id}/replay - 401 403 403 403 404     403
GET    /projections                      -          401    403   403   403     200      403
GET    /projections/{name}               -          401    403   403   403     200      403
POST   /projections/{name}/rebuild       -          401    403   403   403     202      403
GET    /projections/{name}/rebuilds/{rebuild_id} -  401    403   403   403     404      403
DELETE /projections/{name}/rebuilds/{rebuild_id} -  401    403   403   403     404      403
POST   /exports                          -          401    202   202   202     202      202
GET    /exports                          -          401    200   200   200     200      200
GET    /exports/{export_id}              -          401    404   404   404     404      404
DELETE /exports/{export_id}              -          401    404   404   404     404      404
GET    /exports/{export_id}/download     -          400    400   400   400     400      400
GET    /exports/{export_id}/events       -          401    404   404   404     404      404
GET    /problems                         -          200    200   200   200     200      200
GET    /problems/{error}                 -          200    200   200   200     200      200
GET    /http-statuses                    -          200    200   200   200     200      200
GET    /http-statuses/{code}             -          200    200   200   200     200      200
GET    /openapi.json                     -          200    200   200   200     200      200
GET    /docs                             -          200    200   200   200     200      200
GET    /docs/{release}/{file}            -          404    404   404   404     404      404
GET    /livez                            -          200    200   200   200     200      200
GET    /readyz                           -          200    200   200   200     200      200
GET    /metrics                          -          200    200   200   200     200      200
"""
ROWS = [line.split() for line in ACCESS.strip().splitlines()[1:]]


def test_the_table_has_every_address_and_method() -> None:
    """A new route fails here until it has a row."""
    asked = {(method, path) for method, path, *_ in ROWS}
    derived = {"HEAD", "OPTIONS"}  # HEAD is GET without the body; OPTIONS asks for no token

    assert asked == {
        (method, resource.template)
        for resource in resources()
        for method in resource.methods - derived
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row[:3]))
async def test_access(api: Api, row: list[str]) -> None:
    """Each caller of each row, on a post of its own."""
    method, template, state, *expected = row
    callers = await _callers(api)
    seen = []
    for number, caller in enumerate(CALLERS):
        client, post, file = callers[caller], None, None
        if state in {"file", "shown-file"}:
            file = await a_file(api, callers["author"], type=FileType.MP4)
            if "thumbnails" in template:
                file = await a_previewed_image(api, callers["author"])
            if state == "shown-file":
                members = {"slug": f"post-{number}", "attachments": [str(file.id)]}
                await a_post_that_is("published", callers["author"], callers["admin"], **members)
        elif state != "-":
            members = {"slug": f"post-{number}"}
            post = await a_post_that_is(state, callers["author"], callers["admin"], **members)
        path = await _path(api, template, callers["author"], post, file)
        body: Body = _body(method, template, number)
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        if template == "/upload":
            body, headers = form(part(a_png())), {"Content-Type": FORM}
        seen.append(str(await status_of(client, method, path, body, headers=headers)))
        if method == "GET":
            assert await status_of(client, "HEAD", path) == int(seen[-1])

    assert seen == expected


async def test_who_is_no_author_any_more_reads_and_does_not_write(api: Api) -> None:
    """What may be done is read at each request, whatever the token was made for."""
    reader = await api.account("reader")
    writer = await api.account("writer", Role.AUTHOR)
    post = await a_post(writer)
    await api.change_account(writer, ChangeRoles(frozenset({Role.OPERATOR})))

    assert await status_of(reader, "POST", "/posts", a_draft(slug="x")) == 403
    assert await status_of(writer, "GET", post.path) == 200
    assert await status_of(writer, "POST", f"{post.path}/publish") == 403
    assert await status_of(writer, "POST", "/posts", a_draft(slug="y")) == 403


async def test_a_disabled_account_is_nobody_at_once(api: Api) -> None:
    """401 on its next request, also where no token is needed."""
    author = await api.account("somebody", Role.AUTHOR)
    post = await a_post(author)
    await api.change_account(author, Disable())

    assert await status_of(author, "GET", post.path) == 401
    assert await status_of(author, "GET", "/posts") == 401


async def test_roles_add_up(api: Api) -> None:
    """An account may hold several."""
    both = await api.account("both", Role.AUTHOR, Role.AUDITOR)
    post = await a_post(both)

    assert await status_of(both, "POST", f"{post.path}/publish") == 200
    assert await status_of(both, "GET", "/events") == 200


async def _callers(api: Api) -> dict[str, Client]:
    """Make accounts for one row alone: some rows end them."""
    made = {
        name: await api.account(f"{name}-of-this-row", ROLES[name.replace("_", "-")])
        for name in CALLERS[1:]
    }
    return {"anonymous": api.anonymous, **made}


async def _path(
    api: Api, template: str, owner: Client, post: Post | None, file: StoredFile | None
) -> str:
    parameters = {"category": "account", "stream_id": str(owner.account_id), "position": "1"}
    parameters |= {"error": "post_not_found", "code": "412", "user_id": str(owner.account_id)}
    parameters |= {"name": "search", "rebuild_id": str(NOBODY)}
    parameters |= {"redirect_id": str(NOBODY), "width": "320"}
    parameters |= {"webhook_id": str(NOBODY), "delivery_id": str(NOBODY)}
    alive = await api.product.sessions.store.alive(owner.account_id, api.clock.now())
    parameters["session_id"] = str(alive[0].id) if alive else str(NOBODY)
    parameters["export_id"] = str(NOBODY)
    if file is not None:
        parameters["file_id"] = str(file.id)
    if post is not None:
        parameters |= {"post_id": post.id, "slug": post.slug}
    return filled(template, **parameters)


def _body(method: str, template: str, number: int) -> dict[str, Any] | None:
    match method, template.rpartition("/")[2]:
        case "POST", "register":
            return {"email": f"new-{number}@test.example", "password": GOOD_PASSWORD}
        case "POST", "verify":
            return {"token": "unknown"}
        case "POST", "login":
            return {"email": f"nobody-{number}@test.example", "password": "wrong"}
        case "POST", "refresh":
            return {"refreshToken": "unknown"}
        case "POST", "forgot":
            return {"email": f"nobody-{number}@test.example"}
        case "POST", "reset":
            return {"token": "unknown", "password": GOOD_PASSWORD}
        case "PUT", "password":
            return {"currentPassword": PASSWORD, "newPassword": GOOD_PASSWORD}
        case "POST", "second-factor":
            return {"password": PASSWORD}
        case "POST", "confirm":
            return {"code": "123456"}
        case "POST", "remove":
            return {"password": PASSWORD, "code": "123456"}
        case "POST", "role":
            return {"roles": ["author", "auditor"]}
        case "PATCH", _:
            return {"title": "New"}
        case "POST", ("webhooks" | "redirects") as made:
            a_redirect = {"path": f"/old-{number}", "target": "/posts"}
            return {"url": "https://hooks.example/in"} if made == "webhooks" else a_redirect
        case "POST", "posts":
            return a_draft(slug=f"new-{number}")
        case "POST", "schedule":
            return LATER
        case "POST", "revert":
            return {"version": 1}
        case "POST", "legal-hold":
            return HOLD
        case _:
            return None
