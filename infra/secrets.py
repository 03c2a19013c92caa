"""Named secrets: keys kept as hexadecimal text, one file each, in SECRETS_DIR.

Development makes a missing one; production never does (safety.md, Supply). A secret's value
appears in no message.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

import msgspec

from infra.settings import Settings


class SecretError(msgspec.Struct, frozen=True):
    """A secret that is missing or malformed: its file, and what to do."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"secret file {self.path} {self.reason}"


def load_or_create(settings: Settings, name: str, nbytes: int) -> bytes | SecretError:
    """Return the secret's `nbytes` bytes; in development make it where it is missing.

    Processes that start together all get the same bytes.
    """
    path = settings.secrets_dir / name
    if not settings.production:
        return load_or_create_file(path, nbytes)
    return _read(path, nbytes) or SecretError(
        path, f"is missing: write {nbytes} random bytes as hex, `openssl rand -hex {nbytes}`"
    )


def load_or_create_file(path: Path, nbytes: int) -> bytes | SecretError:
    """Return the bytes kept in this file, made at random (0600) where it is missing."""
    found = _read(path, nbytes)
    if found is not None:
        return found
    try:
        _create(path, secrets.token_hex(nbytes))
    except OSError as error:
        return SecretError(path, f"cannot be written: {error.strerror}")
    return _read(path, nbytes) or SecretError(path, "was removed while it was read")


def _read(path: Path, nbytes: int) -> bytes | SecretError | None:
    try:
        value = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except OSError as error:
        return SecretError(path, f"cannot be read: {error.strerror}")
    except ValueError:
        return SecretError(path, "does not hold hexadecimal text")
    if len(value) != nbytes:
        return SecretError(path, f"holds {len(value)} bytes, but {nbytes} are needed")
    return value


def _create(path: Path, text: str) -> None:
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # A complete file is linked to its name in one step: no reader sees half a secret, and of
    # two processes that create it the second finds the first one's.
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
