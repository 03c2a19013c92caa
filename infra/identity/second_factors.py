"""Second factors in PostgreSQL: shared secrets, codes of the moment (RFC 6238), recovery codes.

A shared secret is sealed with the person's own key, so it is erased with the person. Why the rest
is as it is stands in docs/adr/0014-second-factor.md.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pyotp

from commands.identity import CodeFault, Enrolment
from commands.sessions import Secret
from infra.identity.personal_data import Erased, PersonalData
from projections.database import Database, load_queries
from projections.write import Put, Table

QUERIES = load_queries(Path(__file__).with_name("second_factors.sql"))
SECOND_FACTOR_CHANGES = Table(
    "second_factor_changes",
    ("account_id", "enabled", "last_step", "recovery_hashes"),
    key_columns=1,
)

ISSUER = "Ledgerpress"
STEP_SECONDS = 30
RECOVERY_CODES = 10

_STEPS_BESIDE = 1
"""How many steps an authenticator's clock may be off, either way (RFC 6238, section 5.2)."""
_RECOVERY_BYTES = 10
_GROUP = 4
_OF_AUTHENTICATOR = re.compile(r"[0-9]{6}")
_OF_RECOVERY = re.compile(r"[A-Za-z2-7]{16}")
_SEPARATORS = re.compile(r"[ -]")

# Secrets belong to no event, and what a person's key seals is bound to one.
_NO_EVENT = UUID(int=0)
_FIELD = "totp"


class PostgresSecondFactors:
    """See `commands.identity.SecondFactors`."""

    def __init__(self, database: Database, personal_data: PersonalData) -> None:
        self._database = database
        self._personal_data = personal_data

    async def begin(self, account_id: UUID, email: str) -> Enrolment | None:
        """Keep a new secret, in place of one that was never confirmed."""
        key = await self._personal_data.key_of(account_id)
        if isinstance(key, Erased):
            return None
        secret = pyotp.random_base32()
        sealed = key.seal(_NO_EVENT, _FIELD, secret)
        if not await self._database.fetch(QUERIES["begin"], account_id, sealed):
            return None
        uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
        return Enrolment(secret=secret, otpauth_uri=uri)

    async def check_begun(self, account_id: UUID, code: str, at: datetime) -> int | CodeFault:
        """Compare a code with the secret that waits to be confirmed, and give its time step."""
        begun = await self._secret(account_id, confirmed=False)
        if begun is None:
            return CodeFault.NOTHING_BEGUN
        step = begun.step_of(_SEPARATORS.sub("", code), at)
        return CodeFault.WRONG if step is None else step

    async def use(self, account_id: UUID, code: str, at: datetime) -> bool:
        """Use a code up, of either kind, and tell whether it was right."""
        text = _SEPARATORS.sub("", code)
        if _OF_AUTHENTICATOR.fullmatch(text):
            return await self._use_step(account_id, text, at)
        if _OF_RECOVERY.fullmatch(text):
            used = recovery_hash(text)
            return bool(await self._database.fetch(QUERIES["take_recovery_code"], account_id, used))
        return False

    def new_recovery_codes(self) -> Sequence[Secret]:
        """Make codes for somebody who has lost the authenticator."""
        return [_new_recovery_code() for _ in range(RECOVERY_CODES)]

    def enabled_row(self, account_id: UUID, step: int, recovery: Sequence[Secret]) -> Put:
        """Give the row that confirms the secret, with the step of the code that proved it."""
        hashes = [code.hash for code in recovery]
        return Put(SECOND_FACTOR_CHANGES, (account_id, True, step, hashes))

    def removed_row(self, account_id: UUID) -> Put:
        """Give the row that removes the secret and the recovery codes that are left."""
        return Put(SECOND_FACTOR_CHANGES, (account_id, False, 0, []))

    async def _use_step(self, account_id: UUID, digits: str, at: datetime) -> bool:
        secret = await self._secret(account_id, confirmed=True)
        step = None if secret is None else secret.step_of(digits, at)
        if secret is None or step is None:
            return False
        taken = await self._database.fetch(QUERIES["take_step"], account_id, secret.sealed, step)
        return bool(taken)

    async def _secret(self, account_id: UUID, *, confirmed: bool) -> "_SharedSecret | None":
        rows = await self._database.fetch(QUERIES["secret"], account_id, confirmed)
        if not rows:
            return None
        sealed, last_step, wrapped_key = rows[0]
        key = self._personal_data.unwrapped(account_id, wrapped_key)
        return _SharedSecret(sealed, key.open(_NO_EVENT, _FIELD, sealed), last_step)


class _SharedSecret:
    """A secret as its row keeps it, opened. It is compared here and goes nowhere else."""

    __slots__ = ("_last_step", "_totp", "sealed")

    def __init__(self, sealed: str, secret: str, last_step: int) -> None:
        self.sealed = sealed
        self._totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
        self._last_step = last_step

    def step_of(self, digits: str, at: datetime) -> int | None:
        """Find the time step of which this is the code, among those near and not yet taken."""
        if not _OF_AUTHENTICATOR.fullmatch(digits):
            return None
        present = int(at.timestamp()) // STEP_SECONDS
        near = range(present - _STEPS_BESIDE, present + _STEPS_BESIDE + 1)
        right = [
            step for step in near if hmac.compare_digest(self._totp.generate_otp(step), digits)
        ]
        return next((step for step in right if step > self._last_step), None)


def recovery_hash(text: str) -> bytes:
    """Give the hash by which a recovery code is kept, however its letters were typed."""
    return hashlib.sha256(_SEPARATORS.sub("", text).lower().encode()).digest()


def _new_recovery_code() -> Secret:
    """Make 80 random bits, as four groups of four letters and digits that none mistakes."""
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    groups = [text[start : start + _GROUP] for start in range(0, len(text), _GROUP)]
    return Secret("-".join(groups), recovery_hash(text))
