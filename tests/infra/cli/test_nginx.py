"""Specifies `ledgerpress nginx`: what it takes from the settings, and what it refuses to print."""

import pytest

from infra.cli.main import exit_code

FILES = ["--certificate", "c.pem", "--key", "k.pem"]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGERPRESS_PUBLIC_URL", "https://posts.example")
    monkeypatch.setenv("LEDGERPRESS_BIND", "127.0.0.1:8123")
    monkeypatch.setenv("LEDGERPRESS_MAX_BODY_BYTES", "4096")


def test_the_settings_are_those_of_serve(capsys: pytest.CaptureFixture[str]) -> None:
    """The address, the backend and the limits need not be said again."""
    assert exit_code(["nginx", *FILES]) == 0

    printed, hint = capsys.readouterr()
    for line in (
        "user www-data;",
        "server 127.0.0.1:8123 max_fails=2 fail_timeout=5s;",
        "server_name posts.example;",
        "return 301 https://posts.example$request_uri;",
        "client_max_body_size 4096;",
        "listen 0.0.0.0:443 ssl http2 default_server;",
        "listen [::]:80;",
        "pid /run/nginx.pid;",
    ):
        assert f"{line}\n" in printed
    assert "acme" not in printed
    assert "proxy_cache" not in printed
    assert "%{" not in printed
    assert "LEDGERPRESS_TRUSTED_PROXIES is empty" in hint


def test_what_is_said_replaces_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several backends and names, other ports, a folder of one's own."""
    monkeypatch.setenv("LEDGERPRESS_TRUSTED_PROXIES", "127.0.0.1")
    arguments = (
        "--backend=10.0.0.1:8000 --backend=[::1]:8001 --server-name=a.example "
        "--server-name=b.example --address=127.0.0.1 --http-port=8080 --https-port=8443 "
        "--folder=/srv/nginx --acme-folder=/srv/acme --keep-files=5"
    )
    assert exit_code(["nginx", *FILES, *arguments.split()]) == 0

    printed, hint = capsys.readouterr()
    for line in (
        "server 10.0.0.1:8000 max_fails=2 fail_timeout=5s;",
        "server [::1]:8001 max_fails=2 fail_timeout=5s;",
        "server_name a.example b.example;",
        "listen 127.0.0.1:8443 ssl http2 default_server;",
        "pid '/srv/nginx/nginx.pid';",
        "root '/srv/acme';",
        "proxy_cache_path '/srv/nginx/files' levels=1:2 keys_zone=files:4m",
        "proxy_cache_valid 200 5s;",
    ):
        assert f"{line}\n" in printed
    assert "user " not in printed
    assert hint == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--backend", "x;"], "'x;' must be HOST:PORT"),
        (["--backend", "127.0.0.1:0"], "has no port that nginx could call"),
        (["--server-name", "a;b"], "not a host name"),
        (["--address", "a b"], "not a host name"),
        (["--user", "www;"], "not a host name"),
        (["--folder", "/srv/$x"], "nginx cannot be told"),
    ],
)
def test_what_nginx_would_misunderstand(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    """It is refused before anything is printed."""
    assert exit_code(["nginx", *FILES, *arguments]) == 2

    printed, said = capsys.readouterr()
    assert printed == ""
    assert reason in said


def test_an_address_without_tls(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who still publishes plain HTTP is told which setting to change."""
    monkeypatch.setenv("LEDGERPRESS_PUBLIC_URL", "http://127.0.0.1:8000")

    assert exit_code(["nginx", *FILES]) == 2
    assert "LEDGERPRESS_PUBLIC_URL is http://127.0.0.1:8000" in capsys.readouterr().err
