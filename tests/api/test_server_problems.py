"""Holds the errors of the HTTP server, and of all other code, against the catalogue."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.problem_catalogue import CATALOGUE
from api.server_problems import server_problem_body
from infra.http_server.problems import default_problem_body

ROOT = Path(__file__).parents[2]


def sources(*folders: str) -> Iterator[Path]:
    """List the modules of some folders."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def faults() -> list[tuple[int, str]]:
    """List status and error of every fault that the server can answer with."""
    calls = (
        node.args
        for path in sources("infra/http_server")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Fault"
    )
    return sorted({(ast.literal_eval(args[0]), ast.literal_eval(args[1])) for args in calls})


def test_there_are_faults() -> None:
    """The search below finds what it looks for."""
    assert (400, "malformed_request") in faults()


@pytest.mark.parametrize(("status", "error"), faults())
def test_the_server_s_errors_are_in_the_catalogue(status: int, error: str) -> None:
    """Each has its row, with the same status."""
    assert CATALOGUE[error].status == status


def test_the_server_s_problems_look_like_all_others() -> None:
    """They have the members of the server's own form, and the catalogue's title and address."""
    arguments = (400, "malformed_request", "Lines must end in CR LF.", "/posts", "id")
    ours = json.loads(server_problem_body("http://api.example")(*arguments))
    plain = json.loads(default_problem_body(*arguments))

    assert ours == plain | {
        "type": "http://api.example/problems/malformed_request",
        "title": CATALOGUE["malformed_request"].title,
    }
