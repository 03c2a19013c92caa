"""The links of the OpenAPI document lead from operations that are there to others that are."""

import re
from typing import Any

import pytest

from api.operation_links import FOLLOWING, LINKS, Link
from tests.support.openapi import described_operations, document, follow
from tests.support.openapi_check import JSON

BY_ID = {operation["operationId"]: operation for _, _, operation in described_operations()}
RUNTIME = re.compile(r"\$(request\.path|response\.header|response\.body#)[./](.+)")
STEPS = [
    pytest.param(operation, status, LINKS[name], id=f"{operation} {status} {name}")
    for (operation, status), names in FOLLOWING.items()
    for name in names
]


def parameters_of(operation: str) -> dict[str, JSON]:
    """Give an operation's parameters by their names."""
    return {each["name"]: each for each in BY_ID[operation]["parameters"]}


def has_member(schema: JSON, pointer: str) -> bool:
    """Tell whether a schema has what a JSON pointer leads to."""
    at: Any = follow(schema)
    for step in pointer.split("/"):
        at = at.get("items") if step.isdigit() else at.get("properties", {}).get(step)
        if at is None:
            return False
        at = follow(at)
    return True


def test_every_link_follows_something() -> None:
    """No link is described that no answer has, and none stands where the document has nothing."""
    shown = {
        (operation["operationId"], int(status))
        for _, _, operation in described_operations()
        for status, response in operation["responses"].items()
        if "links" in response
    }

    assert {name for names in FOLLOWING.values() for name in names} == LINKS.keys()
    assert shown == FOLLOWING.keys()
    assert document()["components"]["links"].keys() == LINKS.keys()


@pytest.mark.parametrize("name", LINKS)
def test_links_lead_to_operations(name: str) -> None:
    """The operation is there, has each parameter, and gets all that its path needs."""
    link = LINKS[name]
    parameters = parameters_of(link.to)
    in_path = {each for each, one in parameters.items() if one["in"] == "path"}

    assert link.parameters.keys() <= parameters.keys()
    assert in_path <= link.parameters.keys()
    assert link.description.endswith(".")


@pytest.mark.parametrize(("operation", "status", "link"), STEPS)
def test_values_come_from_the_answer(operation: str, status: int, link: Link) -> None:
    """What a parameter is taken from is in the answer, or in the path that was asked."""
    response = follow(BY_ID[operation]["responses"][str(status)])
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    for value in link.parameters.values():
        if not value.startswith("$"):
            continue
        runtime = RUNTIME.fullmatch(value)

        assert runtime is not None, value
        match runtime[1]:
            case "request.path":
                assert runtime[2] in parameters_of(operation)
            case "response.header":
                assert runtime[2] in response["headers"]
            case _:
                assert has_member(schema, runtime[2])
