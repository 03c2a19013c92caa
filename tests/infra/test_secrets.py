"""Secrets: made once in development, only read in production."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.secrets import SecretError, load_or_create
from infra.settings import Settings
from tests.support.services import settings_in

_PRINT_ONE = """
import sys
from pathlib import Path
from infra.secrets import load_or_create_file
print(load_or_create_file(Path(sys.argv[1]), 32).hex())
"""


@pytest.fixture
def production(tmp_path: Path) -> Settings:
    """Give settings of production with an empty folder of secrets."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    return settings_in(
        tmp_path,
        ENV="production",
        DATABASE_URL="postgresql://h/d",
        NATS_URL="nats://h",
        REDIS_URL="redis://h",
        MAIL_URL="smtp://h",
        PUBLIC_URL="https://h.example",
        SECRETS_DIR=str(folder),
    )


def test_made_once(tmp_path: Path) -> None:
    """A missing secret is made, private to its owner, and is the same ever after."""
    settings = settings_in(tmp_path / "data")

    first = load_or_create(settings, "claims_key", 32)

    assert isinstance(first, bytes)
    assert len(first) == 32
    assert load_or_create(settings, "claims_key", 32) == first
    assert load_or_create(settings, "access_token_key", 32) != first
    assert settings.secrets_dir.stat().st_mode & 0o777 == 0o700
    assert (settings.secrets_dir / "claims_key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in settings.secrets_dir.iterdir()) == [
        "access_token_key",
        "claims_key",
    ]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Processes that make a secret at once all get the one that was made first."""
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", _PRINT_ONE, tmp_path / "secrets" / "key"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    made = {maker.communicate(timeout=30)[0] for maker in makers}

    assert len(made) == 1
    assert len(made.pop().strip()) == 64


def test_production_makes_none(production: Settings) -> None:
    """In production a missing secret is an error that names its file, and nothing is written."""
    error = load_or_create(production, "claims_key", 32)

    path = production.secrets_dir / "claims_key"
    assert str(error) == (
        f"secret file {path} is missing: write 32 random bytes as hex, `openssl rand -hex 32`"
    )
    assert not path.exists()


def test_production_reads(production: Settings) -> None:
    """A secret that the operator wrote is used, its final line break aside."""
    (production.secrets_dir / "claims_key").write_text(f"{'ab' * 32}\n")

    assert load_or_create(production, "claims_key", 32) == b"\xab" * 32


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("canary", "does not hold hexadecimal text"),
        ("canary é", "does not hold hexadecimal text"),
        ("abcd", "holds 2 bytes, but 32 are needed"),
        ("", "holds 0 bytes, but 32 are needed"),
    ],
)
def test_malformed(production: Settings, content: str, says: str) -> None:
    """A malformed secret is an error that names the file and never repeats what it holds."""
    (production.secrets_dir / "claims_key").write_text(content)

    error = load_or_create(production, "claims_key", 32)

    assert isinstance(error, SecretError)
    assert error.reason == says
