"""Creating and changing managed redirects, and following them."""

import re
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from commands.aggregate import Aggregate, Loaded, View
from commands.handle import Caller, Change, Ledger, Settled, Stop, change, create
from commands.links import Parse, judge_link
from commands.outcomes import (
    Changed,
    Created,
    Deleted,
    Malformed,
    NotFound,
    Outcome,
    Unchanged,
)
from commands.preconditions import NO_PRECONDITIONS, Preconditions
from domain import redirect
from domain.claim import Claim
from domain.redirect import (
    Create,
    Delete,
    Edit,
    Redirect,
    RedirectCommand,
    RedirectEvent,
    Status,
    Surroundings,
    decide,
)
from domain.refusal import Refusal, RejectedByState, RejectedByValue
from domain.web_path import normal_path, path_of

REDIRECT_NOT_FOUND = NotFound("redirect_not_found")
MOST_HOPS = 8
"""Redirects made at the same moment may lead on to each other; so many are followed at once."""

_QUERY_AND_FRAGMENT = re.compile(
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_LONGEST_TARGET = 2048

Aggregated = Aggregate[Redirect, RedirectCommand]
RouteAt = Callable[[str], str | None]
"""Gives the template of the product's route that takes a normalised path."""


class Way(Protocol):
    """Where a path leads."""

    @property
    def id(self) -> UUID:
        """Of the redirect."""
        ...

    @property
    def path(self) -> str:
        """Where it stands."""
        ...

    @property
    def target(self) -> str:
        """Where it leads."""
        ...

    @property
    def target_path(self) -> str | None:
        """The target's path, where it is one of ours."""
        ...

    @property
    def status(self) -> int:
        """With which status it leads there."""
        ...

    @property
    def active_until(self) -> datetime | None:
        """When it ends."""
        ...

    def active(self, now: datetime) -> bool:
        """Tell whether it leads there at a time."""
        ...


class Ways(Protocol):
    """Knows where paths lead, as of now."""

    async def at(self, path: str) -> Way | None:
        """Find where a normalised path leads, whatever the time."""
        ...

    async def leading_to(self, path: str) -> Sequence[Way]:
        """List redirects whose target is a path of ours: two are enough."""
        ...


class Redirects(msgspec.Struct, frozen=True):
    """What commands about redirects work with."""

    ledger: Ledger
    aggregate: Aggregated
    ways: Ways
    allowed_hosts: AbstractSet[str]
    """Of other places, where targets may be."""
    own_hosts: AbstractSet[str]
    """Under which the product answers; a target among them is written as a path."""
    parse: Parse


class NewRedirect(msgspec.Struct, frozen=True):
    """A redirect as it is asked for."""

    path: str
    target: str
    status: Status
    active_from: datetime | None = None
    active_until: datetime | None = None


class RedirectEdit(msgspec.Struct, frozen=True):
    """The members to change, as they are asked for."""

    path: str | UnsetType = UNSET
    target: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    active_from: datetime | UnsetType | None = UNSET
    active_until: datetime | UnsetType | None = UNSET


class RedirectChange(msgspec.Struct, frozen=True):
    """A request to change a redirect."""

    wish: Callable[[], Awaitable[RedirectEdit | Delete | Stop]]
    """Makes the command; asked once the preconditions hold."""
    check: Callable[[], Outcome | None]
    conditions: Preconditions = NO_PRECONDITIONS
    must_match: bool = False


def redirects(view: View[Redirect]) -> Aggregated:
    """Gather what the command loop needs to know of redirects."""
    return Aggregate(
        category=redirect.STREAM_CATEGORY,
        evolve=redirect.evolve,  # type: ignore[arg-type]  # a redirect's stream holds its events
        decide=_decide,
        claims=redirect.claims,
        claim_taken=_path_taken,
        view=view,
        weigh=lambda state: 1000 + len(state.path) + len(state.target),
    )


async def create_redirect(
    redirects: Redirects, route_at: RouteAt, caller: Caller, asked: NewRedirect
) -> Outcome:
    """Let a path lead to another place."""
    path = _path(asked.path)
    if isinstance(path, RejectedByValue):
        return path
    target, around = await _look_around(redirects, None, path, asked.target)
    around = msgspec.structs.replace(around, route=route_at(path))
    command = Create(path, target, asked.status, asked.active_from, asked.active_until, around)
    new_id = redirects.ledger.new_id()
    settled = await create(redirects.ledger, redirects.aggregate, new_id, command, caller)
    return Created(settled.resource) if isinstance(settled, Settled) else settled


async def change_redirect(
    redirects: Redirects,
    route_at: RouteAt,
    caller: Caller,
    redirect_id: UUID,
    asked: RedirectChange,
) -> Outcome:
    """Change a redirect, or delete it."""

    async def command(loaded: Loaded[Redirect]) -> RedirectCommand | Stop:
        assert loaded.state is not None  # noqa: S101 - only what exists is changed
        wanted = await asked.wish()
        if not isinstance(wanted, RedirectEdit):
            return wanted
        return await _edit(redirects, route_at, loaded.state, wanted)

    wanted: Change[Redirect, RedirectCommand] = Change(
        caller=caller,
        permit=lambda state: REDIRECT_NOT_FOUND if state.deleted else asked.check(),
        missing=REDIRECT_NOT_FOUND,
        command=command,
        conditions=asked.conditions,
        must_match=asked.must_match,
    )
    settled = await change(redirects.ledger, redirects.aggregate, redirect_id, wanted)
    if not isinstance(settled, Settled):
        return settled
    if settled.now.state is not None and settled.now.state.deleted:
        return Deleted()
    return Changed(settled.resource) if settled.appended else Unchanged(settled.resource)


async def where(redirects: Redirects, path: str, now: datetime) -> Sequence[Way]:
    """Follow a normalised path: the redirects on the way, the first one first; none for nowhere.

    A way that leads round in a circle, or to a host that is not allowed any more, leads nowhere.
    """
    passed: list[Way] = []
    at: str | None = path
    while at is not None and len(passed) <= MOST_HOPS:
        way = await redirects.ways.at(at)
        if way is None or not way.active(now):
            break
        passed.append(way)
        at = way.target_path
    else:
        if at is not None:
            return ()
    if passed and passed[-1].target_path is None:
        last = judge_link(passed[-1].target, redirects.allowed_hosts, redirects.parse)
        if isinstance(last, Malformed):
            return ()
    return passed


async def _edit(
    redirects: Redirects, route_at: RouteAt, state: Redirect, wanted: RedirectEdit
) -> Edit | Stop:
    path: str | UnsetType = UNSET
    if isinstance(wanted.path, str):
        normal = _path(wanted.path)
        if isinstance(normal, RejectedByValue):
            return Stop(normal)
        path = normal
    place = path if isinstance(path, str) else state.path
    target, around = await _look_around(
        redirects,
        state.id,
        place,
        wanted.target if isinstance(wanted.target, str) else state.target,
    )
    return Edit(
        path=path,
        target=target if isinstance(wanted.target, str) else UNSET,
        status=wanted.status,
        active_from=wanted.active_from,
        active_until=wanted.active_until,
        around=msgspec.structs.replace(around, route=route_at(place)),
    )


async def _look_around(
    redirects: Redirects, own_id: UUID | None, path: str, target: str
) -> tuple[str, Surroundings]:
    """Normalise a target, and find out what stands around path and target."""
    normal = _normal_target(redirects, target)
    if isinstance(normal, Malformed):
        return target, Surroundings(target_fault=normal.detail.partition(": ")[2])
    target_path = path_of(normal)
    onward = None if target_path is None else await redirects.ways.at(target_path)
    leading = [way for way in await redirects.ways.leading_to(path) if way.id != own_id]
    return normal, Surroundings(
        target_path=target_path,
        leads_on_to=None if onward is None or onward.id == own_id else onward.target,
        led_to_from=leading[0].path if leading else None,
    )


def _normal_target(redirects: Redirects, target: str) -> str | Malformed:
    if not target.startswith("/"):
        link = judge_link(target, redirects.allowed_hosts | redirects.own_hosts, redirects.parse)
        if isinstance(link, Malformed):
            return link
        if link.host in redirects.own_hosts:
            return Malformed("invalid_url", "url: It is an address of ours; write its path alone.")
        return link.address
    written = path_of(target) or ""
    path, rest = normal_path(written), target[len(written) :]
    if path is None or _QUERY_AND_FRAGMENT.fullmatch(rest) is None:
        return Malformed("invalid_url", "url: It is no path, or not percent-encoded.")
    if len(path) + len(rest) > _LONGEST_TARGET:
        return Malformed("invalid_url", f"url: It has more than {_LONGEST_TARGET} characters.")
    return path + rest


def _path(text: str) -> str | RejectedByValue:
    path = normal_path(text)
    if path is None:
        return RejectedByValue(
            "path_not_plain",
            "path: It must begin with one slash and have no query, no empty or dot segments, and "
            "no escaped slashes, backslashes, percent signs or control characters.",
            "path",
        )
    return path


def _decide(
    state: Redirect | None, command: RedirectCommand, now: datetime
) -> tuple[RedirectEvent, ...] | Refusal:
    return decide(state, command, now=now)


def _path_taken(claims: Sequence[Claim]) -> RejectedByState:
    return RejectedByState(
        error="redirect_already_exists",
        detail="Another redirect stands at this path.",
        collides_with=claims[0].key,
    )
