"""Holds the codes of errors and the problem catalogue against each other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.problem_catalogue import CATALOGUE
from tests.architecture.test_imports import files, named

CODE = re.compile(r"[a-z]+(_[a-z]+)+|forbidden|gone|draining|overloaded|contended|maintenance")

# Calls whose first argument, or whose argument `error`, is the code of an error.
NAMES_AN_ERROR: dict[str, int] = {
    "BodyTooLarge": 1,
    "CredentialsRefused": 0,
    "EdgeError": 0,
    "Fault": 1,
    "FileTypeRefused": 0,
    "Forbidden": 1,
    "InsufficientStorage": 0,
    "Malformed": 0,
    "PasswordFault": 0,
    "Gone": 0,
    "NotFound": 0,
    "RejectedByState": 0,
    "RejectedByValue": 0,
    "TooMany": 0,
    "Unavailable": 0,
    "problem": 1,
}


def _codes(path: Path) -> Iterator[tuple[str, int]]:
    """Give the codes that a file answers with, and their lines."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.AnnAssign(ast.Name("error"), value=ast.Constant(str() as default)):
                yield default, node.lineno
            case _:
                pass
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        place = NAMES_AN_ERROR.get(node.func.id)
        if place is None:
            continue
        given = [word.value for word in node.keywords if word.arg == "error"]
        given += node.args[place : place + 1]
        for value in given:
            for part in ast.walk(value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value, part.lineno


def _used() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in files(
        "domain", "commands", "api", "infra/http_server", "infra/identity", "infra/nginx"
    ):
        for code, line in _codes(path):
            found.setdefault(code, f"{named(path)}:{line}")
    return found


USED = _used()


def test_errors_are_found() -> None:
    """The search sees the codes of every folder that names one."""
    assert len(USED) > 30
    assert {place.partition("/")[0] for place in USED.values()} == {
        "api",
        "commands",
        "domain",
        "infra",
    }


@pytest.mark.parametrize("code", sorted(USED))
def test_every_code_is_in_the_catalogue(code: str) -> None:
    """A code that a client can meet has a page that explains it."""
    assert code in CATALOGUE, USED[code]


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_row_of_the_catalogue_is_used(code: str) -> None:
    """A row whose code nothing answers with is a promise that nobody keeps."""
    assert code in USED
