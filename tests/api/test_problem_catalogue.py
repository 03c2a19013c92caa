"""Specifies the table of errors."""

import re
from http import HTTPStatus

import pytest

from api.problem_catalogue import CATALOGUE


@pytest.mark.parametrize("error", CATALOGUE)
def test_every_row_is_complete(error: str) -> None:
    """A stable code, an error status, sentences for a client, and where it is defined."""
    problem = CATALOGUE[error]

    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error)
    assert HTTPStatus(problem.status).value == problem.status >= 400
    assert problem.title[0].isupper()
    assert not problem.title.endswith(".")
    assert problem.meaning.endswith(".")
    assert problem.remedy.endswith(".")
    assert re.search(r"Guide \d|RFC \d+, section \d|HTTP contract, \d", problem.reference)


def test_titles_tell_errors_apart() -> None:
    """A title is that of one error (RFC 9457, section 3.1.3)."""
    titles = [problem.title for problem in CATALOGUE.values()]

    assert len(set(titles)) == len(titles)


def test_the_guide_s_codes_have_their_statuses() -> None:
    """The codes that the guide names keep its statuses."""
    of_guide = {
        "invalid_body": 400,
        "publish_at_in_past": 422,
        "slug_already_exists": 409,
        "post_not_found": 404,
        "forbidden": 403,
        "stale_version": 412,
        "internal_error": 500,
        "service_degraded": 503,
    }

    assert {error: CATALOGUE[error].status for error in of_guide} == of_guide
