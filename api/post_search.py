"""The search over published posts: `GET /posts?q=`, the best first, with what matched.

Plain lists are in `post_lists.py`, which comes here when there is a `q`.
"""

import unicodedata

from api.cursor import Cursor
from api.exchange import Exchange
from api.pages import PageAsked, page_answer
from api.post_reads import PUBLIC
from api.query import bad_parameter
from api.requests import not_acceptable
from commands.outcomes import Malformed, Outcome
from projections import posts, search
from projections.search import BEST, Hit, Wanted

LONGEST = 200
"""In characters; a longer text is no question but a copy of the post."""


async def find(exchange: Exchange, asked: PageAsked) -> Outcome:
    """Answer a search; there is a `q` among the parameters."""
    text = asked.filters["q"]
    refused = _refused(text, asked) or not_acceptable(exchange)
    if refused is not None:
        return refused
    after = BEST if asked.cursor is None else Hit(*asked.cursor)
    page = await exchange.services.search.page(Wanted(text, after, asked.limit))
    return page_answer(
        exchange,
        asked,
        page.items,
        None if page.following is None else Cursor(*page.following),
        schema=posts.SCHEMA_VERSION,
        cache_control=PUBLIC,
        # Two read models make the page: it is another when either is rendered anew.
        digest=page.digest + search.SCHEMA_VERSION.to_bytes(4),
    )


def _refused(text: str, asked: PageAsked) -> Malformed | None:
    if "status" in asked.filters:
        return bad_parameter("status", "Published posts are searched, and no others.")
    if not text.strip() or len(text) > LONGEST:
        return bad_parameter("q", f"The text must have 1 to {LONGEST} characters, not all blank.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        return bad_parameter("q", "The text must have no control characters.")
    return None
