"""Redaction as properties: whatever secret, in whatever place and form, nothing of it comes out."""

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.redaction import redact, redacted_text

BEGIN, END = "QZbegin7", "QZend7"
"""Around each secret, so that a part of it that is left shows."""

NAMES = st.sampled_from(
    [
        "password",
        "new_password",
        "currentPassword",
        "passphrase",
        "refreshToken",
        "access_token",
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "client_secret",
        "Idempotency-Key",
        "idempotency_key",
        "x-api-key",
        "signature",
        "X-Amz-Signature",
        "email",
        "e-mail",
        "credentials",
        "recoveryCode",
    ]
)
FIELDS = NAMES | st.sampled_from(["name", "displayName", "file_name", "full-name"])
PLAIN = st.text("abcXYZ0189-_.~+/%", max_size=20)
"""What stands in a query, an address or a header field as it is."""
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)


def secrets(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make secrets that are told from all else."""
    return inner.map(lambda text: f"{BEGIN}{text}{END}")


def hidden(text: object) -> bool:
    """Tell whether nothing of a secret is left."""
    shown = str(text)
    return BEGIN not in shown and END not in shown


BURIALS: list[Callable[[Any], Any]] = [
    lambda value: {"a": value},
    lambda value: [1, value, "x"],
    lambda value: ("x", value, None),
    lambda value: {"list": [{"deep": value}]},
]


@given(FIELDS, secrets(ANY), st.lists(st.sampled_from(BURIALS), max_size=6), st.booleans())
def test_a_telling_name_hides_any_value(
    name: str,
    secret: str,
    burials: list[Callable[[Any], Any]],
    as_bytes: bool,  # noqa: FBT001 - drawn
) -> None:
    """However deep it is, and whatever the value is made of."""
    value: Any = {name: secret.encode() if as_bytes else secret}
    for bury in burials:
        value = bury(value)

    assert hidden(redact(None, "", {"event": "x", "value": value}))


@given(NAMES, secrets(ANY), st.sampled_from(BURIALS))
def test_pairs_and_other_objects(name: str, secret: str, bury: Callable[[Any], Any]) -> None:
    """Header fields as ASGI has them, exceptions, and what no renderer looks into."""
    pair = (name.lower().encode(), secret.encode())
    for value in ([pair], {name: secret}, {"headers": [pair]}):
        assert hidden(redact(None, "", {"x": bury(value), "error": ValueError(value)}))


@given(NAMES, secrets(ANY), st.integers(0, 3))
def test_json_within_text(name: str, secret: str, times: int) -> None:
    """Also in JSON that is a text within JSON, or is cut off in the middle."""
    text = json.dumps({"a": 1, name: secret})
    cut = text[: text.rindex(END[-3:])]
    for _ in range(times):
        text = json.dumps({"body": text})

    assert hidden(redacted_text(f"refused: {text} as it is"))
    assert hidden(redacted_text(f"refused: {cut}"))
    assert hidden(redacted_text(f"refused: {text!r}"))


@given(NAMES, secrets(PLAIN), LINE)
def test_assignments(name: str, secret: str, before: str) -> None:
    """As forms, programs and header fields write them."""
    for text in (
        f"{name}={secret}",
        f"a=1&{name}={secret}&b=2",
        f"{name}: {secret}",
        f"{name} = '{secret}'",
        f"{{{name!r}: {secret!r}}}",
        f"{name}=>{secret}",
    ):
        assert hidden(redacted_text(f"{before} {text}"))


@given(st.sampled_from(["Cookie", "set-cookie", "Authorization", "Idempotency-Key"]), secrets(LINE))
def test_header_fields_to_their_end(name: str, secret: str) -> None:
    """They have several parts, and any of them may be the secret one."""
    assert hidden(redacted_text(f"GET / HTTP/1.1\r\n{name}: a=1; b={secret}\r\nHost: x"))
    assert hidden(redacted_text(f"sent {name}: Digest x={secret}, y"))


@given(secrets(PLAIN), st.text("abc019._-", min_size=1, max_size=8))
def test_addresses_of_servers(secret: str, user: str) -> None:
    """User, password and query go; where the server is stays."""
    for text in (
        f"postgresql://{user}:{secret}@db.example:5432/x",
        f"nats://{secret}@db.example:4222",
        f"redis://:{secret}@db.example/0?timeout=1",
    ):
        shown = redacted_text(f"cannot reach {text}, retrying")

        assert hidden(shown)
        assert "db.example" in shown
    for text in (
        f"/exports/1/download?expires=1&signature={secret}",
        f"https://press.example/exports/1/download?{secret}",
        f"GET /go?url=https://x.example/{secret} 302",
    ):
        assert hidden(redacted_text(text))


@given(secrets(st.text("abcXYZ019.-_+", max_size=20)), st.sampled_from(["", "sub."]))
def test_addresses_of_people(local: str, sub: str) -> None:
    """Whether or not a name tells what they are."""
    for text in (f"{local}@{sub}example.org", f"<{local}@localhost>", f"to={local}@x.org, later"):
        assert hidden(redacted_text(f"no such user: {text}"))


@given(secrets(ANY))
def test_what_postgresql_quotes(secret: str) -> None:
    """The database's errors hold the values of rows and parameters."""
    for text in (
        f"duplicate key\nDETAIL:  Key (email)=({secret}) already exists.",
        f"violates check\nDETAIL:  Failing row contains (1, {secret}, null).",
        f"invalid input for query argument $3: {secret!r} (expected str, got int)",
        f'invalid input syntax for type uuid: "{secret}"',
        f"boom\n[SQL: insert]\n[parameters: ({secret!r},)]",
    ):
        assert hidden(redacted_text(f"Traceback:\n  File x\nasyncpg.Error: {text}"))


@given(st.binary(min_size=32, max_size=64))
def test_what_is_random_and_long(secret: bytes) -> None:
    """Tokens and signatures of ours need no name to be known."""
    text = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    mixed = any(c.islower() for c in text) and any(c.isupper() for c in text)
    if mixed and any(c.isdigit() for c in text):
        assert text not in redacted_text(f"the link {text} was used")
    assert "argon2id$v" not in redacted_text(f"hash $argon2id$v=19$m=19456,t=2,p=1${text}")


@given(ANY)
def test_twice_is_once(text: str) -> None:
    """What was redacted stays as it is."""
    once = redacted_text(text)

    assert redacted_text(once) == once
