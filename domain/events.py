"""Every event there is, so that the log can be decoded without knowing whose events they are.

A new aggregate joins its union to `Event`; everything else here follows from it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from domain.account import AccountEvent
from domain.clicks import ClicksEvent
from domain.file import FileEvent
from domain.job import JobEvent
from domain.post import PostEvent
from domain.projection import ProjectionEvent
from domain.redirect import RedirectEvent
from domain.stored_event import StoredEvent
from domain.webhook import WebhookEvent

Event = (
    PostEvent
    | AccountEvent
    | ProjectionEvent
    | FileEvent
    | JobEvent
    | ClicksEvent
    | RedirectEvent
    | WebhookEvent
)


def _by_tag() -> dict[str, type[StoredEvent]]:
    return {event.__struct_config__.tag: event for event in get_args(Event)}


TAGS: Mapping[str, type[StoredEvent]] = MappingProxyType(_by_tag())
"""The class of each event by its tag, as it stands in the log's `type` column."""
