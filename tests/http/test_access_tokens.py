"""Specifies that no access token is taken but those that were issued, as they were issued."""

import base64
import json
import string
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from uuid_utils.compat import uuid7

from domain.stream import Role
from tests.support.http import problem
from tests.support.product import Api
from tests.support.signing_in import log_in, renew

ADA = "ada@test.example"
KEY = b"a" * 32
"""Of the product in tests, so that a test can sign what the product would not."""
HEADER = {"alg": "HS256", "typ": "at+jwt"}


async def issued(api: Api) -> str:
    """Log in and give the access token, which works."""
    await api.account("ada", Role.AUTHOR)
    token: str = (await log_in(api, ADA)).json()["token"]
    assert (await asked(api, token)).status_code == 200
    return token


async def asked(api: Api, token: str | bytes, path: str = "/me") -> httpx.Response:
    """Ask with a token."""
    field = (b"Authorization", b"Bearer " + (token.encode() if isinstance(token, str) else token))
    return await api.anonymous.get(path, headers=[field])


async def is_refused(api: Api, token: str | bytes) -> None:
    """Require 401, also where nobody needs a token."""
    for path in ("/me", "/posts"):
        answer = await asked(api, token, path)

        problem(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"] == 'Bearer realm="api", error="invalid_token"'
        assert answer.headers["cache-control"] == "no-store"


def part(members: dict[str, Any]) -> str:
    """Encode a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


def opened(token: str) -> dict[str, Any]:
    """Read the claims of a token."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def signed(claims: dict[str, Any], *, key: bytes = KEY, **header: str) -> str:
    """Sign claims as the product would, but for what is said."""
    fields = {"typ": "at+jwt", **header}
    return jwt.encode(claims, key, algorithm=fields.pop("alg", "HS256"), headers=fields)


async def test_what_a_test_signs_is_taken(api: Api) -> None:
    """Otherwise the refusals below would show nothing."""
    token = await issued(api)
    again = signed(opened(token) | {"jti": str(uuid7())})

    assert again != token
    assert (await asked(api, again)).status_code == 200


async def test_a_token_that_was_cut(api: Api) -> None:
    """However much of it is missing, at either end."""
    token = await issued(api)

    for length in (1, 36, 37, 100, len(token) - 43, len(token) - 2, len(token) - 1):
        await is_refused(api, token[:length])
        await is_refused(api, token[-length:])


async def test_a_token_that_was_altered(api: Api) -> None:
    """In whatever part, by one character, also in bits that a lax decoder does not look at."""
    token = await issued(api)
    parts = [index for index, char in enumerate(token) if char == "."]
    places = [0, 5, parts[0] - 1, parts[0] + 1, parts[0] + 40, parts[1] - 1, parts[1] + 1]

    for place in (*places, len(token) - 2, len(token) - 1):
        for other in "ABQgw":
            if token[place] != other:
                await is_refused(api, token[:place] + other + token[place + 1 :])
    for last in set(string.ascii_letters + string.digits + "-_") - {token[-1]}:
        await is_refused(api, token[:-1] + last)


@pytest.mark.parametrize(
    "spoiled",
    ["{}=", "{}==", "{}.", ".{}", "{}.x", "{}\u00e9", '"{}"', "{},", "{} x", "{}A", "{}\x7f"],
)
async def test_another_spelling_of_a_token(api: Api, spoiled: str) -> None:
    """Nothing may stand before, behind or in it."""
    answer = await asked(api, spoiled.format(await issued(api)))

    assert answer.status_code in {400, 401}
    assert (await asked(api, spoiled.format("x"))).status_code == answer.status_code


async def test_another_algorithm(api: Api) -> None:
    """No token chooses how it is verified: `none`, a longer hash, or a key pair."""
    claims = opened(await issued(api))
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    for name in ("none", "None", "NONE", "nOnE"):
        for header in (HEADER | {"alg": name}, {"typ": "at+jwt", "alg": name}):
            for signature in ("", "A" * 43, signed(claims).rpartition(".")[2]):
                await is_refused(api, f"{part(header)}.{part(claims)}.{signature}")
    await is_refused(api, signed(claims, alg="HS512", key=KEY * 2))
    await is_refused(api, signed(claims, alg="HS384", key=KEY * 2))
    await is_refused(api, signed(claims, alg="RS256", key=pem))
    as_hs256 = signed(claims, key=b"k" * 32).split(".")
    await is_refused(api, ".".join([part(HEADER | {"alg": "RS256"}), *as_hs256[1:]]))


async def test_another_key(api: Api) -> None:
    """Neither a stranger's nor one that is nearly it, nor one that the header brings along."""
    claims = opened(await issued(api))

    for key in (b"b" * 32, b"a" * 31 + b"b", b"a" * 33, b"a" * 64, b"e" * 32, b"p" * 32, bytes(32)):
        await is_refused(api, signed(claims, key=key))
    await is_refused(api, signed(claims, key=bytes(32), kid="../../dev/null"))
    own = {"kty": "oct", "k": base64.urlsafe_b64encode(bytes(32)).decode()}
    header, rest = part(HEADER | {"jwk": own}), signed(claims, key=bytes(32)).split(".")
    await is_refused(api, ".".join([header, *rest[1:]]))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["ledgerpress-api", "another"], "iss": "another"},
        {"iss": "another"},
        {"iss": None},
        {"sub": "0"},
        {"sub": None},
        {"sid": "x"},
        {"sid": None},
        {"exp": "soon"},
        {"exp": -1},
        {"exp": 1e300},
        {"exp": 10**30},
        {"exp": None},
        {"jti": 1},
    ],
    ids=str,
)
async def test_other_claims(api: Api, changes: dict[str, object]) -> None:
    """Signed with the right key, and meant for somebody or something else, or for nothing."""
    claims = opened(await issued(api)) | changes
    named = {name: value for name, value in claims.items() if value is not None}

    await is_refused(api, f"{_signed_by_hand(HEADER, named)}")


def _signed_by_hand(header: dict[str, Any], claims: dict[str, Any]) -> str:
    text = f"{part(header)}.{part(claims)}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = algorithm.sign(text.encode(), KEY)
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "rt+jwt"},
        {"typ": None},
        {"cty": "JWT"},
        {"crit": ["exp"]},
        {"zip": "DEF"},
    ],
    ids=str,
)
async def test_another_type(api: Api, header: dict[str, object]) -> None:
    """A token that was made for another purpose is none here, though the key is ours."""
    claims = opened(await issued(api))
    fields = {name: value for name, value in (HEADER | header).items() if value is not None}

    await is_refused(api, _signed_by_hand(fields, claims))


async def test_the_session_of_somebody_else(api: Api) -> None:
    """A token whose account and session do not belong together speaks for neither."""
    mine = opened(await issued(api))
    eve = await api.account("eve")
    theirs = opened(eve.token())

    await is_refused(api, signed(mine | {"sid": theirs["sid"]}))
    await is_refused(api, signed(mine | {"sub": theirs["sub"]}))
    await is_refused(api, signed(mine | {"sid": str(uuid7())}))
    await is_refused(api, signed(mine | {"sub": str(uuid7()), "sid": str(uuid7())}))
    await is_refused(api, signed(mine | {"sid": mine["sub"], "sub": mine["sid"]}))


async def test_a_token_whose_time_is_over(api: Api) -> None:
    """Expired it is 401 for good, and in an hour still."""
    token = await issued(api)
    api.clock.advance(timedelta(minutes=15))
    await is_refused(api, token)
    api.clock.advance(timedelta(hours=1))

    await is_refused(api, token)


async def test_the_other_kinds_of_tokens(api: Api) -> None:
    """A refresh token opens nothing, and an access token renews nothing."""
    await api.account("ada")
    tokens = await log_in(api, ADA)

    await is_refused(api, tokens.json()["refreshToken"])
    problem(await renew(api, tokens.json()["token"]), 401, "invalid_refresh_token")
    assert (await renew(api, tokens)).status_code == 200


@pytest.mark.parametrize(
    "field",
    [
        b"Basic YWRhOnB3",
        b"Bearer",
        b"bearer x",
        b"Token x",
        b"",
        b"Bearer \xff\xfe",
        b"Bearer " + b"x" * 7000,
        b"Digest username=ada",
    ],
    ids=lambda field: repr(field[:20]),
)
async def test_other_credentials(api: Api, field: bytes) -> None:
    """401 with a challenge; what is no Bearer token is never taken for nobody in particular."""
    answer = await api.anonymous.get("/posts", headers=[(b"Authorization", field)])

    problem(answer, 401, "invalid_token")


async def test_two_tokens_at_once(api: Api) -> None:
    """A request that says two things about who sends it is refused, whichever of them is right."""
    token = (await issued(api)).encode()
    good, bad = (b"Authorization", b"Bearer " + token), (b"Authorization", b"Bearer x")
    async with api.raw() as connection:
        lines = b"".join(b"%b: %b\r\n" % line for line in (good, bad))
        await connection.send(
            b"GET /me HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (api.host.encode(), lines)
        )
        answer = await connection.answer()

    assert answer.status in {400, 401}
