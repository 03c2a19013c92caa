"""Specifies the search over published posts: what is found, in which order, and what is shown."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from api.post_search import LONGEST
from tests.http.test_lists import links, walk
from tests.support.http import Client, fields, if_match, problem
from tests.support.log import connected
from tests.support.posts import Post, a_post, a_post_that_is, a_published_post, hold
from tests.support.product import Api
from tests.support.projecting import SEARCH, caught_up, follower, projecting

LOREM = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. "


async def write(api: Api, *titles: str, content: str = "Text.") -> list[Post]:
    """Publish posts."""
    return [
        await a_published_post(api.author, title=title, content=content, slug=f"post-{number}")
        for number, title in enumerate(titles)
    ]


async def project(api: Api) -> None:
    """Let the search know of all that has happened."""
    async with projecting(api.product):
        await caught_up(api.product)


async def found(api: Api, text: str, client: Client | None = None) -> list[dict[str, Any]]:
    """Search, and give what is found."""
    answer = await (client or api.anonymous).get(f"/posts?q={quote(text)}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def titles(api: Api, text: str) -> set[str]:
    """Search, and give the titles of what is found."""
    return {item["title"] for item in await found(api, text)}


async def test_posts_are_found_by_their_words(api: Api) -> None:
    """Whole posts as they are, with what was found in them, and all that caches need."""
    (post, _) = await write(api, "Growing tomatoes", "Baking bread", content=LOREM * 30)
    edited = await post.edit(content=f"{LOREM * 30}A tomato wants the sun. {LOREM * 30}")
    await project(api)
    answer = await api.anonymous.get("/posts?q=tomatoes")
    (item,) = answer.json()["items"]
    highlights = item.pop("highlights")

    assert item == edited.body
    assert highlights["title"] == {"text": "Growing tomatoes", "marks": [[8, 16]]}
    content = highlights["content"]
    assert [content["text"][begin:end] for begin, end in content["marks"]] == ["tomato"]
    assert len(content["text"]) < 600
    assert links(answer) == {"first": "/posts?limit=50&q=tomatoes"}
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "public, max-age=60, stale-while-revalidate=300",
        "vary": "Accept, Authorization",
        "etag": answer.headers["etag"],
        "link": answer.headers["link"],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cats", {"Cats", "Cats and dogs"}),
        ("CAT", {"Cats", "Cats and dogs"}),
        ("cats dogs", {"Cats and dogs"}),
        ("cats or birds", {"Cats", "Cats and dogs", "The birds"}),
        ("cats -dogs", {"Cats"}),
        ('"and dogs"', {"Cats and dogs"}),
        ('"dogs and"', set()),
        ("the", {"The birds", "The Who and IT"}),
        ("who", {"The Who and IT"}),
        ("it", {"The Who and IT"}),
        ("Straße", {"Straße 你好"}),
        ("你好", {"Straße 你好"}),
        ("elephants", set()),
    ],
)
async def test_how_to_ask(api: Api, text: str, expected: set[str]) -> None:
    """All words, in any form; `or`, phrases and exclusions; no word is too common."""
    await write(api, "Cats", "Cats and dogs", "The birds", "The Who and IT", "Straße 你好")
    await project(api)

    assert await titles(api, text) == expected


async def test_the_best_come_first(api: Api) -> None:
    """A title says more than a text, and a short text more than a long one."""
    await a_published_post(api.author, title="A", content="Apples. " + LOREM * 50)
    await a_published_post(api.author, title="B", content="Apples.")
    await a_published_post(api.author, title="Apples")
    await project(api)

    assert [item["title"] for item in await found(api, "apples")] == ["Apples", "B", "A"]


@pytest.mark.parametrize("state", ["draft", "scheduled", "archived", "deleted", "held"])
async def test_only_published_posts_are_found(api: Api, state: str) -> None:
    """For everybody, their author and admins too."""
    await a_post_that_is(state, api.author, api.admin, title="Findable")
    await project(api)

    for client in (api.anonymous, api.author, api.admin, api.auditor):
        assert await found(api, "findable", client) == []


async def test_what_is_hidden_is_found_no_more_at_once(api: Api) -> None:
    """Though the search has not heard of it yet."""
    deleted, held, unpublished, shown = await write(api, *["Findable"] * 4)
    await project(api)
    await deleted.delete()
    await hold(api.admin, held)
    await unpublished.do("unpublish")

    assert [item["id"] for item in await found(api, "findable")] == [shown.id]


async def test_what_is_shown_is_never_old(api: Api) -> None:
    """A post that changed shows as it is now; its old text is not quoted."""
    (post,) = await write(api, "Findable", content="The secret findable word.")
    await project(api)
    edited = await post.edit(content="Nothing to see.")
    (item,) = await found(api, "findable")
    await project(api)
    (later,) = await found(api, "findable")

    assert item == edited.body | {"highlights": None}
    assert later["highlights"]["content"] == {"text": "Nothing to see.", "marks": []}
    assert await found(api, "secret") == []


async def test_pages_are_walked_to_the_end(api: Api) -> None:
    """Each post once, in the order of one large page."""
    await write(api, *(f"Apple {number}" for number in range(7)), content="Apple. " * 3)
    await project(api)
    whole = await found(api, "apple")
    walked = await walk(api.anonymous, "/posts?q=apple&limit=2")

    assert len(whole) == 7
    assert walked == whole


async def test_a_page_has_its_tag(api: Api) -> None:
    """304 while nothing on it changes; 412 on a precondition that does not hold."""
    post, _ = await write(api, "Apple", "Pear")
    await project(api)
    answer = await api.anonymous.get("/posts?q=apple")
    again = {"If-None-Match": answer.headers["etag"]}
    same = await api.anonymous.get("/posts?q=apple", headers=again)
    other = await api.anonymous.get("/posts?q=pear", headers=again)
    stale = await api.anonymous.get("/posts?q=apple", headers=if_match('"1.x"'))
    await post.edit(content="More.")
    changed = await api.anonymous.get("/posts?q=apple", headers=again)

    statuses = [each.status_code for each in (same, other, stale, changed)]
    assert statuses == [304, 200, 412, 200]


async def test_cursors_belong_to_their_search(api: Api) -> None:
    """400 for one of another search, or of a list."""
    await write(api, "Apple pear", "Apple pear too")
    await project(api)
    cursor = (await api.anonymous.get("/posts?q=apple&limit=1")).json()["nextCursor"]
    of_list = (await api.anonymous.get("/posts?limit=1")).json()["nextCursor"]

    for query in (f"q=pear&cursor={cursor}", f"cursor={cursor}", f"q=apple&cursor={of_list}"):
        problem(await api.anonymous.get(f"/posts?{query}"), 400, "bad_cursor")


@pytest.mark.parametrize(
    "query",
    [
        "q=",
        "q=%20%09",
        "q=a%00b",
        "q=a%0Ab",
        f"q={'a' * (LONGEST + 1)}",
        "q=a&q=b",
        "q=a&status=draft",
        "q=a&limit=0",
        "q=a&limit=101",
        "q=a&after=1",
    ],
)
async def test_what_is_no_search(api: Api, query: str) -> None:
    """400 that names the parameter."""
    answer = await api.anonymous.get(f"/posts?{query}")

    problem(answer, 400, "bad_parameter")


HOSTILE = [
    *("'", '"', "\\", "\\'", ":*", "a:*", "!", "&", "|", "<->", "( )", "-", "--", "or", "or or"),
    *('"unclosed', '""', '-"a b"', "'; drop table posts; --", "$1", "%", "_", "\ufdd0a\ufdd1"),
    *("<b>a</b>", "&amp;", "http://a.b/c?d=e", "a@b.example", "/usr/bin", "1.5e10", "a-b-c-d"),
    *("\U0001f600", "\u202ea", "e\u0301", "\ufeff", "a\u200bb", "٣", "ﬁ", "İ", "ß"),
    "a " * 100,
    "-a " * 66,
    "a or " * 40,
    '"' * 200,
    "(" * 200,
    "-" * 150 + "a",
    "- " * 99 + "a",
    "-(" * 99 + "a",
    '-"" ' * 49 + "a",
    "-!" * 99 + "a",
    "-_" * 99 + "a",
    "a-" * 100,
    "a@" * 100,
    "\U0001f600" * 200,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_any_text_is_a_question(api: Api, text: str) -> None:
    """200 whatever is in it, with posts that hold the same."""
    await write(api, "Hostile", content=f"{text} {text} a b c")
    await project(api)

    await found(api, text[:LONGEST])


async def test_texts_made_to_be_slow_are_not(api: Api) -> None:
    """Neither to fold, nor to search; each would take minutes with what was asked as it is."""
    for number, piece in enumerate(("a-", "a@", "a.", "a b c d e ", "<a ", "&a", "你 ", "a/")):
        content = piece * (200_000 // len(piece))
        await a_published_post(api.author, title="Slow", content=content, slug=f"slow-{number}")
    await project(api)
    phrase = " ".join(["a"] * 90)

    for text in (f'"{phrase}"', "a-" * 90, "a b c d e a b c d e", "a@" * 90, "slow"):
        assert isinstance(await found(api, text), list)


async def test_words_that_are_all_different_fit(api: Api) -> None:
    """The longest post there can be is found by its first words."""
    content = " ".join(f"w{number:x}-{number:x}" for number in range(16_000))[:200_000]
    await a_published_post(api.author, title="Long", content=content)
    await project(api)

    assert await titles(api, "w0-0") == {"Long"}


async def test_highlights_are_plain_text(api: Api) -> None:
    """What stands in a post is quoted as it stands there, and never marked up by us."""
    await write(api, "Say <b>hi</b> & go", content="<script>alert('hi')</script> \ufdd0hi\ufdd1")
    await project(api)
    (item,) = await found(api, "hi")
    title, content = item["highlights"]["title"], item["highlights"]["content"]

    assert [title["text"][begin:end] for begin, end in title["marks"]] == ["hi"]
    assert {content["text"][begin:end] for begin, end in content["marks"]} == {"hi"}


async def test_a_common_word_does_not_make_it_read_every_post(database_url: str) -> None:
    """It begins at the newest posts for a common word, and at the word for a rare one."""
    plans = {}
    async with connected(database_url) as owner:
        await owner.execute(
            "insert into post_search (id, version, author_id, published_at, title, content)"
            " select gen_random_uuid(), 1, gen_random_uuid(),"
            " timestamptz '2026-03-01Z' + n * interval '1 minute', 'Common', 'word' || n"
            " from generate_series(1, 20000) as n"
        )
        await owner.execute("vacuum analyze post_search_g1")
        await owner.execute("set enable_seqscan = off")
        for word in ("common", "word7"):
            rows = await owner.fetch(
                "explain select s.id from post_search s"  # noqa: S608 - words of the list above
                f" where s.words @@ '{word}'::tsquery"
                " order by s.published_at desc, s.id desc limit 500"
            )
            plans[word] = " ".join(row[0] for row in rows)

    assert "post_search_g1_newest" in plans["common"]
    assert "post_search_g1_by_word" in plans["word7"]


async def test_drafts_never_reach_the_search(api: Api) -> None:
    """Its table holds what everybody may read."""
    post = await a_post(api.author, title="Draft")
    published = await post.do("publish")
    one, stop = follower(api.product, SEARCH), asyncio.Event()
    await one.catch_up(stop)
    shown = await api.product.database.fetch("select id from post_search")
    await published.do("unpublish")
    await one.catch_up(stop)

    assert len(shown) == 1
    assert not await api.product.database.fetch("select id from post_search")
