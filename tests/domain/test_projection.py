"""What operators do to projections: decisions and fold."""

from uuid import UUID

from domain.projection import (
    Projection,
    ProjectionEvent,
    Rebuilt,
    Skipped,
    Undone,
    evolve,
    skip,
    stream,
)


def after(*events: ProjectionEvent) -> Projection | None:
    """Fold a history."""
    state: Projection | None = None
    for version, event in enumerate(events, start=1):
        state = evolve(state, event, version=version)
    return state


REBUILT = Rebuilt("search", generation=2, position=10, rows=3, differing=1)
SKIPPED = Skipped("search", 7, "It is broken.")


def test_a_projection_has_one_stream_for_good() -> None:
    """Its id is a format: another one would lose what is known of the projection."""
    assert stream("search") == ("projection", UUID("b5af5d24-e139-54f1-9422-fae619f0c5f4"))
    assert stream("search") != stream("activity")


def test_what_was_skipped_is_remembered() -> None:
    """Also through rebuilds."""
    state = after(SKIPPED, REBUILT, Skipped("search", 9, "So is this."))

    assert state == Projection("search", 2, frozenset({7, 9}), 3)


def test_undoing_goes_back_a_generation() -> None:
    """The one that is served is the one named last."""
    state = after(REBUILT, Undone("search", generation=1, position=11))

    assert state == Projection("search", 1, frozenset(), 2)


def test_an_event_is_skipped_once() -> None:
    """Asking again changes nothing."""
    assert skip(None, "search", 7, "It is broken.") == (SKIPPED,)
    assert skip(after(SKIPPED), "search", 7, "Again.") == ()
    assert skip(after(SKIPPED), "search", 8, "Too.") == (Skipped("search", 8, "Too."),)
