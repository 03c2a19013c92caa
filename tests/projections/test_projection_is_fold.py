"""Projection == fold(events): what commands wrote beside the log is what the log alone gives."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta, timezone
from itertools import pairwise
from typing import Any, Self, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from commands.accounts import Registration, change_account, register
from commands.aggregate import Loaded, Step
from commands.handle import Caller
from commands.outcomes import Created
from commands.post_history import at_version
from commands.posts import PostChange, change_post, create_post, posts, publish_due
from commands.posts import Posts as PostAggregate
from domain import account, post
from domain.account_decisions import (
    AccountCommand,
    ChangeRoles,
    Disable,
    Enable,
    EnableSecondFactor,
    EndSessions,
    Erase,
    RemoveSecondFactor,
)
from domain.post import Category, Post, PostEvent, Renamed
from domain.post_decisions import (
    Archive,
    Create,
    Delete,
    DropFiles,
    Edit,
    LiftHold,
    PlaceHold,
    PostCommand,
    Publish,
    PublishDue,
    Restore,
    Revert,
    Schedule,
    Unpublish,
)
from domain.stream import Actor, Role, Stream
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.store.codec import Codec
from infra.store.verify import verify
from projections.accounts import ACCOUNTS
from projections.accounts import fold as fold_account
from projections.posts import FORMER_SLUGS, POSTS, PostView
from projections.posts import fold as fold_post
from projections.write import Put, Rendered, last_of_each_key
from tests.domain.test_post_properties import BEGINNINGS, EVENTS
from tests.support.accounts import random_keys
from tests.support.given import ID, NOW, START
from tests.support.log import connected
from tests.support.rewind import Rewind
from tests.support.services import Databases

ADMIN = Actor(ID, frozenset({Role.ADMIN}))
EMAILS = ("ada@example.org", "grace@example.org")
TABLES = (POSTS, FORMER_SLUGS, ACCOUNTS)

Rows = dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]]


class Register(msgspec.Struct, frozen=True):
    """Open an account."""

    email: str


class Change(msgspec.Struct, frozen=True):
    """Send a command to one of the posts, or one of the accounts, that there are by now."""

    which: int
    command: PostCommand | AccountCommand


Action = Create | Register | Change


def create(slug: str) -> Create:
    """Ask for a post with a slug."""
    return Create(ID, ID, "One", "One", Category.TECH, slug)


BEGINNING = [create("one"), create("two"), Register(EMAILS[0])]

FILES = [UUID(int=number) for number in range(1, 4)]
SLUGS = ("one", "two", "three", "four", "five")
LATER = NOW + timedelta(minutes=30)

# Drawn from a list, so that each is as likely as it stands there often: rare ones stay rare, and a
# hold, which blocks all else, is lifted more often than placed.
ACCOUNT_COMMANDS: list[AccountCommand] = [
    Disable(),
    Enable(),
    ChangeRoles(frozenset({Role.ADMIN, Role.AUTHOR})),
    EndSessions(),
    EnableSecondFactor(),
    RemoveSecondFactor(enforced=True),
    Erase(),
]
COMMANDS: list[PostCommand | AccountCommand] = [
    *(Edit(slug=slug) for slug in SLUGS),
    *(Edit(slug=slug, title=slug, publish_at=LATER) for slug in SLUGS),
    *(Edit(title=text, content=text) for text in ("One", "你好", "\x00 and \U0001f600")),
    Edit(category=Category.SECURITY, publish_at=None),
    Edit(cover_image=FILES[0], attachments=tuple(FILES[1:])),
    Edit(cover_image=None, attachments=tuple(FILES[:2]), title="Files"),
    DropFiles(frozenset(FILES[:1])),
    Publish(),
    Publish(),
    PublishDue(),
    Unpublish(),
    Unpublish(),
    Schedule(LATER),
    Schedule(LATER.astimezone(timezone(timedelta(hours=2))) + timedelta(microseconds=1)),
    Archive(),
    Delete(),
    Delete(),
    Restore(),
    Restore(),
    *(Revert(version, None) for version in (1, 2, 3)),
    PlaceHold("Order", "urn:court:1"),
    *(LiftHold(), LiftHold()),
    *ACCOUNT_COMMANDS,
]
ACTIONS: list[Action] = [
    *(Change(which, command) for which in range(3) for command in COMMANDS),
    *(create(slug) for slug in SLUGS),
    *(Register(email) for email in EMAILS),
]
ROUNDS = st.lists(
    st.tuples(st.integers(-5, 10), st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=5)),
    min_size=15,
    max_size=30,
).map(lambda rounds: [(0, BEGINNING), *rounds])
"""What is asked at the same moment, and how many minutes each round comes after the one before."""


RENAMES: st.SearchStrategy[PostEvent] = st.sampled_from([Renamed("one"), Renamed("two")])


class WatchedView(PostView):
    """The posts' view, held against the fold whenever a command uses it."""

    def render(self, state: Post, steps: Sequence[Any]) -> Rendered:
        """Render, and compare."""
        rendered = super().render(state, steps)
        assert rendered.puts == compacted(steps)
        return rendered


def compacted(steps: Sequence[Any]) -> list[Put]:
    """Fold event by event, and keep what is left in the end."""
    return last_of_each_key(
        put for step in steps for put in fold_post(step.before, step.event, step.after)
    )


class Images:
    """Says of any file that it is an image of the author's that never changed."""

    version, owner_id, mime, deleted = 1, ID, "image/png", False

    async def heads(self, ids: Sequence[UUID]) -> dict[UUID, Self]:
        """Find them."""
        return dict.fromkeys(ids, self)


class Shell:
    """Sends commands through the product, several at the same moment."""

    def __init__(self, product: Product, aggregate: PostAggregate) -> None:
        self._product = product
        self._posts = aggregate
        self._people = [product.ledger.new_id()]
        self._ids = [product.ledger.new_id()]
        self._at = NOW

    async def send(self, minutes: int, actions: Sequence[Action]) -> None:
        """Send all of them at once, and wait for all outcomes; any outcome will do."""
        self._at += timedelta(minutes=minutes)
        await asyncio.gather(*map(self._send, actions))

    async def _send(self, action: Action) -> None:
        caller = Caller(ADMIN, self._at, type(action).__name__)
        product = self._product
        match action:
            case Create():
                post_id = product.ledger.new_id()
                command = msgspec.structs.replace(action, post_id=post_id)
                made = await create_post(product.ledger, self._posts, Images(), caller, command)
                if isinstance(made, Created):
                    self._ids.append(post_id)
            case Register(email):
                person = Registration(product.ledger.new_id(), email, None, frozenset(), "none")
                if isinstance(await register(product.accounts, caller, person), Created):
                    self._people.append(person.account_id)
            case Change(which, command) if isinstance(command, get_args(AccountCommand)):
                person_id = self._people[which % len(self._people)]
                await change_account(product.accounts, caller, person_id, command)
            case Change(which, command):
                await self._change(caller, which, command)

    async def _change(self, caller: Caller, which: int, command: Any) -> None:  # noqa: ANN401 - a PostCommand
        product, post_id = self._product, self._ids[-1 - which % len(self._ids)]
        if isinstance(command, PublishDue):
            await publish_due(product.ledger, self._posts, post_id, self._at)
            return

        async def wish(_: Loaded[Post]) -> PostCommand:
            if isinstance(command, Revert):
                version = command.to_version
                snapshot = await at_version(product.store, post_id, version) if version else None
                return Revert(version, snapshot)
            sent: PostCommand = command
            return sent

        wanted = PostChange(type(command), wish, lambda: None)
        await change_post(product.ledger, self._posts, Images(), caller, post_id, wanted)


async def folded(product: Product) -> tuple[Rows, set[tuple[str, str, Any]]]:
    """Give the rows and the claims that the log alone gives, read from its beginning."""
    rows: Rows = {}
    states: dict[Stream, Any] = {}
    async for page in product.log.recorded():
        for recorded in page:
            stream, before = recorded.stream, states.get(recorded.stream)
            of_posts = stream.category == "post"
            evolve: Any = post.evolve if of_posts else account.evolve
            after = states[stream] = evolve(
                before, recorded.event, id=stream.id, version=recorded.version, at=recorded.at
            )
            event: Any = recorded.event
            puts = fold_post(before, event, after) if of_posts else fold_account(after)
            rows |= {(put.table.name, put.row[: put.table.key_columns]): put.row for put in puts}
    held = {
        (*claim, stream.id)
        for stream, state in states.items()
        for claim in (post.claims if stream.category == "post" else account.claims)(state)
    }
    return rows, held


async def written(product: Product) -> tuple[Rows, set[tuple[str, str, Any]]]:
    """Read the rows and the claims that the commands wrote."""
    rows: Rows = {}
    for table in TABLES:
        query = f"select {', '.join(table.columns)} from {table.name}"  # noqa: S608 - our tables
        for row in await product.database.fetch(query):
            rows[table.name, tuple(row[: table.key_columns])] = tuple(row)
    claims = await product.database.fetch("select scope, key, owner_id from claims")
    return rows, {tuple(claim) for claim in claims}


@pytest.fixture(scope="module")
async def opened(databases: Databases) -> AsyncIterator[tuple[Product, Rewind]]:
    """Open the product once, and remember how empty its database is."""
    async with (
        databases.fresh() as url,
        connected(url) as owner,
        open_product(url, random_keys(), hashing=CHEAP) as product,
    ):
        yield product, await Rewind.remember(owner)


SWAPPED = [
    BEGINNING,
    [Change(1, Edit(slug="three", title="Two"))],
    [Change(0, Edit(slug="one")), Change(0, PlaceHold("Order", "urn:court:1"))],
    [Change(0, LiftHold()), Change(1, Edit(slug="two")), Change(1, Publish())],
    [Change(0, Delete()), create("one")],
    [Change(1, Restore()), Change(2, Revert(1, None))],
    [Change(0, Edit(slug="two")), Change(0, Edit(slug="three"))],
    [Change(0, Edit(slug="one")), Change(0, Edit(slug="three"))],
]


@given(rounds=ROUNDS)
@example(rounds=[(1, actions) for actions in SWAPPED])
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    # Finding a shorter history takes minutes; a long one within the time of a test says enough.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_what_is_written_is_what_the_log_gives(
    opened: tuple[Product, Rewind], rounds: list[tuple[int, list[Action]]]
) -> None:
    """After any commands, alone and at once, rows and claims equal a fold of the whole log."""
    product, database = opened
    await database.rewind()
    shell = Shell(product, posts(WatchedView()))
    for minutes, actions in rounds:
        await shell.send(minutes, actions)
    rows, claims = await folded(product)

    assert (rows, claims) == await written(product)
    assert (await verify(product.database, Codec(), lambda *_: None)).sound


@given(
    BEGINNINGS, st.lists(RENAMES | EVENTS, max_size=12), st.lists(st.integers(0, 13), max_size=4)
)
@settings(derandomize=True, deadline=None)
def test_appends_leave_what_their_events_would(
    beginning: PostEvent, rest: list[PostEvent], cuts: list[int]
) -> None:
    """However a history is cut into appends, each writes the last of each row of its events."""
    steps: list[Step[Post]] = []
    for version, event in enumerate([beginning, *rest], start=1):
        at = START + timedelta(minutes=version)
        before = steps[-1].after if steps else None
        after = post.evolve(before, event, id=ID, version=version, at=at)
        steps.append(Step(before, event, after, at))
    ends = sorted({0, len(steps), *(cut for cut in cuts if cut < len(steps))})

    for start, end in pairwise(ends):
        appended = steps[start:end]
        assert PostView().render(appended[-1].after, appended).puts == compacted(appended)
    assert PostView().render(steps[-1].after, []).puts == []
