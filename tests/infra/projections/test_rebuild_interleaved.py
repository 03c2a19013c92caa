"""Whatever is written, rebuilt, undone and broken off in whatever order: rows equal a fold."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.post_decisions import Delete, Edit, PostCommand, Publish, Restore, Unpublish
from infra.projections import rebuild as rebuilding_module
from infra.projections.compare import Comparison
from infra.projections.rebuild import (
    Rebuild,
    Step,
    compare_with_log,
    rebuild,
    undo,
)
from tests.infra.projections.rebuilding import Quiet, Rebuilding, rebuilding
from tests.infra.store.verification.written import created
from tests.support.services import Databases

STEPS: tuple[Step, ...] = ("begin", "load", "index", "catch-up", "compare", "cut-over", "clean")
COMMANDS: tuple[PostCommand, ...] = (
    Edit(title="Another title"),
    Edit(slug="another-slug"),
    Edit(slug="one"),
    Publish(),
    Unpublish(),
    Delete(),
    Restore(),
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from(COMMANDS)),
        st.tuples(st.just("change"), st.sampled_from(COMMANDS)),
        st.tuples(st.just("rebuild"), st.none()),
        st.tuples(st.just("undo"), st.none()),
        st.tuples(st.just("broken off"), st.sampled_from(STEPS)),
    ),
    min_size=4,
    max_size=8,
)


class BrokenOffError(Exception):
    """The rebuild ends here."""


class BreakingOff(Quiet):
    """Ends a rebuild at a step."""

    def __init__(self, last: Step) -> None:
        super().__init__()
        self._last = last

    def step(self, step: Step) -> None:
        """Raise when it begins."""
        if step == self._last:
            raise BrokenOffError


@pytest.fixture(scope="module")
async def short(databases: Databases) -> AsyncIterator[Rebuilding]:
    """Give one product to all examples."""
    async with databases.fresh() as url, rebuilding(url) as made:
        yield made


@given(actions=ACTIONS)
@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_projection_is_fold(short: Rebuilding, actions: list[tuple[str, object]]) -> None:
    """After any of it one whole generation is served, and equals what the log gives."""
    product, author = short.written.product, short.written.people[0]
    post_id = await created(product, author, f"post-{await product.log.head()}")
    for action, what in actions:
        match action, what:
            case "change", _:
                command: PostCommand = what  # type: ignore[assignment]  # as in ACTIONS
                await short.asked(post_id, command)
            case "rebuild", _:
                done = await rebuild(short.order("posts"))
                assert isinstance(done, Rebuild), done
                assert done.comparison.differing == 0
            case "undo", _:
                await undo(short.order("posts"))
            case _, _:
                await broken_off(short, what)  # type: ignore[arg-type]  # as in ACTIONS
    compared = await compare_with_log(short.order("posts"))

    assert isinstance(compared, Comparison), compared
    assert compared.differing == 0
    assert await short.sound()
    assert len([name for name in await short.tables() if name.startswith("posts_g")]) <= 2


async def broken_off(short: Rebuilding, step: Step) -> None:
    """Begin a rebuild that ends without clearing up, as a killed one does."""

    async def nothing(_: object) -> None:
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilding_module, "_drop_what_is_left", nothing)
        with pytest.raises(BrokenOffError):
            await rebuild(short.order("posts", BreakingOff(step)))
