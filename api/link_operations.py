"""The operations on links and redirects as the OpenAPI document describes them."""

from collections.abc import Mapping
from datetime import date

from api.clicks import ClickPage
from api.link_problems import LINK_PROBLEMS
from api.negotiation import JSON_TYPE
from api.operation import (
    CURSOR,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MUST_MATCH,
    PREFER,
    READS,
    Access,
    Operation,
    Parameter,
    Returns,
)
from api.redirects import CreateRedirect, PatchRedirect, RedirectPage
from commands.outcomes import Changed, Created, Deleted, Found, LinkFollowed, NotModified
from projections.redirects import RedirectBody

_OF_LINKS = tuple(error for error, problem in LINK_PROBLEMS.items() if problem.status == 400)  # noqa: PLR2004 - those of `/go`
_REFUSALS = tuple(error for error, problem in LINK_PROBLEMS.items() if problem.status in {409, 422})
"""Of what a redirect shall be."""

LINK_OPERATIONS: Mapping[str, Operation] = {
    "GET /go": Operation(
        id="followLink",
        group="links",
        access=Access.NO_TOKEN,
        query=(
            Parameter("url", str, "Where to go: an https address, percent-encoded.", required=True),
        ),
        returns=(Returns(LinkFollowed),),
        errors=("bad_parameter", *_OF_LINKS),
    ),
    "GET /clicks": Operation(
        id="listClicks",
        group="links",
        who="operators, admins and auditors",
        query=(
            LIMIT,
            CURSOR,
            Parameter("from", date, "Only this day (UTC) and later ones."),
            Parameter("until", date, "Only days (UTC) before this one."),
        ),
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: ClickPage}, ("ETag", "Link", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, "bad_cursor", "forbidden"),
    ),
    "GET /redirects": Operation(
        id="listRedirects",
        group="links",
        who="operators",
        query=(LIMIT, CURSOR),
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: RedirectPage}, ("ETag", "Link", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, "bad_cursor", "forbidden"),
    ),
    "POST /redirects": Operation(
        id="createRedirect",
        group="links",
        who="operators",
        body=CreateRedirect,
        returns=(Returns(Created, {JSON_TYPE: RedirectBody}),),
        errors=("contended", "forbidden", "not_acceptable", *_REFUSALS),
    ),
    "GET /redirects/{redirect_id}": Operation(
        id="readRedirect",
        group="links",
        who="operators",
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, {JSON_TYPE: RedirectBody}, ("ETag", "Last-Modified", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, "forbidden", "redirect_not_found"),
    ),
    "PATCH /redirects/{redirect_id}": Operation(
        id="editRedirect",
        group="links",
        who="operators",
        headers=(MUST_MATCH, PREFER),
        body=PatchRedirect,
        returns=(Returns(Changed, {JSON_TYPE: RedirectBody}),),
        errors=(
            *("contended", "forbidden", "member_required", "not_acceptable"),
            *("precondition_required", "redirect_not_found"),
            *_REFUSALS,
        ),
    ),
    "DELETE /redirects/{redirect_id}": Operation(
        id="deleteRedirect",
        group="links",
        who="operators",
        headers=(IF_MATCH,),
        returns=(Returns(Deleted),),
        errors=("contended", "forbidden", "not_acceptable", "redirect_not_found"),
    ),
}
