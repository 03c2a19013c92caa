"""Specifies the OpenAPI document: complete and valid. Whether it is true, all HTTP tests tell."""

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.openapi import openapi
from api.openapi_errors import EVERYWHERE
from api.operations import OPERATIONS
from api.problem_catalogue import CATALOGUE
from tests.http.routes import resources
from tests.support.openapi import described_operations, document, follow, routes


def test_it_is_valid() -> None:
    """The validator of the specification finds nothing."""
    errors = [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()]

    assert errors == []


def test_it_is_the_same_in_every_process() -> None:
    """The order of the routes, which differs from process to process, plays no part."""
    turned = openapi(reversed(routes()), "http://api.example")

    assert msgspec.json.encode(turned) == msgspec.json.encode(document())


def test_no_operation_is_forgotten() -> None:
    """Every method of every path is described, but for those said not to be, and no other."""
    served = {
        f"{method} {route.path_format}"
        for route in routes()
        for handler in route.route_handlers
        for method in handler.http_methods
        if handler.resolve_include_in_schema()
    }
    described = {f"{method} {path}" for method, path, _ in described_operations()}
    methods = {
        f"{method} {resource.template}"
        for resource in resources()
        if not resource.template.startswith("/docs")
        for method in resource.methods - {"HEAD", "OPTIONS"}
    }

    assert described == served == methods == OPERATIONS.keys()


def test_names_are_unique_and_sentences_are_there() -> None:
    """Each operation has an id of its own, a summary, a description; so has each parameter."""
    ids = [operation["operationId"] for _, _, operation in described_operations()]

    assert len(set(ids)) == len(ids)
    for _, path, operation in described_operations():
        in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert all(each["description"].endswith(".") for each in operation["parameters"])
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_groups_are_explained() -> None:
    """Each tag that an operation has is described, and no other."""
    used = {tag for _, _, operation in described_operations() for tag in operation["tags"]}

    assert used == {tag["name"] for tag in document()["tags"]}


def test_every_component_is_used() -> None:
    """Nothing is described that no operation refers to."""
    text = str(document())
    for kind in ("schemas", "responses", "headers"):
        unused = [
            name
            for name in document()["components"][kind]
            if f"'#/components/{kind}/{name}'" not in text
        ]
        assert unused == [], kind


def test_errors_stand_under_their_status() -> None:
    """A response of a status names errors of that status, each with an example."""
    for _, _, operation in described_operations():
        for status, reference in operation["responses"].items():
            response = follow(reference)
            problems = response.get("content", {}).get("application/problem+json")
            if problems is not None and status != "default":
                errors = problems["schema"]["properties"]["error"]["enum"]
                assert {CATALOGUE[error].status for error in errors} == {int(status)}
                assert list(problems["examples"]) == errors
    assert {CATALOGUE[error].status for error in EVERYWHERE}.isdisjoint({401, 403, 409, 412})


@pytest.mark.parametrize("error", CATALOGUE)
def test_examples_of_errors_fit_their_schema(error: str) -> None:
    """The example of each error is a problem as the schema has it."""
    value = document()["components"]["examples"][error]["value"]
    problem = {"$ref": "#/components/schemas/Problem", "components": document()["components"]}
    validator = Draft202012Validator(problem, validate_formats=True)

    assert validator.is_valid(value)
    assert value["error"] == error
