"""Documents that are the same for everybody until the next release: pages, scripts and the like."""

from base64 import b64encode, urlsafe_b64encode
from hashlib import blake2b, sha256

import msgspec

from api.answer import Answer, Field
from api.conditional import settled
from api.etag import quote
from api.exchange import Exchange
from api.responses import respond
from commands.outcomes import NotModified

HTML = "text/html; charset=utf-8"
HOURLY = "public, max-age=3600"
IMMUTABLE = "public, max-age=31536000, immutable"
"""For addresses that name the version of what they give."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes ready to be sent, with a tag made of them."""

    body: bytes
    tag: str
    media_type: str
    cache_control: str
    vary: str | None
    policy: str | None
    """Its own Content-Security-Policy, for pages."""

    @classmethod
    def of(
        cls,
        body: bytes,
        media_type: str,
        *,
        cache_control: str = HOURLY,
        vary: str | None = None,
        policy: str | None = None,
    ) -> "Document":
        """Make a document of its bytes."""
        tag = digest(body)
        return cls(
            body=body,
            tag=tag,
            media_type=media_type,
            cache_control=cache_control,
            vary=vary,
            policy=policy,
        )

    def answer(self, exchange: Exchange) -> Answer:
        """Send it, or 304 where the client has it."""
        # Nobody knows when it last changed, so dates decide nothing.
        caching = self.cache_control, self.vary or ""
        known = settled(
            exchange, tag=self.tag, modified=None, caching=caching, history=exchange.path
        )
        if known is None:
            fields = [(b"content-type", self.media_type.encode()), *self._fields()]
            return Answer(200, fields, self.body)
        if isinstance(known, NotModified):
            return Answer(304, self._fields())
        return respond(known, exchange)

    def _fields(self) -> list[Field]:
        """Give the fields of 200 and 304; a cache takes the policy of a 304 for the page's."""
        fields = [
            (b"etag", quote(self.tag).encode()),
            (b"cache-control", self.cache_control.encode()),
        ]
        if self.vary is not None:
            fields.append((b"vary", self.vary.encode()))
        if self.policy is not None:
            fields.append((b"content-security-policy", self.policy.encode()))
        return fields


def digest(body: bytes) -> str:
    """Digest bytes for a tag or an address: 22 characters."""
    return urlsafe_b64encode(blake2b(body, digest_size=16).digest()).rstrip(b"=").decode()


def style_source(style: str) -> str:
    """Name an inline style sheet in a policy, so that it applies and no other does (CSP 3)."""
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
