"""Settings: what each variable may be, and the one line that an operator reads when it is wrong."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from infra.settings import NAMES, Settings, SettingsError, load_settings

ROOT = Path(__file__).parents[2]


def load(**variables: str) -> Settings | SettingsError:
    """Load settings from these variables alone."""
    return load_settings({f"LEDGERPRESS_{name}": value for name, value in variables.items()})


def good(**variables: str) -> Settings:
    """Load settings that must be right."""
    settings = load(**variables)
    assert isinstance(settings, Settings), settings
    return settings


def test_nothing_set() -> None:
    """Without any variable everything has its documented default and services are embedded."""
    settings = good()

    assert settings.env == "development"
    assert (settings.bind_host, settings.bind_port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.data_dir == Path(".ledgerpress")
    assert settings.secrets_dir == Path(".ledgerpress/secrets")
    assert settings.allowed_hosts == ("127.0.0.1", "localhost", "[::1]")
    assert settings.mail_url == (Path.cwd() / ".ledgerpress/mail").as_uri()
    assert settings.mail_from == "ledgerpress@localhost"
    assert settings.max_upload_bytes == 10 * 1024 * 1024
    assert settings.file_quota_bytes == 1024 * 1024 * 1024
    assert settings.keep_unused_days == 30
    assert settings.export_days == 7
    assert settings.max_body_bytes == 1024 * 1024
    assert settings.database_url is settings.nats_url is settings.redis_url is None


def test_other_variables_are_ignored() -> None:
    """The rest of the environment is nobody's mistake."""
    assert load_settings({"PATH": "/bin", "DATABASE_URL": "nonsense"}) == good()


def test_hosts_follow_the_addresses() -> None:
    """The default hosts are those of PUBLIC_URL and BIND beside the loopback names."""
    settings = good(PUBLIC_URL="https://Press.Example:8443/", BIND="[2001:db8::1]:80")

    assert settings.public_url == "https://Press.Example:8443"
    assert settings.allowed_hosts == (
        "press.example",
        "[2001:db8::1]",
        "localhost",
        "127.0.0.1",
        "[::1]",
    )


def test_wildcard_bind_is_no_public_name() -> None:
    """An address that stands for every interface is neither a public URL nor an allowed host."""
    settings = good(BIND="0.0.0.0:9000")

    assert settings.public_url == "http://127.0.0.1:9000"
    assert settings.allowed_hosts == ("127.0.0.1", "localhost", "[::1]")


@pytest.mark.parametrize(
    ("public_url", "mail_from"),
    [
        ("https://Press.Example:8443/", "ledgerpress@press.example"),
        ("http://press", "ledgerpress@press"),
        ("http://localhost:80", "ledgerpress@localhost"),
        ("http://press.localhost", "ledgerpress@localhost"),
        ("https://192.0.2.1", "ledgerpress@localhost"),
        ("https://[2001:db8::1]", "ledgerpress@localhost"),
    ],
)
def test_mail_comes_from_the_public_name(public_url: str, mail_from: str) -> None:
    """The default sender is of the host of PUBLIC_URL, where that is a name of its own."""
    assert good(PUBLIC_URL=public_url).mail_from == mail_from


def test_mail_sender() -> None:
    """An address keeps its local part as it is; the case of a domain does not count."""
    assert good(MAIL_FROM="The.Press+x@Press.EXAMPLE").mail_from == "The.Press+x@press.example"


def test_browsers_are_asked_to_preload_only_by_a_setting() -> None:
    """It is hard to undo."""
    assert not good().hsts_preload
    assert good(HSTS_PRELOAD="true").hsts_preload


def test_lists() -> None:
    """Lists are separated by commas; an empty list of proxies or targets is a list."""
    settings = good(TRUSTED_PROXIES="10.0.0.0/8, ::1", GO_ALLOWED_HOSTS="")

    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.go_allowed_hosts == ()


def test_webhooks_are_off_unless_hosts_are_named() -> None:
    """Names alone, each with its port unless that is 443."""
    settings = good(WEBHOOK_ALLOWED_HOSTS="Hooks.example, b.example:443,c.example:8443")

    assert (
        good().webhook_allowed_hosts == good(WEBHOOK_ALLOWED_HOSTS="").webhook_allowed_hosts == ()
    )
    assert settings.webhook_allowed_hosts == ("hooks.example", "b.example", "c.example:8443")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "[::1]", "[::1]:8443", "localhost", "a.localhost", "2130706433", "0x7f.1"),
        *("10.0.0.1:8443", "hooks.example:0", "hooks.example:http", "hooks.example:99999"),
        *("https://hooks.example", "hooks.example/in", "hooks.example.", "*.example"),
    ],
)
def test_webhooks_are_sent_to_names_alone(host: str) -> None:
    """An address of numbers, or this machine, is refused before anything starts."""
    refused = load(WEBHOOK_ALLOWED_HOSTS=host)

    assert isinstance(refused, SettingsError)
    assert refused.variable == "LEDGERPRESS_WEBHOOK_ALLOWED_HOSTS"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("DATABSE_URL", "x", "is not a setting; did you mean LEDGERPRESS_DATABASE_URL?"),
        ("COLOUR", "x", "is not a setting; known are LEDGERPRESS_ENV"),
        ("ENV", "prod", "is 'prod': input should be 'development' or 'production'"),
        ("ENV", "", "is empty; unset it to get its default"),
        ("DATABASE_URL", "mysql://u:canary@h/d", "must start with postgresql://"),
        ("DATABASE_URL", "postgresql://u:canary@[h/d", "is not a valid URL"),
        ("DATABASE_URL", "postgresql://h:99999/d", "is not a valid URL"),
        ("NATS_URL", "canary", "must start with nats:// or tls://"),
        ("REDIS_URL", "redis://", "names no host"),
        ("BIND", "8000", "must be HOST:PORT"),
        ("BIND", "localhost:http", "has port 'http'"),
        ("BIND", "127.0.0.1:65536", "has port '65536'"),
        ("BIND", "[::g]:80", "has '[::g]', which is not an IPv6 address"),
        ("PUBLIC_URL", "press.example", "must be an absolute http:// or https:// URL"),
        ("PUBLIC_URL", "https://h/?q=1", "must have no user, query or fragment"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "has '10.0.0.1/8': 10.0.0.1/8 has host bits set"),
        ("TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2", "has an empty item between commas"),
        ("ALLOWED_HOSTS", "press.example:80", "has 'press.example:80', which is not a host name"),
        ("ALLOWED_HOSTS", "", "is empty"),
        ("MAX_UPLOAD_BYTES", "10MB", "is '10MB': input should be a valid integer"),
        ("MAX_UPLOAD_BYTES", "0", "is '0': input should be greater than 0"),
        ("KEEP_UNUSED_DAYS", "-1", "is '-1': input should be greater than or equal to 0"),
        ("EXPORT_DAYS", "0", "is '0': input should be greater than or equal to 1"),
        ("EXPORT_DAYS", "367", "is '367': input should be less than or equal to 366"),
        ("MAX_BODY_BYTES", "9" * 40, "input should be less than or equal to"),
        ("DATA_DIR", "a\nb", "has a character that cannot be printed"),
        ("MAIL_URL", "file:", "must be file:///FOLDER, with the whole path"),
        ("MAIL_URL", "file://mail", "must be file:///FOLDER, with the whole path"),
        ("MAIL_URL", "mail", "must start with smtp:// or smtps:// or file://"),
        ("MAIL_URL", "smtp://", "must be smtp://USER:PASSWORD@HOST:PORT"),
        ("MAIL_URL", "smtps://u:canary@h/x", "must be smtps://USER:PASSWORD@HOST:PORT"),
        ("MAIL_URL", "smtp://u:can#canary@h", "is not a valid URL"),
        ("MAIL_URL", "smtp://u:can/canary@h", "is not a valid URL"),
        ("MAIL_URL", "smtp://h#canary", "must be smtp://USER:PASSWORD@HOST:PORT"),
        ("MAIL_URL", "smtp://canary@h", "must have a user and a password, or neither"),
        ("MAIL_URL", "smtp://u:canary@h..x/", "has 'h..x', which is not a host name"),
        ("MAIL_FROM", "Press", "must be an address such as ledgerpress@example.org"),
        ("MAIL_FROM", "Press <press@example.org>", "must be an address such as"),
        ("MAIL_FROM", "a..b@example.org", "must be an address such as"),
        ("MAIL_FROM", f"{'a' * 65}@example.org", "must be an address such as"),
        ("MAIL_FROM", "press@[::1]", "must be an address such as"),
        ("MAIL_FROM", "press@", "has '', which is not a host name"),
        ("MAIL_FROM", "press@ex ample", "has 'ex ample', which is not a host name"),
        ("DEMO_PASSWORD", "canary", "must have 8 to 1024 bytes"),
    ],
)
def test_a_wrong_setting_is_one_line(variable: str, value: str, says: str) -> None:
    """A wrong setting is one line that names the variable, says why, and repeats no secret."""
    error = load(**{variable: value})

    assert isinstance(error, SettingsError)
    line = str(error)
    assert line.startswith(f"LEDGERPRESS_{variable} ")
    assert says in line
    assert "\n" not in line
    assert "canary" not in line


def test_wrong_case_is_named() -> None:
    """A variable in lower case would be ignored in silence, so it is an error."""
    error = load_settings({"ledgerpress_env": "production"})

    assert str(error) == "ledgerpress_env is not a setting; did you mean LEDGERPRESS_ENV?"


PRODUCTION = {
    "ENV": "production",
    "DATABASE_URL": "postgresql://press:canary@db/press",
    "NATS_URL": "nats://canary@broker:4222",
    "REDIS_URL": "redis://:canary@cache/0",
    "MAIL_URL": "smtp://press:canary@mail:587",
    "PUBLIC_URL": "https://press.example",
    "SECRETS_DIR": "/run/secrets",
}


@pytest.mark.parametrize(
    "missing", ["DATABASE_URL", "NATS_URL", "REDIS_URL", "MAIL_URL", "SECRETS_DIR"]
)
def test_production_needs_its_services(missing: str) -> None:
    """Production starts nothing of its own and makes no secret: each missing one is named."""
    error = load(**{name: value for name, value in PRODUCTION.items() if name != missing})

    assert isinstance(error, SettingsError)
    assert error.variable == f"LEDGERPRESS_{missing}"
    assert "LEDGERPRESS_ENV=production needs it" in error.reason


def test_production_refuses_demo_accounts() -> None:
    """A demo password in production is an error, not something to ignore."""
    error = load(**PRODUCTION, DEMO_PASSWORD="long enough")  # noqa: S106 - a canary

    assert isinstance(error, SettingsError)
    assert error.variable == "LEDGERPRESS_DEMO_PASSWORD"


def test_production_sends_mail() -> None:
    """Mail that is only written into a folder would reach nobody."""
    error = load(**{**PRODUCTION, "MAIL_URL": "file:///var/mail"})

    assert str(error) == "LEDGERPRESS_MAIL_URL is a folder, but production sends: use smtp://"


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "http://localhost"])
def test_production_needs_a_sender(public_url: str) -> None:
    """Where the public host is no name, nobody can guess who mail is from."""
    error = load(**{**PRODUCTION, "PUBLIC_URL": public_url})
    settings = good(**{**PRODUCTION, "PUBLIC_URL": public_url, "MAIL_FROM": "press@press.example"})

    assert isinstance(error, SettingsError)
    assert error.variable == "LEDGERPRESS_MAIL_FROM"
    assert "the host of LEDGERPRESS_PUBLIC_URL is no name" in error.reason
    assert settings.mail_from == "press@press.example"


def test_urls_come_from_files_too(tmp_path: Path) -> None:
    """A URL that is not in the environment is read from its file in SECRETS_DIR."""
    (tmp_path / "database_url").write_text("postgresql://press:canary@db/press\n")
    (tmp_path / "mail_url").write_text("smtp://press:canary@mail\n")
    variables = {**PRODUCTION, "SECRETS_DIR": str(tmp_path)}
    del variables["DATABASE_URL"], variables["MAIL_URL"]

    settings = good(**variables)

    assert settings.database_url == "postgresql://press:canary@db/press"
    assert settings.mail_url == "smtp://press:canary@mail"
    origins = {row.variable: row.origin for row in settings.rows()}
    assert origins["LEDGERPRESS_DATABASE_URL"] == origins["LEDGERPRESS_MAIL_URL"] == "file"


def test_observing() -> None:
    """Traces and the metrics of workers are wanted explicitly."""
    nothing = good()
    settings = good(
        TRACES_URL="http://user:canary@collector:4318", TRACES_SHARE="0.25", METRICS_BIND="[::1]:0"
    )

    assert nothing.traces_url is nothing.metrics_bind is None
    assert nothing.traces_share == 1.0
    assert (settings.traces_share, settings.metrics_bind) == (0.25, "[::1]:0")
    assert "canary" not in repr([settings, settings.rows()])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACES_URL", "grpc://collector:4317"),
        ("TRACES_SHARE", "1.5"),
        ("TRACES_SHARE", "nan"),
        ("METRICS_BIND", "9464"),
    ],
)
def test_observing_wrongly(name: str, value: str) -> None:
    """One line names the setting."""
    error = load(**{name: value})

    assert isinstance(error, SettingsError)
    assert error.variable == f"LEDGERPRESS_{name}"


def test_rows_and_repr_hold_no_secret() -> None:
    """What `config show` and a traceback print has neither passwords nor tokens."""
    settings = good(**{**PRODUCTION, "DATABASE_URL": "postgresql://h/d?user=u&password=canary"})
    demo = good(DEMO_PASSWORD="canary-canary")  # noqa: S106 - a canary

    assert "canary" not in repr([settings, settings.rows(), demo, demo.rows()])
    values = {row.variable: row.value for row in settings.rows()}
    assert values["LEDGERPRESS_DATABASE_URL"] == "postgresql://h/d?user=u&password=***"
    assert values["LEDGERPRESS_NATS_URL"] == "nats://***@broker:4222"
    assert values["LEDGERPRESS_REDIS_URL"] == "redis://:***@cache/0"
    assert values["LEDGERPRESS_MAIL_URL"] == "smtp://press:***@mail:587"
    assert values["LEDGERPRESS_BIND"] == "127.0.0.1:8000"


def test_a_port_that_was_left_open() -> None:
    """Once it is taken, PUBLIC_URL names it, but where that is set."""
    left_open = good(BIND="[::1]:0").bound_to(5000)
    public = good(BIND="0.0.0.0:0", PUBLIC_URL="https://press.example").bound_to(5000)

    assert (left_open.bind_port, left_open.public_url) == (5000, "http://[::1]:5000")
    assert (public.bind, public.public_url) == ("0.0.0.0:5000", "https://press.example")


def test_every_setting_is_documented() -> None:
    """Each has a row in the table of `docs/operating.md`, and no row is of another."""
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)

    assert sorted(rows) == sorted(name.upper() for name in NAMES)
