"""Specifies the way from a command to the log, on a real store: checks, races, what is appended."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.aggregate import Loaded
from commands.handle import (
    ATTEMPTS,
    Caller,
    Change,
    Ledger,
    Resting,
    Seen,
    Settled,
    Stop,
    change,
    create,
)
from commands.loading import Loader
from commands.outcomes import (
    Contended,
    Forbidden,
    KeyInFlight,
    Malformed,
    NotFound,
    Outcome,
    PreconditionMissing,
    Representation,
    StaleVersion,
)
from commands.ports import FirstAnswer, IdempotencyKey
from commands.posts import POST_NOT_FOUND, posts
from commands.preconditions import AnyTag, Preconditions, Tags
from domain.post import Category, Post
from domain.post_decisions import Archive, Create, Edit, PostCommand, Publish, Unpublish
from domain.refusal import RejectedByState, RejectedByValue
from domain.stream import Actor, Role, Stream
from projections.posts import PostView
from tests.support.log import AT, AUTHOR, Log, in_the_log

POSTS = posts(PostView())
CALLER = Caller(Actor(AUTHOR, frozenset({Role.AUTHOR})), AT, "TestPost", "request-7")

Command = Callable[[Loaded[Post]], Awaitable[PostCommand | Stop]]


def ledger(log: Log) -> Ledger:
    """Make a ledger that has loaded nothing yet, as a process has that just started."""
    return Ledger(log.store, Loader(log.store), uuid7)


def always(command: PostCommand) -> Command:
    """Wish the same, whatever was loaded."""

    async def wish(_: Loaded[Post]) -> PostCommand:
        return command

    return wish


def asking(command: PostCommand | Command, **other: object) -> Change[Post, PostCommand]:
    """Make a request that nothing speaks against."""
    plain: Change[Post, PostCommand] = Change(
        caller=CALLER,
        permit=lambda _: None,
        missing=POST_NOT_FOUND,
        command=command if callable(command) else always(command),
    )
    return msgspec.structs.replace(plain, **other)


def a_create(post_id: UUID, slug: str = "a-title") -> Create:
    """Make the command for a new post."""
    return Create(post_id, AUTHOR, "A title", "Text.", Category.TECH, slug)


async def begun(log: Log, slug: str = "a-title") -> UUID:
    """Begin a post and give its id."""
    post_id = uuid7()
    settled = await create(ledger(log), POSTS, post_id, a_create(post_id, slug), CALLER)
    assert isinstance(settled, Settled)
    return post_id


def matching(tag: str) -> Preconditions:
    """Make the condition that only this version meets."""
    return Preconditions(if_match=Tags(frozenset({tag})))


async def test_a_change_is_appended_and_shown(log: Log, database_url: str) -> None:
    """The answer is the thing as it now stands; the log says who, when and why."""
    post_id = await begun(log)
    settled = await change(ledger(log), POSTS, post_id, asking(Publish()))
    rows = await in_the_log(database_url)
    metadata = await log.database.fetch("select metadata from events where version = 2")

    assert isinstance(settled, Settled)
    assert settled.appended
    assert (settled.resource.tag, settled.resource.modified) == ("1.2", AT)
    assert settled.resource.location == f"/posts/{post_id}"
    assert [(stream.id, version) for _, stream, version, _ in rows] == [(post_id, 1), (post_id, 2)]
    assert msgspec.json.decode(metadata[0][0]) == {
        "command": "TestPost",
        "actor": str(AUTHOR),
        "requestId": "request-7",
    }


async def test_what_is_as_asked_appends_nothing(log: Log, database_url: str) -> None:
    """The answer is the thing as it stands, marked as not appended."""
    post_id = await begun(log)
    settled = await change(ledger(log), POSTS, post_id, asking(Unpublish()))

    assert isinstance(settled, Settled)
    assert not settled.appended
    assert settled.resource.tag == "1.1"
    assert len(await in_the_log(database_url)) == 1


# Each request has every fault from its own on: the first is the answer.
FORBIDDEN = Forbidden("Not you.")
STOPPED = Malformed("invalid_body", "Not well formed.")
BLANK = Edit(title=" ")
STALE, CURRENT = matching("1.9"), matching("1.1")


async def _stopping(_: Loaded[Post]) -> Stop:
    return Stop(STOPPED)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (
            asking(_stopping, permit=lambda _: FORBIDDEN, must_match=True),
            Forbidden,
        ),
        (asking(_stopping, must_match=True), PreconditionMissing),
        (asking(_stopping, must_match=True, conditions=STALE), StaleVersion),
        (asking(_stopping, must_match=True, conditions=CURRENT), Malformed),
        (asking(BLANK, must_match=True, conditions=CURRENT), RejectedByValue),
    ],
)
async def test_checks_come_in_their_order(
    log: Log, database_url: str, request_: Change[Post, PostCommand], kind: type[Outcome]
) -> None:
    """Permission, the missing condition, the condition, the command, the decision."""
    post_id = await begun(log)
    outcome = await change(ledger(log), POSTS, post_id, request_)
    missing = await change(ledger(log), POSTS, uuid7(), request_)

    assert isinstance(outcome, kind)
    assert missing == NotFound("post_not_found")
    assert len(await in_the_log(database_url)) == 1


def interfering(log: Log, post_id: UUID, command: PostCommand, times: int) -> Command:
    """Wish the command, after another writer came first so many times."""
    left = times

    async def wish(loaded: Loaded[Post]) -> PostCommand:
        nonlocal left
        if left:
            left -= 1
            other = Edit(title=f"Other {loaded.version}")
            await change(ledger(log), POSTS, post_id, asking(other))
        return command

    return wish


@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
async def test_a_lost_race_is_run_again(log: Log, database_url: str, times: int) -> None:
    """Without a condition the command is decided anew against what the other wrote."""
    post_id = await begun(log)
    wish = interfering(log, post_id, Archive(), times)
    settled = await change(ledger(log), POSTS, post_id, asking(wish))

    assert isinstance(settled, Settled)
    assert settled.resource.tag == f"1.{times + 2}"
    assert len(await in_the_log(database_url)) == times + 2


async def test_a_race_lost_each_time_is_given_up(log: Log, database_url: str) -> None:
    """After a bounded number of attempts the answer is Contended, and nothing is appended."""
    post_id = await begun(log)
    wish = interfering(log, post_id, Archive(), ATTEMPTS)
    outcome = await change(ledger(log), POSTS, post_id, asking(wish))

    assert outcome == Contended()
    assert len(await in_the_log(database_url)) == ATTEMPTS + 1


async def test_a_lost_race_under_a_condition_is_stale(log: Log) -> None:
    """The version that If-Match named is gone: the other's tag is the answer."""
    post_id = await begun(log)
    wish = interfering(log, post_id, Archive(), 1)
    outcome = await change(
        ledger(log), POSTS, post_id, asking(wish, must_match=True, conditions=CURRENT)
    )

    assert outcome == StaleVersion("1.2", f"/posts/{post_id}/versions")


async def test_any_tag_is_not_lost(log: Log) -> None:
    """`If-Match: *` asks for the thing to exist, not for a version."""
    post_id = await begun(log)
    wish = interfering(log, post_id, Archive(), 1)
    conditions = Preconditions(if_match=AnyTag.ANY)
    settled = await change(
        ledger(log), POSTS, post_id, asking(wish, must_match=True, conditions=conditions)
    )

    assert isinstance(settled, Settled)


def resting_on(
    log: Log, other: UUID, *, changes: int, seen: list[Seen]
) -> tuple[Change[Post, PostCommand], Ledger]:
    """Ask for a change that rests on another post, which changes so many times meanwhile."""
    mine = ledger(log)
    left = changes

    async def wish(_: Loaded[Post]) -> Resting[PostCommand]:
        nonlocal left
        loaded = await mine.loader.load(POSTS, other)
        seen.append(((Stream("post", other), loaded.version),))
        if left:
            left -= 1
            await change(ledger(log), POSTS, other, asking(Edit(title=f"Other {left}")))
        return Resting(Archive(), seen[-1])

    return asking(wish), mine  # type: ignore[arg-type]  # a Change takes such a wish as well


@pytest.mark.parametrize("times", [0, 1, ATTEMPTS - 1])
async def test_what_a_command_rests_on_is_looked_at_again(log: Log, times: int) -> None:
    """Where it changed meanwhile the command is made anew, of what it is by then."""
    post_id, other = await begun(log), await begun(log, "other")
    seen: list[Seen] = []
    request, mine = resting_on(log, other, changes=times, seen=seen)
    settled = await change(mine, POSTS, post_id, request)

    assert isinstance(settled, Settled)
    assert settled.appended
    assert [version for ((_, version),) in seen] == list(range(1, times + 2))


async def test_what_changes_each_time_is_given_up(log: Log) -> None:
    """After a bounded number of attempts the answer is Contended."""
    post_id, other = await begun(log), await begun(log, "other")
    seen: list[Seen] = []
    request, mine = resting_on(log, other, changes=ATTEMPTS, seen=seen)

    assert await change(mine, POSTS, post_id, request) == Contended()
    assert len(seen) == ATTEMPTS


@pytest.mark.parametrize("rests", [False, True])
async def test_a_caller_who_changed_is_left_to_whoever_knows_them(log: Log, rests: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Nothing that the loop can look up would help, so it gives up at once."""
    post_id, other = await begun(log), await begun(log, "other")
    await change(ledger(log), POSTS, other, asking(Edit(title="Changed")))
    seen: list[Seen] = []
    request, mine = resting_on(log, post_id, changes=0, seen=seen)
    stale = msgspec.structs.replace(CALLER, seen=((Stream("post", other), 1),))
    wish = request.command if rests else always(Archive())
    request = msgspec.structs.replace(request, caller=stale, command=wish)

    assert await change(mine, POSTS, post_id, request) == Contended()
    assert len(seen) == (2 if rests else 0)


async def test_a_decision_that_another_overtook_is_made_anew(log: Log) -> None:
    """What was allowed at first is refused in the state that the other left."""
    post_id = await begun(log)
    first = True

    async def wish(_: Loaded[Post]) -> PostCommand:
        nonlocal first
        if first:
            first = False
            await change(ledger(log), POSTS, post_id, asking(Archive()))
        return Publish()

    outcome = await change(ledger(log), POSTS, post_id, asking(wish))

    assert isinstance(outcome, RejectedByState)
    assert outcome.collides_with == "archived"


async def test_a_remembered_state_is_only_a_head_start(log: Log) -> None:
    """What another process appended since is read before anything is decided."""
    post_id = await begun(log)
    mine, others = ledger(log), ledger(log)
    await change(mine, POSTS, post_id, asking(Publish()))
    await change(others, POSTS, post_id, asking(Archive()))
    outcome = await change(mine, POSTS, post_id, asking(Publish()))

    assert isinstance(outcome, RejectedByState)


async def test_time_does_not_go_backwards(log: Log) -> None:
    """An event is never older than the one before it, whatever the clock says."""
    post_id = await begun(log)
    earlier = msgspec.structs.replace(CALLER, at=AT - timedelta(hours=1))
    settled = await change(ledger(log), POSTS, post_id, asking(Publish(), caller=earlier))

    assert isinstance(settled, Settled)
    assert settled.resource.modified == AT


async def test_a_taken_name_is_a_collision(log: Log, database_url: str) -> None:
    """On creation and on change; nothing is written."""
    await begun(log, "taken")
    post_id = await begun(log, "free")
    new_id = uuid7()
    created = await create(ledger(log), POSTS, new_id, a_create(new_id, "taken"), CALLER)
    changed = await change(ledger(log), POSTS, post_id, asking(Edit(slug="taken")))

    for outcome in (created, changed):
        assert isinstance(outcome, RejectedByState)
        assert (outcome.error, outcome.collides_with) == ("slug_already_exists", "taken")
    assert len(await in_the_log(database_url)) == 2


async def test_a_first_answer_is_stored_once(log: Log, database_url: str) -> None:
    """Of two with one key the later writes nothing and is told that the key has an answer."""
    key = IdempotencyKey(AUTHOR, "key", b"fingerprint")

    def remember(resource: Representation) -> FirstAnswer:
        return FirstAnswer(key, resource.body)

    ids = [uuid7(), uuid7()]
    outcomes = [
        await create(ledger(log), POSTS, id_, a_create(id_, f"slug-{n}"), CALLER, remember)
        for n, id_ in enumerate(ids)
    ]
    rows = await log.database.fetch("select answer from idempotency_keys")

    assert isinstance(outcomes[0], Settled)
    assert outcomes[1] == KeyInFlight()
    assert [row[0] for row in rows] == [outcomes[0].resource.body]
    assert len(await in_the_log(database_url)) == 1


async def test_one_id_is_begun_once(log: Log) -> None:
    """Two creations of the same stream cannot both be."""
    post_id = uuid7()
    outcomes = await asyncio.gather(
        *(create(ledger(log), POSTS, post_id, a_create(post_id, f"s-{n}"), CALLER) for n in (1, 2))
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Contended", "Settled"]
