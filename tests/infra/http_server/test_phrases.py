"""Specifies the names of statuses in status lines."""

import pytest

from infra.http_server.problems import PHRASES


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (201, b"Created"),
        (413, b"Content Too Large"),
        (414, b"URI Too Long"),
        (416, b"Range Not Satisfiable"),
        (422, b"Unprocessable Content"),
    ],
)
def test_a_status_has_the_name_of_rfc_9110(status: int, phrase: bytes) -> None:
    """Whatever the names were in the Python that runs it."""
    assert PHRASES[status] == phrase
