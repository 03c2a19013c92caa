"""The deployment's keys."""

from pathlib import Path

from infra.keys import Keys, load_keys
from infra.secrets import SecretError
from tests.support.services import settings_in


def test_made_and_kept(tmp_path: Path) -> None:
    """Development makes three different keys, which stay the same and are never shown."""
    settings = settings_in(tmp_path / "data")
    keys = load_keys(settings)

    assert isinstance(keys, Keys)
    assert len({keys.access_token, keys.email_hash, keys.personal_data}) == 3
    assert load_keys(settings) == keys
    assert repr(keys) == "Keys(***)"


def test_production(tmp_path: Path) -> None:
    """Production makes none and names the first that is missing."""
    settings = settings_in(tmp_path).model_copy(update={"env": "production"})

    fault = load_keys(settings)

    assert isinstance(fault, SecretError)
    assert fault.path.name == "access_token_key"
