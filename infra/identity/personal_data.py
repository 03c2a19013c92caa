"""Personal data: sealed with a key of the person's, and found by a keyed hash of the email.

Only the cryptography and the table `person_keys` live here. What stands in an event is the text
that `PersonKey.seal` gives. Destroying the row of the key erases all of it, wherever it was copied.
The forms, and why, are in docs/adr/0007-tokens-and-personal-data.md.
"""

import base64
import hmac
import os
import unicodedata
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from projections.database import Database, load_queries
from projections.write import Put, Table

QUERIES = load_queries(Path(__file__).with_name("account_secrets.sql"))
ERASURES = Table("erasures", ("account_id", "email_hash"), key_columns=1)
"""What is put here erases a person: see the function `apply_erasures`."""
PERSON_KEYS = Table("person_keys", ("person_id", "key"), key_columns=1)

KEY_BYTES = 32
_NONCE_BYTES = 12
_MOST_CHARACTERS = 1024
_PUNYCODE = "xn--"
_LONGEST_LABEL = 63
_FORM = "s1."
"""Marks a sealed text, and the form of what follows: base64url of nonce, ciphertext and tag."""


class DamagedError(Exception):
    """A sealed text or a wrapped key is not what was once written, or the secret is another."""


class Erased(msgspec.Struct, frozen=True):
    """The person's key was destroyed: what was sealed with it cannot be read any more."""


class PersonKey:
    """One person's key, unwrapped: seals what an event will say of the person."""

    __slots__ = ("_cipher", "_person_id", "_row")

    def __init__(self, person_id: UUID, key: bytes, row: Put) -> None:
        self._person_id = person_id
        self._cipher = AESGCM(key)
        self._row = row

    @property
    def row(self) -> Put:
        """The row that keeps the key, to be written with the first event that it seals."""
        return self._row

    def seal(self, event_id: UUID, field: str, text: str) -> str:
        """Encrypt a text for one field of one event; nowhere else can it be opened."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = _bound_to(self._person_id, event_id, field)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), bound)
        return _FORM + base64.urlsafe_b64encode(sealed).decode()

    def open(self, event_id: UUID, field: str, sealed: str) -> str:
        """Decrypt what was sealed for this field of this event. Raises `DamagedError`."""
        try:
            raw = base64.b64decode(sealed.removeprefix(_FORM), altchars=b"-_", validate=True)
            nonce, text = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            bound = _bound_to(self._person_id, event_id, field)
            return self._cipher.decrypt(nonce, text, bound).decode()
        except (InvalidTag, ValueError) as error:
            raise DamagedError(f"the {field} in event {event_id} cannot be opened") from error


class PersonalData:
    """Makes and finds persons' keys. They are kept wrapped with a secret of the deployment's."""

    def __init__(self, database: Database, *, wrapping_key: bytes, email_hash_key: bytes) -> None:
        self._database = database
        self._wrapping = AESGCM(wrapping_key)
        self._email_hash_key = email_hash_key

    def email_hash(self, email: str) -> str:
        """Give the keyed hash (HMAC-SHA-256, hexadecimal) by which an address is claimed.

        Any text has one. What is far too long for an address is cut, as normalising takes time
        with the square of the length.
        """
        normal = normalised_email(email[:_MOST_CHARACTERS])
        return hmac.digest(
            self._email_hash_key, normal.encode(errors="surrogatepass"), "sha256"
        ).hex()

    def new_person(self, person_id: UUID) -> PersonKey:
        """Make a random key for a person that has none; its row still has to be written."""
        key = AESGCM.generate_key(KEY_BYTES * 8)
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = nonce + self._wrapping.encrypt(nonce, key, person_id.bytes)
        return PersonKey(person_id, key, Put(PERSON_KEYS, (person_id, wrapped)))

    async def key_of(self, person_id: UUID) -> PersonKey | Erased:
        """Find a person's key.

        It is read each time, never remembered: a key that one process destroys must be gone for
        all. Raises `DamagedError` when it was wrapped with another secret.
        """
        rows = await self._database.fetch(QUERIES["person_key"], person_id)
        if not rows:
            return Erased()
        return self.unwrapped(person_id, rows[0][0])

    def unwrapped(self, person_id: UUID, wrapped: bytes) -> PersonKey:
        """Open a person's key as its row keeps it. Raises `DamagedError`."""
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            key = self._wrapping.decrypt(nonce, sealed, person_id.bytes)
        except (InvalidTag, ValueError) as error:
            raise DamagedError(f"the key of person {person_id} cannot be unwrapped") from error
        return PersonKey(person_id, key, Put(PERSON_KEYS, (person_id, wrapped)))

    async def open(self, person_id: UUID, event_id: UUID, field: str, sealed: str) -> str | Erased:
        """Read one sealed field of one event."""
        key = await self.key_of(person_id)
        return key if isinstance(key, Erased) else key.open(event_id, field, sealed)


def normalised_email(email: str) -> str:
    """Give the form in which addresses are compared: NFKC, case folded, trimmed, without Punycode.

    The local part is folded as well, though RFC 5321 (section 2.4) lets a server tell its cases
    apart: no large one does, and two accounts that differ in case only would be an attack. So two
    mailboxes may become one here; mail always goes to the address as it was registered. Nothing
    in this may ever change: the hashes of the results are kept for good.
    """
    local, at, domain = _folded(email).rpartition("@")
    labels = domain.replace("\N{IDEOGRAPHIC FULL STOP}", ".").split(".")
    return f"{local}{at}{'.'.join(map(_unicode_label, labels))}"


def _folded(text: str) -> str:
    """Fold case and compatibility; what was folded stays as it is.

    That takes a second round: folding can make new characters to fold.
    """
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold().strip()
    return unicodedata.normalize("NFKC", text).strip()


def _unicode_label(label: str) -> str:
    """Read a label in Punycode (RFC 5891), if that is what it is."""
    if not label.startswith(_PUNYCODE) or len(label) > _LONGEST_LABEL:
        return label
    try:
        decoded = label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    text = _folded(decoded)
    # Anything can be encoded; a label that means something has letters, marks, digits, hyphens.
    fits = all(char == "-" or unicodedata.category(char)[0] in "LMN" for char in text)
    if not fits or decoded.isascii() or text.startswith(_PUNYCODE):
        return label
    return text


def _bound_to(person_id: UUID, event_id: UUID, field: str) -> bytes:
    # Both ids have one length, so the field's name cannot run into them.
    return person_id.bytes + event_id.bytes + field.encode()
