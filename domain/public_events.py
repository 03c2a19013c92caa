"""Which members of each event may leave the product: what subscribers outside get to see.

A new event needs its row in `PUBLIC`, which a test asks for; until then it is published without its
members. What a member must not be to stand here: sealed personal data, a hash or an id that leads
to a person or a session by another way than the account's id, the free text of somebody with power
(a reason may name people), or what only the product itself can use.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain import account, clicks, file, job, post, projection, redirect, webhook
from domain.events import TAGS
from domain.stored_event import StoredEvent

PUBLIC: Mapping[type[StoredEvent], tuple[str, ...]] = MappingProxyType(
    {
        post.Created: ("author_id", "title", "slug", "content", "category"),
        post.Edited: ("title", "content", "category"),
        post.FilesChanged: ("cover_image", "attachments"),
        post.Renamed: ("slug",),
        post.Scheduled: ("publish_at",),
        post.Unscheduled: (),
        post.Published: (),
        post.Unpublished: (),
        post.Archived: (),
        post.Deleted: (),
        post.Restored: (),
        post.Reverted: ("to_version", "title", "content", "category"),
        post.LegalHoldPlaced: ("blocked_by",),
        post.LegalHoldLifted: (),
        account.Registered: ("roles",),
        account.Disabled: (),
        account.Enabled: (),
        account.RolesChanged: ("roles",),
        account.PasswordChanged: ("by",),
        account.SessionEnded: ("by",),
        account.SessionsEnded: (),
        account.SecondFactorEnabled: (),
        account.SecondFactorRemoved: (),
        account.Erased: (),
        projection.Rebuilt: ("name", "generation", "position", "rows", "differing"),
        projection.Undone: ("name", "generation", "position"),
        projection.Skipped: ("name", "position"),
        file.Uploaded: ("owner_id", "digest", "size", "mime", "width", "height"),
        file.Previewed: (),
        file.Deleted: ("why",),
        job.Requested: ("kind", "owner_id"),
        job.Started: ("attempt",),
        job.Progressed: ("percent",),
        job.Completed: (),
        job.AttemptFailed: ("reason", "retry_at"),
        job.GivenBack: (),
        job.Failed: ("reason",),
        job.Cancelled: (),
        job.Retried: (),
        job.Expired: (),
        clicks.Counted: ("day", "counts"),
        redirect.Created: ("path", "target", "status", "active_from", "active_until"),
        redirect.Edited: ("path", "target", "status", "active_from", "active_until"),
        redirect.Deleted: (),
        webhook.Registered: ("event_types",),
        webhook.Edited: ("event_types",),
        webhook.Paused: (),
        webhook.Resumed: (),
        webhook.Disabled: ("reason",),
        webhook.SecretRotated: (),
        webhook.Rewound: ("after",),
        webhook.DeliveryReplayed: ("position",),
        webhook.Removed: (),
    }
)
"""The public members of each event, by their names in code."""

LARGE = frozenset({"content"})
"""Members that are left out of an event which would be too large for the broker with them."""


class PublicEvent(Struct, frozen=True):
    """An event in its public form."""

    form: type[Struct]
    """Its shape as JSON, with its tag as `type`; members in `LARGE` need not be there."""
    of: Callable[[StoredEvent], Struct]
    """Gives the public form of an event."""
    small: Callable[[StoredEvent], Struct]
    """The same without the members in `LARGE`."""
    large: tuple[str, ...]
    """Which of them there are, as they are spelled in JSON."""


def _public(event: type[StoredEvent]) -> PublicEvent:
    members = PUBLIC.get(event, ())
    form = _form(event, members)
    short = tuple(member for member in members if member not in LARGE)

    def shown(names: tuple[str, ...]) -> Callable[[StoredEvent], Struct]:
        return lambda stored: form(**{name: getattr(stored, name) for name in names})

    spelled = dict(zip(form.__struct_fields__, form.__struct_encode_fields__, strict=True))
    return PublicEvent(
        form,
        shown(members),
        shown(short),
        tuple(spelled[name] for name in members if name in LARGE),
    )


def _form(event: type[StoredEvent], members: tuple[str, ...]) -> type[Struct]:
    known = {field.name: field for field in msgspec.structs.fields(event)}
    fields: list[tuple[str, Any, Any]] = []
    for name in members:
        field = known[name]
        if name in LARGE:
            fields.append((name, field.type | UnsetType, UNSET))
        else:
            required = field.required or field.default is msgspec.NODEFAULT
            fields.append((name, field.type, msgspec.NODEFAULT if required else field.default))
    return msgspec.defstruct(
        event.__name__,
        fields,
        tag_field="type",
        tag=event.__struct_config__.tag,
        rename="camel",
        frozen=True,
        kw_only=True,
        namespace={"__doc__": event.__doc__},
    )


PUBLIC_EVENTS: Mapping[str, PublicEvent] = MappingProxyType(
    {tag: _public(event) for tag, event in TAGS.items()}
)
"""The public form of each event by its tag."""
