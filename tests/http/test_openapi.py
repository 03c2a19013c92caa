"""Specifies how the OpenAPI document is served; the tests' client holds every answer against it."""

from tests.support.http import fields, problem
from tests.support.openapi import document
from tests.support.product import Api


async def test_it_is_served(api: Api) -> None:
    """The document that is served is the one that is tested here, with a tag."""
    answer = await api.anonymous.get("/openapi.json")
    tag = answer.headers["etag"]
    again = await api.anonymous.get("/openapi.json", headers={"If-None-Match": tag})
    served = answer.json()

    assert served["paths"] == document()["paths"]
    assert fields(answer) == {
        "content-type": "application/json",
        "etag": tag,
        "cache-control": "public, max-age=3600",
    }
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    problem(
        await api.anonymous.get("/openapi.json", headers={"Accept": "text/html"}),
        406,
        "not_acceptable",
    )
