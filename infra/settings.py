"""Settings: every LEDGERPRESS_* variable, its check and its default.

A setting is added here and nowhere else: one field, with its doc line. What the environment says
becomes one frozen value or one `SettingsError`; nothing here connects, starts or creates anything.
"""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from infra.settings_values import (
    REDACTED,
    Network,
    check_mail_address,
    check_mail_url,
    check_public_url,
    check_url,
    host_of,
    is_public_name,
    parse_host,
    parse_network,
    parse_webhook_host,
    redact_url,
    split_address,
    split_list,
)

PREFIX = "LEDGERPRESS_"
MIB = 1024 * 1024
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound to
_SECRET_URLS = frozenset(
    {"database_url", "nats_url", "redis_url", "storage_url", "mail_url", "traces_url"}
)
_SECRETS = frozenset({"demo_password"})
_MAY_BE_EMPTY = frozenset({"trusted_proxies", "go_allowed_hosts", "webhook_allowed_hosts"})
_PRODUCTION_NEEDS = ("database_url", "nats_url", "redis_url", "mail_url", "secrets_dir")


ByteLimit = Annotated[int, Field(gt=0, le=1024 * 1024 * MIB)]


class SettingsError(msgspec.Struct, frozen=True):
    """A wrong or missing setting: the variable, and what is wrong with it."""

    variable: str
    reason: str

    def __str__(self) -> str:
        return f"{self.variable} {self.reason}"


class SettingRow(msgspec.Struct, frozen=True):
    """One line of `config show`: a variable, its value without secrets, where it came from."""

    variable: str
    value: str
    origin: Literal["environment", "file", "default"]


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(parse_host(item) for item in split_list(text))


def _webhook_hosts(text: str) -> tuple[str, ...]:
    return tuple(parse_webhook_host(item) for item in split_list(text))


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(parse_network(item) for item in split_list(text))


def _url(*schemes: str) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else check_url(text, schemes)


def _address(text: str) -> str:
    split_address(text)
    return text


def _optional_address(text: str | None) -> str | None:
    return None if text is None else _address(text)


def _password(text: str | None) -> str | None:
    if text is None:
        return None
    shortest, longest = 8, 1024
    if not shortest <= len(text.encode()) <= longest:
        raise ValueError(f"must have {shortest} to {longest} bytes")
    return text


def _default_public_url(known: dict[str, Any]) -> str:
    host, port = split_address(known["bind"])
    host = _ANY_HOST.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _default_allowed_hosts(known: dict[str, Any]) -> tuple[str, ...]:
    bound, _ = split_address(known["bind"])
    hosts = [host_of(known["public_url"]), "localhost", "127.0.0.1", "[::1]"]
    if bound not in _ANY_HOST:
        hosts.insert(1, f"[{bound}]" if ":" in bound else bound)
    return tuple(dict.fromkeys(hosts))


def _default_mail_url(known: dict[str, Any]) -> str:
    folder: Path = known["data_dir"]
    return (folder / "mail").absolute().as_uri()


def _default_mail_from(known: dict[str, Any]) -> str:
    host = host_of(known["public_url"])
    return f"ledgerpress@{host if is_public_name(host) else 'localhost'}"


class Settings(BaseSettings):
    """Everything an operator can set; a service URL that is None means an embedded service."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix=PREFIX, enable_decoding=False, validate_default=False
    )

    env: Literal["development", "production"] = "development"
    database_url: Annotated[str | None, AfterValidator(_url("postgresql", "postgres"))] = Field(
        default=None, repr=False
    )
    nats_url: Annotated[str | None, AfterValidator(_url("nats", "tls"))] = Field(
        default=None, repr=False
    )
    redis_url: Annotated[str | None, AfterValidator(_url("redis", "rediss", "unix"))] = Field(
        default=None, repr=False
    )
    storage_url: Annotated[str | None, AfterValidator(_url("file", "s3"))] = Field(
        default=None, repr=False
    )
    bind: Annotated[str, AfterValidator(_address)] = "127.0.0.1:8000"
    public_url: Annotated[str, AfterValidator(check_public_url)] = Field(
        default_factory=_default_public_url
    )
    data_dir: Path = Path(".ledgerpress")
    secrets_dir: Path = Field(default_factory=lambda known: known["data_dir"] / "secrets")
    mail_url: Annotated[str, AfterValidator(check_mail_url)] = Field(
        default_factory=_default_mail_url, repr=False
    )
    mail_from: Annotated[str, AfterValidator(check_mail_address)] = Field(
        default_factory=_default_mail_from
    )
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_hosts)] = Field(
        default_factory=_default_allowed_hosts
    )
    go_allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_hosts)] = ()
    webhook_allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_webhook_hosts)] = ()
    hsts_preload: bool = False
    max_upload_bytes: ByteLimit = 10 * MIB
    file_quota_bytes: ByteLimit = 1024 * MIB
    keep_unused_days: Annotated[int, Field(ge=0, le=3650)] = 30
    export_days: Annotated[int, Field(ge=1, le=366)] = 7
    max_body_bytes: ByteLimit = MIB
    second_factor: Literal["optional", "required"] = Field(
        default_factory=lambda known: "required" if known.get("env") == "production" else "optional"
    )
    metrics_bind: Annotated[str | None, AfterValidator(_optional_address)] = None
    traces_url: Annotated[str | None, AfterValidator(_url("http", "https"))] = Field(
        default=None, repr=False
    )
    traces_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    demo_password: Annotated[str | None, AfterValidator(_password)] = Field(
        default=None, repr=False
    )
    from_files: frozenset[str] = Field(default=frozenset(), repr=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from `load_settings`, so that a test's environment cannot leak in."""
        return (init_settings,)

    @property
    def production(self) -> bool:
        """Whether embedded services, generated secrets and demo accounts are refused."""
        return self.env == "production"

    @property
    def second_factor_enforced(self) -> bool:
        """Whether admins, auditors and operators are such only with a second factor."""
        return self.second_factor == "required"

    @property
    def bind_host(self) -> str:
        """The host part of BIND, without brackets."""
        return split_address(self.bind)[0]

    @property
    def bind_port(self) -> int:
        """The port part of BIND."""
        return split_address(self.bind)[1]

    def bound_to(self, port: int) -> "Settings":
        """Name the port that was taken, also in PUBLIC_URL, where BIND has left it open."""
        changed = {"bind": f"{self.bind.rpartition(':')[0]}:{port}"}
        if "public_url" not in self.model_fields_set:
            changed["public_url"] = _default_public_url(changed)
        return self.model_copy(update=changed)

    def rows(self) -> list[SettingRow]:
        """Every setting as text for `config show`, without passwords, tokens or keys."""
        return [
            SettingRow(_variable(name), self._shown(name), self._origin(name)) for name in NAMES
        ]

    def _shown(self, name: str) -> str:
        value = getattr(self, name)
        if value is None:
            return ""
        if name in _SECRETS:
            return REDACTED
        if name in _SECRET_URLS:
            return redact_url(value)
        if isinstance(value, tuple):
            return ",".join(str(item) for item in value)
        return str(value)

    def _origin(self, name: str) -> Literal["environment", "file", "default"]:
        if name in self.from_files:
            return "file"
        return "environment" if name in self.model_fields_set else "default"


NAMES = tuple(name for name in Settings.model_fields if name != "from_files")


def load_settings(env: Mapping[str, str]) -> Settings | SettingsError:
    """Check an environment and return its settings, or the first thing wrong with it.

    A URL or password that is not in the environment is read from a file of its name, such as
    `database_url`, in SECRETS_DIR where there is one.
    """
    ours = {name: value for name, value in env.items() if name.upper().startswith(PREFIX)}
    for name, value in ours.items():
        if error := _check_variable(name, value):
            return error
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in ours.items()}
    values = source()
    from_files = _read_files(values)
    if isinstance(from_files, SettingsError):
        return from_files
    try:
        settings = Settings.model_validate(
            {**values, **from_files, "from_files": frozenset(from_files)}
        )
    except ValidationError as error:
        return _explain(error)
    return _refuse_in_production(settings) or settings


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _check_variable(variable: str, value: str) -> SettingsError | None:
    known = [_variable(name) for name in NAMES]
    if variable not in known:
        # Compared without the prefix, which would make everything look alike.
        near = difflib.get_close_matches(variable[len(PREFIX) :].lower(), NAMES, n=1)
        hint = f"did you mean {_variable(near[0])}?" if near else f"known are {', '.join(known)}"
        return SettingsError(variable, f"is not a setting; {hint}")
    if not value.isprintable():
        return SettingsError(variable, "has a character that cannot be printed")
    if not value.strip() and variable.removeprefix(PREFIX).lower() not in _MAY_BE_EMPTY:
        return SettingsError(variable, "is empty; unset it to get its default")
    return None


def _read_files(values: Mapping[str, Any]) -> dict[str, str] | SettingsError:
    found: dict[str, str] = {}
    if "secrets_dir" not in values:
        return found
    for name in sorted((_SECRETS | _SECRET_URLS) - values.keys()):
        path = Path(values["secrets_dir"], name)
        try:
            found[name] = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            return SettingsError(_variable(name), f"cannot be read from {path}: {error}")
    return found


def _explain(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "value_error":
        return SettingsError(_variable(name), str(first["ctx"]["error"]))
    message = first["msg"]
    return SettingsError(
        _variable(name), f"is {first['input']!r}: {message[:1].lower()}{message[1:]}"
    )


def _refuse_in_production(settings: Settings) -> SettingsError | None:
    if not settings.production:
        return None
    for name in _PRODUCTION_NEEDS:
        if name not in settings.model_fields_set:
            return SettingsError(
                _variable(name), f"is missing: {_variable('env')}=production needs it set"
            )
    if settings.demo_password is not None:
        return SettingsError(
            _variable("demo_password"), "is set, but production has no demo accounts: unset it"
        )
    if settings.mail_url.startswith("file:"):
        return SettingsError(
            _variable("mail_url"), "is a folder, but production sends: use smtp://"
        )
    if "mail_from" not in settings.model_fields_set and not is_public_name(
        host_of(settings.public_url)
    ):
        return SettingsError(
            _variable("mail_from"),
            f"is missing: the host of {_variable('public_url')} is no name to send mail from",
        )
    return None
