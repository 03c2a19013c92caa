"""`ledgerpress nginx`: print the configuration of nginx in front of the API."""

from collections.abc import Callable
from pathlib import Path

import rich_click as click

from infra.cli.common import WRONG_USE, Failure, read_settings
from infra.nginx.configuration import (
    EDGE_ERRORS,
    EVERYWHERE,
    NO_SUCH_RANGE,
    EdgeText,
    Front,
    nginx_configuration,
)
from infra.settings_values import host_of, parse_host, split_address

_HTTPS = "https://"
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_PORT = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--certificate", type=_FILE, required=True, help="The certificate with its chain, PEM."
)
@click.option("--key", type=_FILE, required=True, help="The private key of the certificate, PEM.")
@click.option(
    "--backend",
    "backends",
    multiple=True,
    metavar="HOST:PORT",
    help="Where a `ledgerpress serve` listens, once for each. Default: LEDGERPRESS_BIND.",
)
@click.option(
    "--server-name",
    "server_names",
    multiple=True,
    metavar="NAME",
    help="A name that is sent from HTTP to HTTPS. Default: the host of LEDGERPRESS_PUBLIC_URL.",
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="ADDRESS",
    help="Where to listen. Default: all addresses, IPv4 and IPv6.",
)
@click.option("--http-port", type=_PORT, default=80, show_default=True)
@click.option("--https-port", type=_PORT, default=443, show_default=True)
@click.option(
    "--user",
    metavar="NAME",
    help="As whom requests are served, where nginx starts as root. Default: www-data.",
)
@click.option(
    "--folder",
    type=_FOLDER,
    help="For logs and temporary files, where nginx does not run as a service of the system.",
)
@click.option(
    "--acme-folder", type=_FOLDER, help="What certbot calls the webroot: its proofs are served."
)
@click.option(
    "--keep-files",
    "keep_files_seconds",
    type=click.IntRange(0, 60),
    default=0,
    metavar="SECONDS",
    help="Show public files again for so long without asking whether they still are. "
    "Default: 0, ask each time.",
)
def nginx(  # noqa: PLR0913 - one for each option
    *,
    certificate: Path,
    key: Path,
    backends: tuple[str, ...],
    server_names: tuple[str, ...],
    addresses: tuple[str, ...],
    http_port: int,
    https_port: int,
    user: str | None,
    folder: Path | None,
    acme_folder: Path | None,
    keep_files_seconds: int,
) -> None:
    """Print an nginx.conf for TLS in front of the API: save it as /etc/nginx/nginx.conf.

    The address of the product and the limits of bodies are those of the settings, so run it with
    the environment of `ledgerpress serve`.
    """
    settings = read_settings()
    if not settings.public_url.startswith(_HTTPS):
        raise Failure(
            f"LEDGERPRESS_PUBLIC_URL is {settings.public_url}: behind nginx it is an address that "
            f"begins with {_HTTPS}",
            WRONG_USE,
        )
    front = Front(
        public_url=settings.public_url,
        server_names=tuple(_checked(parse_host, name) for name in server_names)
        or (host_of(settings.public_url),),
        backends=tuple(_checked(_backend, each) for each in backends or (settings.bind,)),
        certificate=certificate.absolute(),
        key=key.absolute(),
        addresses=tuple(_checked(parse_host, each) for each in addresses) or EVERYWHERE,
        http_port=http_port,
        https_port=https_port,
        user=_checked(parse_host, user or "www-data") if user or folder is None else None,
        folder=None if folder is None else folder.absolute(),
        acme_folder=None if acme_folder is None else acme_folder.absolute(),
        hsts_preload=settings.hsts_preload,
        keep_files_seconds=keep_files_seconds,
        max_body_bytes=settings.max_body_bytes,
        max_upload_bytes=settings.max_upload_bytes,
    )
    try:
        click.echo(nginx_configuration(front, edge_texts()), nl=False)
    except ValueError as error:
        raise Failure(str(error), WRONG_USE) from error
    if not settings.trusted_proxies:
        click.echo(
            "LEDGERPRESS_TRUSTED_PROXIES is empty: set it to the address that nginx calls "
            "`ledgerpress serve` from, such as 127.0.0.1",
            err=True,
        )


def edge_texts() -> dict[str, EdgeText]:
    """Give what the catalogue says of the errors that nginx answers itself."""
    from api.problem_catalogue import CATALOGUE  # noqa: PLC0415 - see processes.py

    return {
        each.error: EdgeText(CATALOGUE[each.error].title, CATALOGUE[each.error].meaning)
        for each in (*EDGE_ERRORS, NO_SUCH_RANGE)
    }


def _backend(text: str) -> str:
    host, port = split_address(text)
    if port == 0:
        raise ValueError(f"{text} has no port that nginx could call")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise Failure(f"{text!r} {error}", WRONG_USE) from error
