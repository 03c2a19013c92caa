"""Rebuilding, comparing and going back, on what the product wrote."""

import asyncio
from uuid import UUID

import pytest

from commands.accounts import change_account
from domain import projection
from domain.account_decisions import Erase
from domain.post_decisions import Edit
from infra.projections import generations
from infra.projections.compare import Comparison, Sample, TableComparison
from infra.projections.cut_over import CutOver
from infra.projections.generations import Busy
from infra.projections.rebuild import Ordered, Rebuild, Refused, compare_with_log, rebuild, undo
from projections.post_queries import PostQueries
from projections.registry import PROJECTIONS
from tests.infra.projections.rebuilding import Quiet, Rebuilding
from tests.infra.store.verification.written import created
from tests.support.accounts import OPERATOR
from tests.support.log import AT, connected
from tests.support.waiting import eventually

FIRST_TABLES = sorted(
    f"{table.name}_g1" for projection in PROJECTIONS.values() for table in projection.tables
)


async def test_the_same_rows_are_served(short: Rebuilding) -> None:
    """Nothing differs, the new generation is served, and the old one kept."""
    before = await short.rows("posts"), await short.rows("former_slugs")
    watch = Quiet()
    done = await rebuild(short.order("posts", watch))

    assert isinstance(done, Rebuild), done
    assert (done.generation, done.comparison.differing, done.cut_over.position) == (2, 0, 10)
    assert (await short.rows("posts"), await short.rows("former_slugs")) == before
    assert await short.served("posts") == 2
    assert await short.tables() == sorted([*FIRST_TABLES, "posts_g2", "former_slugs_g2"])
    assert watch.steps == ["begin", "load", "index", "catch-up", "compare", "cut-over", "clean"]
    assert watch.read == [(7, 7)]
    assert await short.sound()


async def test_it_is_recorded(short: Rebuilding) -> None:
    """The log says that it was done, and what came of the comparison."""
    await rebuild(short.order("accounts"))
    recorded = await short.written.product.store.read_stream(projection.stream("accounts"))

    assert [(each.position, each.event) for each in recorded] == [
        (11, projection.Rebuilt("accounts", generation=2, position=10, rows=2, differing=0))
    ]


async def test_damage_is_found_and_mended(short: Rebuilding) -> None:
    """The comparison counts every row that differs and says how; afterwards all is right."""
    right = await short.rows("posts"), await short.rows("former_slugs")
    await short.written.damage(
        "update posts set body = 'x', slug = 'other' where id = '{self.second}'",
        "delete from posts where id = '{self.third}'",
        "insert into former_slugs values ('stray', '{self.first}', now())",
    )
    done = await rebuild(short.order("posts"))

    assert isinstance(done, Rebuild), done
    second, third = sorted([str(short.written.second), str(short.written.third)])
    assert done.comparison.tables == [
        TableComparison(
            "posts",
            2,
            3,
            2,
            [Sample([second], "is wrong in slug, body"), Sample([third], "is missing")],
        ),
        TableComparison(
            "former_slugs",
            2,
            1,
            1,
            [
                Sample(
                    ["stray", str(short.written.first)],
                    "is served, but the log does not say so",
                )
            ],
        ),
    ]
    assert (await short.rows("posts"), await short.rows("former_slugs")) == right


async def test_comparing_changes_nothing(short: Rebuilding) -> None:
    """What differs is told, and all stays as it is."""
    await short.written.damage("update accounts set roles = array['admin']")
    compared = await compare_with_log(short.order("accounts"))

    assert isinstance(compared, Comparison), compared
    assert (compared.differing, compared.position) == (2, 10)
    assert await short.tables() == FIRST_TABLES
    assert {row[3] for row in await short.rows("accounts")} == {("admin",)}


async def test_going_back_brings_what_came_since(short: Rebuilding) -> None:
    """The earlier generation is served again with every post written meanwhile, and back again."""
    await rebuild(short.order("posts"))
    await created(short.written.product, short.written.people[0], "later")
    rows = await short.rows("posts")
    back = await undo(short.order("posts"))
    served = [await short.served("posts")]
    await created(short.written.product, short.written.people[0], "latest")
    forth = await undo(short.order("posts"))
    served.append(await short.served("posts"))

    assert isinstance(back, CutOver), back
    assert isinstance(forth, CutOver), forth
    assert served == [1, 2]
    assert len(await short.rows("posts")) == len(rows) + 1
    assert await short.sound()


async def test_bodies_that_are_remembered(short: Rebuilding) -> None:
    """A process that has read a damaged body gives the right one after the rebuild."""
    database, post_id = short.written.product.database, short.written.first
    before, process = (PostQueries(database, database.keep()) for _ in range(2))
    right = await _read(before, post_id)
    await short.written.damage("update posts set body = 'damaged' where id = '{self.first}'")
    damaged = await _read(process, post_id)
    await rebuild(short.order("posts"))

    assert damaged == b"damaged"
    assert await _read(process, post_id) == right


async def _read(queries: PostQueries, post_id: UUID) -> bytes | None:
    head = await queries.head(post_id)
    assert head is not None
    return await queries.body(head)


async def test_names_that_change_hands(short: Rebuilding) -> None:
    """A slug that one post left and an older one took is in nobody's way."""
    await rebuild(short.order("posts"))
    await short.asked(short.written.second, Edit(slug="two"))
    await short.asked(short.written.first, Edit(slug="one"))
    back = await undo(short.order("posts"))

    assert isinstance(back, CutOver), back
    assert await short.sound()


async def test_somebody_who_is_erased(short: Rebuilding) -> None:
    """Nothing of them stays in the generation that is kept, and going back does not revive them."""
    await rebuild(short.order("accounts"))
    product, person = short.written.product, short.written.people[1]
    await change_account(product.accounts, OPERATOR, person, Erase())
    kept = await short.rows("accounts_g1")
    await undo(short.order("accounts"))

    assert [row[0] for row in kept] == [short.written.people[0]]
    assert {(row[2] == "", row[8]) for row in await short.rows("accounts") if row[0] == person} == {
        (True, True)
    }
    assert await short.sound()


async def test_nothing_to_go_back_to(short: Rebuilding) -> None:
    """Without a rebuild there is no earlier generation."""
    assert await undo(short.order("posts")) == Refused(
        "there is no earlier generation of posts to go back to"
    )


async def test_one_earlier_generation_is_kept(short: Rebuilding) -> None:
    """The next rebuild drops what the one before it kept."""
    for _ in range(3):
        assert isinstance(await rebuild(short.order("accounts")), Rebuild)

    kept = [name for name in await short.tables() if name.startswith("accounts")]
    assert kept == ["accounts_g3", "accounts_g4"]


@pytest.mark.parametrize("name", ["posts", "accounts"])
async def test_an_empty_log(database_url: str, name: str) -> None:
    """There is nothing to fold, and nothing goes wrong."""
    order = Ordered(database_url, PROJECTIONS[name], Quiet(), lambda: AT, 1)
    done = await rebuild(order)

    assert isinstance(done, Rebuild), done
    assert done.comparison.rows == 0


_SHAPE = """
with made as (select c.oid, c.relname, c.reloptions from pg_class c where c.relname = any($1))
select replace(pg_get_indexdef(i.indexrelid), $2, '') from pg_index i join made on oid = indrelid
union all
select replace(relname, $2, '') || coalesce(reloptions::text, '') from made
union all
select concat_ws(' ', replace(relname, $2, ''), attname, attnotnull, attstorage, attgenerated,
  format_type(atttypid, atttypmod)) from pg_attribute join made on oid = attrelid where attnum > 0
union all
select concat_ws(' ', replace(relname, $2, ''), grantee, privilege_type)
from information_schema.table_privileges join made on relname = table_name
order by 1
"""


@pytest.mark.parametrize("name", PROJECTIONS)
async def test_a_generation_has_all_that_the_first_has(short: Rebuilding, name: str) -> None:
    """Keys, indexes, settings, rights and columns are those of the tables that it replaces."""
    shapes = []
    for generation in ("_g1", "_g2"):
        tables = [f"{table.name}{generation}" for table in PROJECTIONS[name].tables]
        async with connected(short.url) as owner:
            shapes.append([row[0] for row in await owner.fetch(_SHAPE, tables, generation)])
        await rebuild(short.order(name))

    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 10


async def test_one_at_a_time(short: Rebuilding, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second rebuild of the same projection is turned away; one of another is not."""
    monkeypatch.setattr(generations, "_LOCK_SECONDS", 0.2)
    async with connected(short.url) as other:
        await other.fetchval(generations.QUERIES["lock_rebuild"], "posts")
        second, of_another = (
            await rebuild(short.order("posts")),
            await rebuild(short.order("accounts")),
        )

    assert second == Busy()
    assert isinstance(of_another, Rebuild)


async def test_an_event_that_cannot_be_folded(short: Rebuilding) -> None:
    """It is named, what is served stays, and nothing is left of the attempt."""
    await short.written.damage("update events set data = '{{}}' where position = 4")
    done = await rebuild(short.order("posts"))

    assert isinstance(done, Refused), done
    assert "posts cannot take the event at position 4 (post.edited.v1 of post/" in done.reason
    assert await short.tables() == FIRST_TABLES
    assert await short.served("posts") == 1


async def test_a_log_that_contradicts_itself(short: Rebuilding) -> None:
    """Where two posts hold one slug no rebuild can be, and what is served stays."""
    await short.written.damage(
        "update events set data = replace(data::text, '\"three\"', '\"uno\"')::json"
        " where position = 8",
        "delete from events where position = 9",
    )
    done = await rebuild(short.order("posts"))

    assert isinstance(done, Refused), done
    assert "(posts_g2_by_slug): see `ledgerpress events verify`" in done.reason
    assert await short.tables() == FIRST_TABLES


async def test_interrupted(short: Rebuilding) -> None:
    """Cancelled, as by Ctrl-C, it leaves nothing behind."""

    class Interrupted(Quiet):
        def step(self, step: str) -> None:
            if step == "compare":
                task.cancel()

    task = asyncio.create_task(rebuild(short.order("posts", Interrupted())))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await short.tables() == FIRST_TABLES
    assert await short.served("posts") == 1


async def test_while_posts_are_written(short: Rebuilding) -> None:
    """No write fails or is lost, and each can be read at once, before, during and after."""
    product, author = short.written.product, short.written.people[0]
    stop = asyncio.Event()
    made: list[UUID] = []

    async def write() -> None:
        while not stop.is_set():
            post_id = await created(product, author, f"post-{len(made)}")
            head = await product.post_queries.head(post_id)
            assert head is not None
            made.append(post_id)

    writing = asyncio.create_task(write())
    for _ in range(3):
        done = await rebuild(short.order("posts", processes=2))
        assert isinstance(done, Rebuild), done
        assert done.comparison.differing == 0
    stop.set()
    await writing

    assert len(await short.rows("posts")) == 3 + len(made)
    assert await short.sound()


async def test_a_reader_that_takes_long(short: Rebuilding) -> None:
    """The generations change places once it is done; until then others read and write as ever."""
    async with connected(short.url) as reader:
        transaction = reader.transaction()
        await transaction.start()
        await reader.fetch("select * from posts")
        steps = Quiet()
        done = asyncio.create_task(rebuild(short.order("posts", steps)))
        assert await eventually(lambda: steps.reached("cut-over"), within=60)
        for number in range(20):
            await created(short.written.product, short.written.people[0], f"meanwhile-{number}")
        await transaction.rollback()
        result = await done

    assert isinstance(result, Rebuild), result
    assert await short.served("posts") == 2
    assert await short.sound()
