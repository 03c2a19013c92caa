"""One page of a list as an answer: its tag, its conditions, its links."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from urllib.parse import urlencode

from api.etag import list_tag
from api.responses import PRIVATE
from commands.outcomes import Found, NotModified, Outcome, StaleVersion
from commands.preconditions import Preconditions, Verdict, evaluate

VARY = "Accept, Authorization"


def private_page(
    body: bytes, conditions: Preconditions, *, schema: int, path: str, links: Sequence[str]
) -> Outcome:
    """Show a page that a token lets one see. It has a tag and no time, as rows may leave it."""
    digest = blake2b(body, digest_size=16, person=b"rows").digest()
    tag = list_tag(schema, "\n".join((path, *links)), digest)
    match evaluate(conditions, tag=tag, modified=None, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(tag, PRIVATE, VARY)
        case Verdict.FAILED:
            return StaleVersion(tag, path)
        case Verdict.PROCEED:
            return Found(body, tag, None, PRIVATE, VARY, tuple(links))


def page_links(
    path: str, limit: int, following: str | None, filters: Mapping[str, str]
) -> Sequence[str]:
    """Link to the first page of a list, and to the next one where there is one."""
    query = {"limit": str(limit), **filters}
    links = [f'<{path}?{urlencode(query)}>; rel="first"']
    if following is not None:
        links.append(f'<{path}?{urlencode({**query, "cursor": following})}>; rel="next"')
    return links
