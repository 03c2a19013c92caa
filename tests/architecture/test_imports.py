"""Holds the direction of imports: the table of the house, read off the code itself."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "commands", "projections", "api", "workers", "infra")

# What a folder may import of ours, and beyond the standard library.
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    "domain": ({"domain"}, {"msgspec"}),
    "commands": ({"domain", "commands"}, {"msgspec"}),
    "projections": ({"domain", "projections"}, {"msgspec"}),
    "api": (
        {"domain", "commands", "projections", "api"},
        {"http_sf", "litestar", "msgspec", "multipart", "prometheus_client", "structlog"},
    ),
    "workers": ({"domain", "commands", "projections", "workers"}, {"msgspec", "structlog"}),
}
# Adapters know the ports and what projections write; these put everything together.
ADAPTERS_MAY_IMPORT = {"domain", "commands", "projections", "infra"}
COMPOSITION = (
    "infra/api_services.py",
    "infra/bootstrap.py",
    "infra/cli/",
    "infra/demo.py",
    "infra/dev.py",
    "infra/serve.py",
)

# Modules of the standard library that do what these folders must not.
NO_IO = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess"}
NO_IO |= {"tempfile", "threading", "time", "urllib", "http", "sys", "sqlite3", "shutil"}
FORBIDDEN_OF_STDLIB = {"domain": NO_IO, "commands": NO_IO}

MAX_LINES = 500


def files(*folders: str) -> list[Path]:
    """List our Python files."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def named(path: Path) -> str:
    """Name a file as the table does."""
    return path.relative_to(ROOT).as_posix()


@cache
def read(path: Path) -> tuple[set[str], str | None]:
    """Give the top-level names that a file imports, wherever in it, and what it says of itself."""
    found = set[str]()
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)} imports relatively"
            found.add((node.module or "").partition(".")[0])
    return found, ast.get_docstring(tree)


def imports(path: Path) -> set[str]:
    """Give the top-level names that a file imports."""
    return read(path)[0]


@pytest.mark.parametrize("path", files(*MAY_IMPORT), ids=named)
def test_a_folder_imports_what_the_table_allows(path: Path) -> None:
    """Domain knows nothing but itself; nobody outside infra knows infra."""
    folder = named(path).partition("/")[0]
    ours, others = MAY_IMPORT[folder]
    imported = imports(path)

    assert imported & set(PACKAGES) <= ours
    assert imported - set(PACKAGES) - sys.stdlib_module_names <= others
    assert not imported & FORBIDDEN_OF_STDLIB.get(folder, set())


@pytest.mark.parametrize("path", files("infra"), ids=named)
def test_only_the_composition_root_imports_everything(path: Path) -> None:
    """Adapters know ports, not endpoints or workers."""
    if not named(path).startswith(COMPOSITION):
        assert imports(path) & set(PACKAGES) <= ADAPTERS_MAY_IMPORT


def test_one_folder_talks_to_the_database() -> None:
    """The drivers are for infra alone."""
    drivers = {"asyncpg", "sqlalchemy", "alembic", "nats", "redis"}
    talking = {named(path) for path in files(*PACKAGES) if imports(path) & drivers}

    assert talking
    assert {name.partition("/")[0] for name in talking} == {"infra"}


def test_nothing_of_ours_imports_the_tests() -> None:
    """The product stands without them."""
    assert not [named(path) for path in files(*PACKAGES) if "tests" in imports(path)]


def test_every_folder_is_in_the_table() -> None:
    """A new top-level package needs a row."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages == {*PACKAGES, "tests"}


@pytest.mark.parametrize("path", files(*PACKAGES, "tests"), ids=named)
def test_a_file_stays_readable(path: Path) -> None:
    """Over 500 lines two rooms share one wall; every module says what may live in it."""
    text = path.read_text("utf-8")

    assert text.count("\n") <= MAX_LINES
    if path.name != "__init__.py":
        assert read(path)[1]
