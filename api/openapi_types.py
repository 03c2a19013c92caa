"""The schemas of all bodies and parameters in the OpenAPI document, from their Python types.

msgspec makes them; this file says what it leaves open and what generators of clients cannot read.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect

Json = dict[str, Any]


class Schemas:
    """The schemas of types; structs and enums are `components`, to which others refer."""

    def __init__(self, types: Iterable[Any]) -> None:
        types = list(types)
        found, self.components = msgspec.json.schema_components(
            types, ref_template="#/components/schemas/{name}"
        )
        for struct in _structs(types):
            self._say_which_are_times(struct)
        _make_plain(self.components)
        # A type that Python cannot hash, such as one with metadata, is known by its description.
        self._of = {repr(type_): schema for type_, schema in zip(types, found, strict=True)}

    def of(self, type_: object) -> Json:
        """Give the schema of a type, or the reference to it."""
        return self._of[repr(type_)]

    def _say_which_are_times(self, struct: inspect.StructType) -> None:
        """Give the members that are times their format: msgspec does so if an offset is required.

        The times that we send have one always.
        """
        members = self.components[struct.cls.__name__]["properties"]
        for field in struct.fields:
            parts = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
            if any(isinstance(part, inspect.DateTimeType) for part in parts):
                schema = members[field.encode_name]
                time = next(
                    part for part in schema.get("anyOf", [schema]) if part.get("type") == "string"
                )
                time["format"] = "date-time"


def _structs(types: Iterable[Any]) -> list[inspect.StructType]:
    """Find all structs in these types, each once."""
    found: dict[type, inspect.StructType] = {}

    def look(info: object) -> None:
        if isinstance(info, inspect.StructType):
            if info.cls in found:
                return
            found[info.cls] = info
            look([field.type for field in info.fields])
        elif isinstance(info, list | tuple):
            for part in info:
                look(part)
        elif isinstance(info, inspect.Type):
            look([getattr(info, name) for name in info.__struct_fields__])

    look(inspect.multi_type_info(types))
    return list(found.values())


def _make_plain(schema: object) -> None:
    """Describe tuples of one type as arrays, and leave out that what is absent is null.

    Generators of clients do not know `prefixItems`, and some take a member that has a default, be
    it null, for one that always has a value.
    """
    if isinstance(schema, dict):
        if schema.get("default", ...) is None:
            del schema["default"]
        first, *others = schema.get("prefixItems", [None])
        if first is not None and all(other == first for other in others):
            del schema["prefixItems"]
            schema["items"] = first
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            _make_plain(part)
