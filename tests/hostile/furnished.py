"""Our document with what a stranger cannot guess: tags that are tags, times that are to come.

Whatever this narrows is still what the document allows; generated requests get past the door by it.
Links get what only schemathesis can follow: bodies, and a link out of an address.
"""

import copy
from collections.abc import Mapping
from typing import Any

from tests.hostile.good_requests import LATER
from tests.hostile.stock import Stock
from tests.hostile.target import HOOK

Json = dict[str, Any]

_TAG = {"type": "string", "pattern": '^"[a-z0-9.]{1,12}"$'}
_FIELDS: Mapping[str, Json] = {
    "If-Match": {"type": "string", "enum": ["*"]},
    "If-None-Match": _TAG,
    "If-Range": _TAG,
    "Range": {"type": "string", "enum": ["bytes=0-0", "bytes=-7", "bytes=1-2,5-6", "bytes=3-"]},
    "Want-Content-Digest": {"type": "string", "enum": ["sha-256=1", "sha-512=3, sha-256=9"]},
    "Prefer": {"type": "string", "enum": ["return=minimal", "respond-async", "wait=0", "x=y"]},
    "Idempotency-Key": {"type": "string", "pattern": "^[a-z0-9]{8,20}$"},
}
_TIME = {"type": "string", "enum": [LATER, "2998-12-31T23:59:59.5+05:30"]}
_QUERY: Mapping[str, Json] = {
    "asOf": {"type": "string", "enum": ["2998-01-01T00:00:00Z", "2999-01-01T00:00:00+01:00"]},
    "since": {"type": "string", "enum": ["2020-01-01T00:00:00Z"]},
    "until": _TIME,
    "stream": {"type": "string", "pattern": "^(post|account)/019[0-9a-f]{5}-0000-7000-8000-0{12}$"},
    "type": {"type": "string", "enum": ["post.published.v1", "post.created.v1"]},
    "category": {"type": "string", "enum": ["post", "account", "file"]},
    "q": {"type": "string", "pattern": "^[a-z]{3,9}( or [a-z]{3,9})?( -[a-z]{3})?$"},
}
_SLUG = {"type": "string", "pattern": "^[a-z0-9]{6,16}-[a-z0-9]{6,16}$"}
_WORDS = {"type": "string", "pattern": "^[A-Za-z0-9][ -~]{0,60}$"}
_REDIRECT: Mapping[str, Json | None] = {
    "path": {"type": "string", "pattern": "^/old/[a-z0-9]{8,16}$"},
    "target": {"type": "string", "enum": ["/posts", "https://ok.example/a", "/http-statuses?a=b"]},
    "activeUntil": _TIME,
}
_EVENT_TYPES = {
    "type": "array",
    "items": {"enum": ["post.published", "post.edited"]},
    "uniqueItems": True,
}
_MEMBERS: Mapping[str, Mapping[str, Json | None]] = {
    "CreatePost": {"title": _WORDS, "slug": _SLUG, "publishAt": _TIME, "coverImage": None},
    "PatchPost": {
        "title": _WORDS,
        "content": _WORDS,
        "category": {"enum": ["tech", "security"]},
        "slug": _SLUG,
        "publishAt": {"type": "null"},
        "coverImage": None,
    },
    "SchedulePost": {"publishAt": _TIME},
    "RevertPost": {"version": {"type": "integer", "enum": [1]}},
    "CreateRedirect": {**_REDIRECT, "activeFrom": None},
    "PatchRedirect": {**_REDIRECT, "activeFrom": None, "status": {"enum": [301, 307]}},
    "RegisterWebhook": {"url": {"enum": [HOOK, f"{HOOK}?a=b"]}, "eventTypes": _EVENT_TYPES},
    "PatchWebhook": {"url": {"enum": [HOOK]}, "eventTypes": _EVENT_TYPES},
    "ReplayWebhook": {"after": {"type": "integer", "enum": [0, 1, 2]}},
    "Register": {
        "email": {"type": "string", "pattern": "^[a-z]{9,20}@new\\.example$"},
        "password": {"type": "string", "pattern": "^[a-z]{6} [a-z]{7} [0-9]{5} [a-z]{6}$"},
    },
}
"""None is a member that is left out: `attachments` goes where `coverImage` does."""

_BODIES_OF_LINKS: Mapping[str, Json] = {
    "createPostWithFile": {"coverImage": "$response.body#/id"},
    "renewTokens": {"refreshToken": "$response.body#/refreshToken"},
    "revertToVersion": {"version": "$response.body#/version"},
}
_LOCATION = "$response.header.Location#regex:"
_TO_DOWNLOAD = {
    "operationId": "downloadExport",
    "parameters": {
        "export_id": f"{_LOCATION}/exports/([0-9a-f-]+)/download",
        "expires": f"{_LOCATION}[?&]expires=([0-9]+)",
        "signature": f"{_LOCATION}[?&]signature=([^&]+)",
    },
}
_LISTS = {
    "listPosts": ("anonymous", "/posts"),
    "listFiles": ("author", "/files"),
    "listExports": ("author", "/exports"),
    "listRedirects": ("operator", "/redirects"),
    "listUsers": ("admin", "/users"),
    "listWebhooks": ("operator", "/webhooks"),
}


def furnished(document: Mapping[str, Any], stock: Stock) -> Json:
    """Give another document; makes two of everything that is listed, for a cursor."""
    made: Json = copy.deepcopy(dict(document))
    cursors = _cursors(stock)
    for methods in made["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                _narrow(parameter, cursors.get(operation["operationId"]))
    for name, members in _MEMBERS.items():
        schema = made["components"]["schemas"][name]
        for member, narrower in members.items():
            if narrower is None:
                for gone in (member, "attachments"):
                    schema["properties"].pop(gone, None)
            else:
                schema["properties"][member] = narrower
    for name, body in _BODIES_OF_LINKS.items():
        made["components"]["links"][name]["requestBody"] = body
    read_export = made["paths"]["/exports/{export_id}"]["get"]["responses"]
    read_export["303"]["links"] = {"downloadExport": _TO_DOWNLOAD}
    return made


def _narrow(parameter: Json, cursor: str | None) -> None:
    name = parameter["name"]
    if parameter["in"] == "header" and name in _FIELDS:
        parameter["schema"] = _FIELDS[name]
    elif parameter["in"] == "query" and name in _QUERY:
        parameter["schema"] = _QUERY[name]
    elif name == "cursor":
        parameter["schema"] = {"type": "string", "enum": [cursor or ""]}


def _cursors(stock: Stock) -> Mapping[str, str]:
    for _ in range(2):
        stock.post("published")
        stock.file()
        stock.export()
        stock.redirect()
        stock.webhook()
    found = {}
    for name, (caller, path) in _LISTS.items():
        link = stock.ask(caller, "GET", f"{path}?limit=1").field("link") or ""
        if "cursor=" in link:
            found[name] = link.partition("cursor=")[2].partition(">")[0].partition("&")[0]
    return found
