"""Access tokens: JSON Web Tokens of 15 minutes that prove an account and its session, nothing else.

A token says who asks. What they may do is read from the database at each request, so that taking
a role away, disabling an account or ending a session takes effect at once. See
docs/adr/0007-tokens-and-personal-data.md.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import msgspec

LIFETIME = timedelta(minutes=15)

_ALGORITHM = "HS256"
_TYPE = "at+jwt"  # RFC 9068, section 2.1
# The key is the deployment's own, so no token of another one gets past the signature; these two
# only keep tokens that this one may issue for other purposes apart.
_ISSUER = "ledgerpress"
_AUDIENCE = "ledgerpress-api"

_LONGEST = 1024
_REMEMBERED = 10_000
# 43 characters of base64url say 32 bytes, and the last of them has two bits that say nothing: as
# only zeroes are taken there, a token has exactly one spelling.
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_CLAIMS = ("iss", "aud", "sub", "sid", "iat", "exp", "jti")


class AccessToken(msgspec.Struct, frozen=True, gc=False):
    """A token that was found genuine and current."""

    account_id: UUID
    session_id: UUID
    token_id: UUID
    expires_at: datetime


class InvalidToken(msgspec.Struct, frozen=True):
    """The token proves nothing; the reason is safe to repeat to whoever sent it."""

    reason: str


class _Claims(msgspec.Struct, frozen=True):
    sub: UUID
    sid: UUID
    jti: UUID
    exp: int


class AccessTokens:
    """Issues tokens, and verifies them.

    Those found genuine are remembered, the least recently used leave first: a look-up costs a
    hundredth of a verification.
    """

    def __init__(
        self, key: bytes, new_id: Callable[[], UUID], *, remembered: int = _REMEMBERED
    ) -> None:
        self._key = key
        self._new_id = new_id
        self._remembered = remembered
        self._genuine: OrderedDict[str, AccessToken] = OrderedDict()
        # Every token that we issue begins with the same bytes, so a header is never parsed: what
        # does not begin like this claims another algorithm or type, or was altered.
        self._header = self._encode({}).partition(".")[0] + "."

    def issue(
        self,
        account_id: UUID,
        session_id: UUID,
        now: datetime,
        lifetime: timedelta = LIFETIME,
    ) -> str:
        """Make a token for an account in one of its sessions, valid from now on for a time."""
        issued = int(now.timestamp())
        return self._encode(
            {
                "iss": _ISSUER,
                "aud": _AUDIENCE,
                "sub": str(account_id),
                "sid": str(session_id),
                "iat": issued,
                "exp": issued + int(lifetime.total_seconds()),
                "jti": str(self._new_id()),
            }
        )

    def verify(self, token: str, now: datetime) -> AccessToken | InvalidToken:
        """Tell whose token this is. Never raises, whatever the text."""
        known = self._genuine.get(token)
        if known is None:
            found = self._decode(token)
            if isinstance(found, InvalidToken):
                return found
            known = found
            self._remember(token, known)
        if now >= known.expires_at:
            self._genuine.pop(token, None)
            return InvalidToken("The access token has expired.")
        self._genuine.move_to_end(token)
        return known

    def _remember(self, token: str, genuine: AccessToken) -> None:
        self._genuine[token] = genuine
        if len(self._genuine) > self._remembered:
            self._genuine.popitem(last=False)

    def _decode(self, token: str) -> AccessToken | InvalidToken:
        if len(token) > _LONGEST or not token.isascii() or not token.startswith(self._header):
            return InvalidToken("The access token is not one of this service's.")
        if _SIGNATURE.fullmatch(token.rpartition(".")[2]) is None:
            return InvalidToken("The access token is damaged.")
        try:
            # The times are compared by `verify`, with the clock that is passed in.
            options: jwt.types.Options = {
                "require": list(_CLAIMS),
                "verify_exp": False,
                "verify_iat": False,
            }
            payload = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options=options,
            )
            claims = msgspec.convert(payload, _Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError):
            return InvalidToken("The access token is damaged.")
        expires_at = datetime.fromtimestamp(claims.exp, UTC)
        return AccessToken(claims.sub, claims.sid, claims.jti, expires_at)

    def _encode(self, claims: dict[str, object]) -> str:
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"typ": _TYPE})
