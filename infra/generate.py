"""Fills a development log with posts that look real: texts of 2 KB, edited, published, renamed.

Every event is decided by the rules of the domain and appended by the event store, with its claims
and its rows, in groups as large as the store takes. Only the request, the permission and the clock
are left out: the posts are spread over the last month, and nobody waits for an answer.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from commands.accounts import Registration, register
from commands.aggregate import Step
from commands.handle import Caller
from commands.identity import Busy
from commands.outcomes import Created
from commands.ports import Append, Appended, Metadata, NewEvent
from domain import post
from domain.post import Category, Post
from domain.post_decisions import Archive, Create, Delete, Edit, PostCommand, Publish, decide
from domain.refusal import Refusal
from domain.slug import slugify
from domain.stream import Role
from infra.bootstrap import Product
from infra.generated_texts import content, title
from projections.posts import PostView

AUTHORS = 12
SPREAD = timedelta(days=30)

_WRITERS = 2
"""While the database writes the group of one, the other makes its own."""
_ROUND = 128

# How likely it is that a draft is published at once, and that a post is come back to; then, that it
# is renamed, and that it is put away.
_PUBLISHED, _COME_BACK_TO, _RENAMED, _PUT_AWAY = 0.8, 0.5, 0.3, 0.1

_CATEGORIES = tuple(Category)
_VIEW = PostView()

Told = Callable[[int, int], None]
"""Told how many events there are, and how many there are to be."""


class _Open(msgspec.Struct, frozen=True):
    """A post and what is still to be done with it, an append at a time."""

    id: UUID
    state: Post | None
    steps: list[tuple[PostCommand, ...]]


async def generate(product: Product, events: int, now: datetime, told: Told) -> None:
    """Add posts until the log has so many events, and a few more at most."""
    head = await product.log.head()
    if head >= events:
        return
    authors = [await _author(product, number, now) for number in range(1, AUTHORS + 1)]
    run = _Run(product, authors, now, head, events, told)
    await asyncio.gather(*(run.write(seed) for seed in range(_WRITERS)))


class _Run:
    """What the writers share."""

    def __init__(
        self,
        product: Product,
        authors: Sequence[UUID],
        now: datetime,
        head: int,
        events: int,
        told: Told,
    ) -> None:
        self._product = product
        self._authors = authors
        self._begin = now - SPREAD
        self._pace = SPREAD / max(1, events - head)
        self._head = self._first = head
        self._events = events
        self._told = told

    async def write(self, seed: int) -> None:
        """Begin posts and go on with others, until there are enough events."""
        chance = random.Random(f"{seed} {self._first}")  # noqa: S311 - nothing here is a secret
        open_posts: list[_Open] = []
        while self._head < self._events:
            chance.shuffle(open_posts)
            going_on, open_posts = open_posts[: _ROUND // 2], open_posts[_ROUND // 2 :]
            new = [self._begun(chance) for _ in range(_ROUND - len(going_on))]
            done = await asyncio.gather(*map(self._append, [*going_on, *new]))
            open_posts += [each for each in done if each.steps]
            self._told(self._head, self._events)

    def _begun(self, chance: random.Random) -> _Open:
        post_id = self._product.ledger.new_id()
        text = title(chance)
        create = Create(
            post_id=post_id,
            author_id=chance.choice(self._authors),
            title=text,
            content=content(chance),
            category=chance.choice(_CATEGORIES),
            slug=_slug(text, post_id),
        )
        return _Open(post_id, None, _life(chance, create))

    async def _append(self, what: _Open) -> _Open:
        before, (commands, *rest) = what.state, what.steps
        at = self._begin + self._pace * (self._head - self._first)
        if before is not None:
            at = max(at, before.updated_at)
        steps = _decided(what.id, before, commands, at)
        after = steps[-1].after
        held, wanted = post.claims(before), post.claims(after)
        result = await self._product.store.append(
            Append(
                stream=post.stream(after.id),
                expected=0 if before is None else before.version,
                events=[NewEvent(self._product.ledger.new_id(), step.event) for step in steps],
                metadata=Metadata(command="Generate", actor=after.author_id),
                at=at,
                takes=sorted(wanted - held),
                releases=sorted(held - wanted),
                puts=_VIEW.render(after, steps).puts,
            )
        )
        if not isinstance(result, Appended):
            raise TypeError(f"a generated post was refused: {result}")
        self._head = max(self._head, result.position)
        return _Open(what.id, after, rest)


def _life(chance: random.Random, create: Create) -> list[tuple[PostCommand, ...]]:
    """Say what becomes of a post, what is done at one sitting together."""
    first: list[PostCommand] = [create, Edit(content=content(chance)), Edit(title=title(chance))]
    if chance.random() < _PUBLISHED:
        first.append(Publish())
    if chance.random() > _COME_BACK_TO:
        return [tuple(first)]
    later: list[PostCommand] = [Edit(content=content(chance)), Publish()]
    if chance.random() < _RENAMED:
        text = title(chance)
        later.append(Edit(title=text, slug=_slug(text, create.post_id)))
    if chance.random() < _PUT_AWAY:
        later.append(chance.choice((Archive(), Delete())))
    return [tuple(first), tuple(later)]


def _decided(
    post_id: UUID, before: Post | None, commands: Sequence[PostCommand], at: datetime
) -> list[Step[Post]]:
    steps: list[Step[Post]] = []
    state = before
    for command in commands:
        events = decide(state, command, now=at)
        if isinstance(events, Refusal):
            raise TypeError(f"a generated command was refused: {events}")
        for event in events:
            version = 1 if state is None else state.version + 1
            after = post.evolve(state, event, id=post_id, version=version, at=at)
            steps.append(Step(state, event, after, at))
            state = after
    return steps


def _slug(text: str, post_id: UUID) -> str:
    return f"{slugify(text)[:60].strip('-')}-{post_id.hex[-12:]}"


async def _author(product: Product, number: int, now: datetime) -> UUID:
    """Give the account of a generated author: nobody knows its password."""
    email = f"generated-{number}@demo.example"
    found = await product.account_queries.by_email(product.personal_data.email_hash(email))
    if found is not None:
        return found.id
    password_hash = await product.passwords.hash(secrets.token_bytes(32))
    if isinstance(password_hash, Busy):
        raise TypeError("the queue of passwords is full")
    person = Registration(
        account_id=product.ledger.new_id(),
        email=email,
        name=f"Generated Author {number}",
        roles=frozenset({Role.AUTHOR}),
        password_hash=password_hash,
    )
    outcome = await register(product.accounts, Caller(None, now, "RegisterAccount"), person)
    if not isinstance(outcome, Created):
        raise TypeError(f"the author {email} was not made: {outcome}")
    return person.account_id
