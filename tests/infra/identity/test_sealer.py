"""Sealing rows: opened with the same secret, for the same purpose, in the same row, or not."""

import pytest

from infra.identity.personal_data import DamagedError
from infra.identity.sealer import Sealer

SECRET = b"s" * 32
SEALER = Sealer(SECRET, "mail")
PLAIN = b"To: ada@example.org"


@pytest.mark.parametrize("plain", [b"", b"\0", PLAIN, bytes(100_000)])
def test_opened(plain: bytes) -> None:
    """What comes out is what went in, also by another process."""
    sealed = SEALER.seal(plain, b"row")

    assert Sealer(SECRET, "mail").open(sealed, b"row") == plain
    assert len(sealed) == 12 + len(plain) + 16


def test_never_alike() -> None:
    """The same twice looks different, and nothing of it can be read."""
    one, other = SEALER.seal(PLAIN, b"row"), SEALER.seal(PLAIN, b"row")

    assert one != other
    assert b"ada" not in one


@pytest.mark.parametrize(
    ("sealer", "row"),
    [(Sealer(b"x" * 32, "mail"), b"row"), (Sealer(SECRET, "registration"), b"row"), (SEALER, b"")],
    ids=["another secret", "another purpose", "another row"],
)
def test_not_opened(sealer: Sealer, row: bytes) -> None:
    """Whatever differs, it is said to be damaged."""
    with pytest.raises(DamagedError):
        sealer.open(SEALER.seal(PLAIN, b"row"), row)


def test_altered() -> None:
    """Any bit and any cut is noticed."""
    sealed = SEALER.seal(PLAIN, b"row")
    altered = [
        sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))
    ]
    cut = [sealed[:length] for length in range(len(sealed))]

    for damaged in (*altered, *cut, sealed + b"\0"):
        with pytest.raises(DamagedError):
            SEALER.open(damaged, b"row")
