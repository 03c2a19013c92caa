"""Loading states: always the newest, from as few events as possible, in bounded memory."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from commands.aggregate import Loaded
from commands.loading import Loader
from commands.ports import Append, AppendResult, Recorded
from commands.posts import Posts, posts
from domain.post import Post
from domain.stream import Stream
from projections.posts import PostView
from tests.support.log import ARCHIVED, AT, CREATED, Log, append, numbered, open_log

POSTS: Posts = posts(PostView())
WEIGHT = 1100
"""More than the posts of this file weigh, less than two of them."""


class Watched:
    """The real store, with a note of every read."""

    def __init__(self, log: Log) -> None:
        self._store = log.store
        self.reads: list[int] = []

    async def append(self, append: Append) -> AppendResult:
        """Append."""
        return await self._store.append(append)

    async def read_stream(self, stream: Stream, *, after: int = 0) -> Sequence[Recorded]:
        """Read, and note after which version."""
        self.reads.append(after)
        return await self._store.read_stream(stream, after=after)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Watched]:
    """Open a store on an empty log."""
    async with open_log(database_url) as log:
        yield Watched(log)


def post_id(number: int) -> UUID:
    """Name a post."""
    return UUID(int=number)


async def write(store: Watched, number: int, *, expected: int = 0) -> None:
    """Create a post, or edit it."""
    event = CREATED if expected == 0 else numbered(1)
    await store.append(append(Stream("post", post_id(number)), event, expected=expected))


async def test_a_stream_that_is_not_there(store: Watched) -> None:
    """It has no state and version 0, and nothing is remembered of it."""
    loader = Loader(store)

    assert await loader.load(POSTS, post_id(1)) == Loaded(None, 0, None)
    await write(store, 1)
    assert (await loader.load(POSTS, post_id(1))).version == 1


async def test_events_are_folded_in_order(store: Watched) -> None:
    """The state is that after the last event, with its version and its time."""
    stream = Stream("post", post_id(1))
    await store.append(append(stream, CREATED, numbered(2), numbered(3), ARCHIVED))

    loaded = await Loader(store).load(POSTS, post_id(1))

    assert (loaded.version, loaded.at) == (4, AT)
    assert loaded.state is not None
    assert (loaded.state.title, loaded.state.version) == ("number 3", 4)


async def test_a_second_load_reads_only_what_came_since(store: Watched) -> None:
    """Also what another process appended is seen."""
    loader = Loader(store)
    await write(store, 1)
    first = await loader.load(POSTS, post_id(1))
    again = await loader.load(POSTS, post_id(1))
    await write(store, 1, expected=1)
    newest = await loader.load(POSTS, post_id(1))

    assert again == first
    assert newest.version == 2
    assert newest == await Loader(store).load(POSTS, post_id(1))
    assert store.reads == [0, 1, 1, 0]


async def test_what_was_appended_is_remembered(store: Watched) -> None:
    """A caller's own result is a head start; an older one never replaces a newer."""
    loader = Loader(store)
    await write(store, 1)
    older = await loader.load(POSTS, post_id(1))
    await write(store, 1, expected=1)
    newer = await Loader(store).load(POSTS, post_id(1))
    loader.remember(POSTS, post_id(1), newer)
    loader.remember(POSTS, post_id(1), older)
    store.reads.clear()

    assert await loader.load(POSTS, post_id(1)) == newer
    assert store.reads == [2]


async def test_memory_is_bounded(store: Watched) -> None:
    """The state that was used longest ago leaves first, and is read again when it is asked for."""
    loader = Loader(store, memory_bytes=2 * WEIGHT)
    for number in (1, 2, 3):
        await write(store, number)
    for number in (1, 2, 1, 3):
        await loader.load(POSTS, post_id(number))
    store.reads.clear()

    for number in (1, 3, 2):
        await loader.load(POSTS, post_id(number))

    assert store.reads == [1, 1, 0]


async def test_room_is_given_back(store: Watched) -> None:
    """A newer state takes the place of the older one of its stream: memory does not leak."""
    loader = Loader(store, memory_bytes=2 * WEIGHT)
    await write(store, 1)
    await write(store, 2)
    for version in range(1, 30):
        await loader.load(POSTS, post_id(2))
        await loader.load(POSTS, post_id(1))
        await write(store, 1, expected=version)
    store.reads.clear()

    await loader.load(POSTS, post_id(2))
    await loader.load(POSTS, post_id(1))

    assert store.reads == [1, 29]


async def test_a_state_larger_than_the_memory_is_not_kept(store: Watched) -> None:
    """It is loaded all the same, from its events each time."""
    loader = Loader(store, memory_bytes=WEIGHT // 2)
    await write(store, 1)

    states: list[Loaded[Post]] = [await loader.load(POSTS, post_id(1)) for _ in range(2)]

    assert states[0] == states[1]
    assert store.reads == [0, 0]
