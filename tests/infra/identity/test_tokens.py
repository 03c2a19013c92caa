"""Access tokens: genuine ones tell whose they are, and nothing else gets through or raises."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from infra.identity.tokens import LIFETIME, AccessToken, AccessTokens, InvalidToken

KEY = b"k" * 32
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
WHO = uuid7()
SESSION = uuid7()

tokens = AccessTokens(KEY, uuid7)
GENUINE = tokens.issue(WHO, SESSION, NOW)


def signed(key: bytes = KEY, typ: str | None = "at+jwt", **changes: object) -> str:
    """Sign a token as the product does, but for these claims; None leaves one out."""
    issued = int(NOW.timestamp())
    claims: dict[str, Any] = {
        "iss": "ledgerpress",
        "aud": "ledgerpress-api",
        "sub": str(WHO),
        "sid": str(SESSION),
        "iat": issued,
        "exp": issued + 900,
        "jti": str(uuid7()),
        **changes,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm="HS256", headers={"typ": typ})


def encoded(part: object) -> str:
    """Write a part of a token by hand."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def test_genuine() -> None:
    """A token tells its account for 15 minutes."""
    known = tokens.verify(GENUINE, NOW)

    assert isinstance(known, AccessToken)
    assert (known.account_id, known.expires_at) == (WHO, NOW + timedelta(minutes=15))
    assert isinstance(tokens.verify(signed(), NOW), AccessToken)


def test_form() -> None:
    """Its header has the fixed algorithm and the type of RFC 9068, its claims are all there."""
    header, payload, _ = GENUINE.split(".")

    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {
        "alg": "HS256",
        "typ": "at+jwt",
    }
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 900


def test_expired() -> None:
    """It stops at its time, also when it was verified before; a clock set back revives nothing."""
    fresh = AccessTokens(KEY, uuid7)

    for _ in range(2):
        assert isinstance(fresh.verify(GENUINE, NOW + LIFETIME - timedelta(seconds=1)), AccessToken)
        assert fresh.verify(GENUINE, NOW + LIFETIME) == InvalidToken(
            "The access token has expired."
        )


HOSTILE = {
    "empty": "",
    "dots": "..",
    "cut": GENUINE[:-1],
    "cut to the payload": GENUINE.rpartition(".")[0],
    "without signature": GENUINE.rpartition(".")[0] + ".",
    "longer": GENUINE + "A",
    "padded": GENUINE + "=",
    "four parts": GENUINE + ".x",
    "white space": f" {GENUINE}",
    "line break": f"{GENUINE}\n",
    "another key": signed(b"o" * 32),
    "algorithm none": f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{GENUINE.split('.')[1]}.",
    "algorithm none, signed": ".".join(
        (encoded({"alg": "none", "typ": "at+jwt"}), *GENUINE.split(".")[1:])
    ),
    "another algorithm": jwt.encode(
        {"sub": str(WHO)}, b"k" * 64, algorithm="HS512", headers={"typ": "at+jwt"}
    ),
    "another type": signed(typ="JWT"),
    "no type": signed(typ=None),
    "another issuer": signed(iss="https://evil.example"),
    "another audience": signed(aud="ledgerpress-refresh"),
    "no audience": signed(aud=None),
    "no expiry": signed(exp=None),
    "no subject": signed(sub=None),
    "subject is no id": signed(sub="admin"),
    "no session": signed(sid=None),
    "session is no id": signed(sid="1"),
    "no token id": signed(jti=None),
    "expiry is text": signed(exp="never"),
    "huge": "A" * 1_000_000,
    "huge and dotted": ".".join(["A" * 100_000] * 3),
    "huge claims": signed(junk="A" * 10_000),
    "not ASCII": GENUINE[:-1] + "é",
    "lone surrogate": GENUINE[:-1] + "\ud800",
    "NUL": GENUINE[:-1] + "\0",
    "deep header": f"{base64.urlsafe_b64encode(b'[' * 600).decode()}.e30.AAAA",
    "header is a list": f"{encoded([])}.e30.AAAA",
    "payload is a list": jwt.api_jws.encode(b"[]", KEY, "HS256", {"typ": "at+jwt"}),
    "payload is not JSON": jwt.api_jws.encode(b"\xff", KEY, "HS256", {"typ": "at+jwt"}),
}


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(token: str) -> None:
    """What is not a token of ours is invalid as data, with a reason that repeats none of it."""
    answer = tokens.verify(token, NOW)

    assert isinstance(answer, InvalidToken)
    assert len(answer.reason) < 80


def test_altered() -> None:
    """Every single character counts: no other token is as good as the genuine one."""
    altered = [
        GENUINE[:place] + other + GENUINE[place + 1 :]
        for place in range(len(GENUINE))
        for other in "ABCD-.=\n"
        if GENUINE[place] != other
    ]

    assert {type(tokens.verify(token, NOW)) for token in altered} == {InvalidToken}


@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    """Any text at all is answered as data."""
    assert isinstance(tokens.verify(text, NOW), InvalidToken)


def test_memory() -> None:
    """The memory is bounded, what was used last stays in it, and it never takes an invalid one."""
    small = AccessTokens(KEY, uuid7, remembered=3)
    several = [small.issue(WHO, SESSION, NOW) for _ in range(5)]

    for token in several:
        assert isinstance(small.verify(token, NOW), AccessToken)
        assert isinstance(small.verify(several[0], NOW), AccessToken)
        small.verify(token[:-1], NOW)

    assert list(small._genuine) == [several[3], several[4], several[0]]  # noqa: SLF001 - its bound


def test_remembered_only_whole() -> None:
    """A verified token does not let another one with the same beginning or signature through."""
    fresh = AccessTokens(KEY, uuid7)
    assert isinstance(fresh.verify(GENUINE, NOW), AccessToken)
    header, _, signature = GENUINE.split(".")
    _, payload, _ = fresh.issue(uuid7(), SESSION, NOW).split(".")

    assert isinstance(fresh.verify(f"{header}.{payload}.{signature}", NOW), InvalidToken)
