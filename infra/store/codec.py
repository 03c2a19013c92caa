"""Events as text: the exact JSON that is stored, and back.

Stored text never changes. When the form of an event does, its tag does too, and an upcaster turns
the old form into the next one on reading.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from domain.events import Event

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes an event of one tag as JSON and gives the same event under the next tag."""

UPCASTERS: Mapping[str, Upcaster] = {}
"""By the old tag. Every event still has its first form."""


class UnknownEventError(Exception):
    """The log holds an event that this version of the program does not know."""


class Codec:
    """Encodes new events; decodes stored ones into their newest form."""

    def __init__(self, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> None:
        self._upcasters = upcasters
        self._encode = msgspec.json.Encoder().encode
        self._decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)

    def encode(self, event: Event) -> str:
        """Give the text to store; it bears its own tag as `type`."""
        return self._encode(event).decode()

    def decode(self, tag: str, text: str) -> Event:
        """Read a stored event, through its upcasters where its tag is an old one."""
        try:
            if tag not in self._upcasters:
                return self._decoder.decode(text)
            document: dict[str, Any] = msgspec.json.decode(text)
            while upcast := self._upcasters.get(document["type"]):
                document = upcast(document)
            newest: Event = msgspec.convert(document, Event)
        except msgspec.ValidationError as error:
            raise UnknownEventError(f"cannot decode an event of type {tag}: {error}") from error
        return newest
