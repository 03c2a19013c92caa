"""The search over published posts: `GET /posts?q=`, the best first, with what matched.

Plain lists are in `post_lists.py`, which comes here when there is a `q`.
"""

import unicodedata
from urllib.parse import urlencode

import msgspec

from api.conditional import parse_conditions
from api.cursor import Cursor, decode_cursor, encode_cursor
from api.etag import list_tag
from api.exchange import Exchange
from api.post_reads import PUBLIC
from api.query import bad_parameter, parse_limit
from api.requests import not_acceptable
from commands.outcomes import Found, Malformed, NotModified, Outcome, StaleVersion
from commands.preconditions import Verdict, evaluate
from projections import posts, search
from projections.search import BEST, Hit, Wanted

LONGEST = 200
"""In characters; a longer text is no question but a copy of the post."""

_VARY = "Accept, Authorization"


class Asked(msgspec.Struct, frozen=True):
    """Which page of what is found."""

    text: str
    limit: int
    after: Hit
    cursor: str | None

    @property
    def of_list(self) -> str:
        """Name what is searched for, so that a cursor of one search is not taken for another."""
        return f"posts?q={self.text}"

    def link(self, relation: str, cursor: str | None) -> str:
        """Write a link to another page."""
        query: dict[str, str | int] = {"q": self.text, "limit": self.limit}
        if cursor is not None:
            query["cursor"] = cursor
        return f'</posts?{urlencode(query)}>; rel="{relation}"'


def parse_search(parameters: dict[str, str]) -> Asked | Malformed:
    """Read the parameters of a search; there is a `q` among them."""
    text = parameters["q"]
    if "status" in parameters:
        return bad_parameter("status", "Published posts are searched, and no others.")
    if not text.strip() or len(text) > LONGEST:
        return bad_parameter("q", f"The text must have 1 to {LONGEST} characters, not all blank.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        return bad_parameter("q", "The text must have no control characters.")
    limit = parse_limit(parameters.get("limit"))
    if isinstance(limit, Malformed):
        return limit
    asked = Asked(text, limit, BEST, parameters.get("cursor"))
    if asked.cursor is None:
        return asked
    cursor = decode_cursor(asked.cursor, of_list=asked.of_list)
    if isinstance(cursor, Malformed):
        return cursor
    return msgspec.structs.replace(asked, after=Hit(*cursor))


async def find(exchange: Exchange, asked: Asked) -> Outcome:
    """Answer a search."""
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    page = await exchange.services.search.page(Wanted(asked.text, asked.after, asked.limit))
    cursor = None
    if page.following is not None:
        cursor = encode_cursor(Cursor(*page.following), of_list=asked.of_list)
    rendering = f"{search.SCHEMA_VERSION} {asked.of_list} {asked.limit} {asked.cursor} {cursor}"
    current = list_tag(posts.SCHEMA_VERSION, rendering, page.digest)
    caching = (PUBLIC, "Accept, Authorization")
    # What is found has no time of its own: only its tag counts.
    match evaluate(conditions, tag=current, modified=None, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(current, *caching)
        case Verdict.FAILED:
            return StaleVersion(current, "/posts")
        case Verdict.PROCEED:
            links = [asked.link("first", None)]
            if cursor is not None:
                links.append(asked.link("next", cursor))
            following = b"null" if cursor is None else b'"%b"' % cursor.encode()
            body = b'{"items":[%b],"nextCursor":%b}' % (page.items, following)
            return Found(body, current, None, *caching, tuple(links))
