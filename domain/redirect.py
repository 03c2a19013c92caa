"""A managed redirect's history: its stream, its events, its state, and what may be done to it.

To add an event: its class and its place in `RedirectEvent`, its row in `evolve`, the decision that
emits it, and a golden file. The stored names are a format (see `domain/stored_event.py`).
"""

from datetime import datetime
from typing import Any, Literal, assert_never
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.claim import Claim
from domain.refusal import Refusal, RejectedByState, RejectedByValue
from domain.stored_event import StoredEvent
from domain.web_path import path_of

STREAM_CATEGORY = "redirect"
PATH_SCOPE = "redirect.path"

Status = Literal[301, 302, 303, 307, 308]


class Created(StoredEvent, frozen=True, tag="redirect.created.v1"):
    """A path leads to another place since."""

    path: str
    target: str
    status: Status
    active_from: datetime | None = None
    active_until: datetime | None = None


class Edited(StoredEvent, frozen=True, tag="redirect.edited.v1"):
    """It changed; only what changed is set."""

    path: str | UnsetType = UNSET
    target: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    active_from: datetime | UnsetType | None = UNSET
    active_until: datetime | UnsetType | None = UNSET


class Deleted(StoredEvent, frozen=True, tag="redirect.deleted.v1"):
    """The path leads nowhere any more."""


RedirectEvent = Created | Edited | Deleted


class Redirect(Struct, frozen=True, gc=False):
    """A redirect as it stands at one version of its stream."""

    id: UUID
    path: str
    """Where it stands, normalised: see `domain/web_path.py`."""
    target: str
    """A path of ours, perhaps with a query, or an https address."""
    status: Status
    active_from: datetime | None
    active_until: datetime | None
    """Exclusive."""
    deleted: bool
    created_at: datetime
    updated_at: datetime
    version: int

    def active(self, now: datetime) -> bool:
        """Tell whether it leads anywhere at a time."""
        return active(self.active_from, self.active_until, now)


def active(since: datetime | None, until: datetime | None, now: datetime) -> bool:
    """Tell whether a moment lies in a window that may be open on either side."""
    return (since is None or since <= now) and (until is None or now < until)


def evolve(
    state: Redirect | None,
    event: RedirectEvent,
    *,
    id: UUID,  # noqa: A002 - spelled as in the state
    version: int,
    at: datetime,
) -> Redirect:
    """Give the state after an event. A history that does not begin with `Created` is damaged."""
    if isinstance(event, Created):
        return Redirect(
            id=id,
            path=event.path,
            target=event.target,
            status=event.status,
            active_from=event.active_from,
            active_until=event.active_until,
            deleted=False,
            created_at=at,
            updated_at=at,
            version=version,
        )
    if state is None:
        raise ValueError(f"the history of redirect {id} does not begin with its creation")
    after = replace(state, version=version, updated_at=at)
    match event:
        case Edited():
            return replace(after, **_set(event))
        case Deleted():
            return replace(after, deleted=True)
        case _:
            assert_never(event)


def claims(state: Redirect | None) -> frozenset[Claim]:
    """Give the names that it holds: its path, until it is deleted."""
    if state is None or state.deleted:
        return frozenset()
    return frozenset({Claim(PATH_SCOPE, state.path)})


class Surroundings(Struct, frozen=True):
    """What stands around a path and a target, as far as a decision needs it."""

    route: str | None = None
    """The route of the product that takes the path."""
    target_fault: str | None = None
    """Why the target cannot be led to, in a sentence."""
    target_path: str | None = None
    """The target's path, where it is one of ours."""
    leads_on_to: str | None = None
    """Where the target leads in turn, if another managed redirect stands there."""
    led_to_from: str | None = None
    """The path of another redirect that leads to the path."""


class Create(Struct, frozen=True):
    """Let a path lead to another place. Path and target are normalised."""

    path: str
    target: str
    status: Status
    active_from: datetime | None
    active_until: datetime | None
    around: Surroundings


class Edit(Struct, frozen=True):
    """Change the members that are set and leave the others alone."""

    path: str | UnsetType = UNSET
    target: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    active_from: datetime | UnsetType | None = UNSET
    active_until: datetime | UnsetType | None = UNSET
    around: Surroundings = Surroundings()
    """What stands around path and target as they will be."""


class Delete(Struct, frozen=True):
    """Let the path lead nowhere."""


RedirectCommand = Create | Edit | Delete


def decide(
    state: Redirect | None, command: RedirectCommand, *, now: datetime
) -> tuple[RedirectEvent, ...] | Refusal:
    """Decide a command; no events where it already is as asked."""
    del now  # windows may lie in the past: what was imported may be over
    match command:
        case Create():
            event = Created(
                command.path,
                command.target,
                command.status,
                command.active_from,
                command.active_until,
            )
            refused = _refused(command.path, command.around) or _window_fault(
                command.active_from, command.active_until
            )
            return refused or (event,)
        case Edit():
            assert state is not None  # noqa: S101 - only what exists is edited
            return _edit(state, command)
        case Delete():
            return () if state is None or state.deleted else (Deleted(),)
        case _:
            assert_never(command)


_PLACES = {"path", "target"}


def _edit(state: Redirect, command: Edit) -> tuple[RedirectEvent, ...] | Refusal:
    wanted = _set(command)
    wanted.pop("around", None)
    changed = {name: value for name, value in wanted.items() if getattr(state, name) != value}
    if not changed:
        return ()
    after = replace(state, **changed)
    misplaced = _refused(after.path, command.around) if changed.keys() & _PLACES else None
    refused = misplaced or _window_fault(after.active_from, after.active_until)
    return refused or (Edited(**changed),)


def _refused(path: str, around: Surroundings) -> Refusal | None:
    if around.route is not None:
        return RejectedByState(
            "path_is_a_route", "The product itself answers at this path.", around.route
        )
    if around.target_fault is not None:
        return RejectedByValue("target_not_allowed", f"target: {around.target_fault}", "target")
    if path in (around.target_path, path_of(around.leads_on_to or "")):
        return RejectedByState(
            "redirect_loop", "The redirect would lead back to its own path.", path
        )
    if around.leads_on_to is not None and around.target_path is not None:
        return RejectedByState(
            "redirect_chain",
            f"The target is redirected itself; lead to {around.leads_on_to} at once.",
            around.target_path,
        )
    if around.led_to_from is not None:
        return RejectedByState(
            "redirect_chain",
            "Another redirect leads to this path; let that one lead to the target first.",
            around.led_to_from,
        )
    return None


def _window_fault(since: datetime | None, until: datetime | None) -> RejectedByValue | None:
    if since is None or until is None or since < until:
        return None
    return RejectedByValue(
        "window_is_empty", "activeUntil: It must come after activeFrom.", "activeUntil"
    )


def _set(struct: Edited | Edit) -> dict[str, Any]:
    """Give the members that are set, each of the type that it has."""
    members = {name: getattr(struct, name) for name in struct.__struct_fields__}
    return {name: value for name, value in members.items() if value is not UNSET}
