"""Holds the table of status codes against the code that answers, and against the tests.

What is proven: the statuses that stand in the code as those of answers are exactly those that the
table lists as answered, for all parties together and for the HTTP server and nginx by themselves;
and each row names a test that exists and in which, or in whose tables of cases, the status stands.
What is not: that the code path is reached in the way that the row's sentence says. The named test,
which runs with all others, is there for that.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from api.problem_catalogue import CATALOGUE
from api.status_catalogue import STATUSES, By
from domain import redirect
from infra.nginx.configuration import EDGE_ERRORS
from tests.architecture.test_imports import ROOT, files

# Calls whose first argument is the status of an answer.
ANSWERS = {"Answer", "StreamedAnswer", "Fault", "Redirected"}
LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def _numbers(node: ast.AST) -> set[int]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and type(each.value) is int
    }


def _answered(path: Path) -> Iterator[int]:
    """Find the statuses that a file answers with."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in ANSWERS:
                yield from _numbers(first)
            case ast.Assign(targets=[ast.Name("status") | ast.Attribute(attr="status")]):
                yield from _numbers(node.value)
            case ast.Constant(bytes() as text):
                yield from map(int, LINE.findall(text))
            case _:
                pass


def _of(*folders: str) -> set[int]:
    return {code for path in files(*folders) for code in _answered(path) if 100 <= code < 600}


def _of_nginx() -> set[int]:
    text = (ROOT / "infra/nginx/nginx.conf").read_text("utf-8")
    return {int(code) for code in re.findall(r"\breturn (\d{3})\b", text)} | {
        error.status for error in EDGE_ERRORS
    }


def _listed(*parties: By) -> set[int]:
    return {row.code for row in STATUSES.values() if set(row.by) & set(parties)}


def test_what_is_answered_is_listed_and_the_other_way_round() -> None:
    """The endpoints, the catalogue of problems, the server and nginx, all together."""
    catalogue = {row.status for row in CATALOGUE.values()}
    redirects = set(get_args(redirect.Status))
    code = _of("api", "infra/http_server") | catalogue | redirects | _of_nginx()

    assert code - _listed(*By) == set()
    assert _listed(*By) - code == set()


def test_the_server_by_itself() -> None:
    """Before any endpoint hears of a request."""
    assert _of("infra/http_server") == _listed(By.SERVER)


def test_nginx_by_itself() -> None:
    """What its configuration returns, and the errors that it has pages for."""
    invites = {100}  # it invites bodies without being told to
    assert _of_nginx() | invites == _listed(By.PROXY)


@cache
def _module(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_bytes())


def _stand_in(module: ast.Module, node: ast.AST, seen: frozenset[str] = frozenset()) -> set[int]:
    """Give the numbers in a test, and in what it names of its own module."""
    found = _numbers(node)
    named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - seen
    for each in module.body:
        targets = each.targets if isinstance(each, ast.Assign) else ()
        targets = [each.target] if isinstance(each, ast.AnnAssign | ast.AugAssign) else targets
        if any(isinstance(target, ast.Name) and target.id in named for target in targets):
            found |= _stand_in(module, each, seen | named)
    return found


@pytest.mark.parametrize("code", sorted(_listed(*By)))
def test_a_status_is_proven_by_the_test_that_its_row_names(code: int) -> None:
    """It exists, and the status stands in it."""
    file, _, name = (STATUSES[code].test or "").partition("::")
    module = _module(file)
    tests = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]

    assert len(tests) == 1, f"{file} has no {name}"
    assert code in _stand_in(module, tests[0])


def test_what_is_never_answered_says_why() -> None:
    """And names no test, as there is nothing to prove."""
    never = [row for row in STATUSES.values() if not row.by]

    assert len(STATUSES) == 63
    assert all(row.where and row.test is None for row in never)
