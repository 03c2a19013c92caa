"""Jobs: given what happened, when somebody wants something, then this happens or is refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.claim import Claim
from domain.job import (
    AttemptFailed,
    Cancelled,
    Completed,
    Expired,
    Failed,
    GivenBack,
    Job,
    JobEvent,
    JobStatus,
    Progressed,
    Requested,
    Retried,
    Started,
    claims,
    evolve,
)
from domain.job_decisions import (
    Cancel,
    Complete,
    Expire,
    FailAttempt,
    GiveBack,
    JobCommand,
    Progress,
    Request,
    Retry,
    Start,
    decide,
    retry_delay,
)
from domain.refusal import RejectedByState

ID = UUID("0190c6a8-0000-7000-8000-000000000001")
OWNER = UUID("0190c6a8-0000-7000-8000-000000000002")
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
REQUESTED = Requested("export", OWNER, None, 60)
DONE = Completed({"file": "a.zip"})
LATER = NOW + timedelta(seconds=5)
BROKEN = AttemptFailed("broken", LATER)


def given(*events: JobEvent) -> Job:
    """Fold a history, all of it recorded now."""
    state: Job | None = None
    for version, event in enumerate(events, start=1):
        state = evolve(state, event, id=ID, version=version, at=NOW)
    assert state is not None
    return state


def test_a_job_is_requested_once() -> None:
    """Another request with its id is refused."""
    wanted = Request("export", OWNER, kept_seconds=60)

    assert decide(None, wanted, now=NOW) == (REQUESTED,)
    assert isinstance(decide(given(REQUESTED), wanted, now=NOW), RejectedByState)


@pytest.mark.parametrize(
    ("history", "command", "events"),
    [
        ((), Start(), (Started(1),)),
        ((Started(1),), Start(), (Started(2),)),
        ((Started(1), GivenBack()), Start(), (Started(1),)),
        ((Started(1), Started(2), Started(3)), Start(), (Failed("worker_lost"),)),
        ((Started(1), Started(2), Failed("broken"), Retried()), Start(), (Started(1),)),
        ((Started(1),), Progress(40), (Progressed(40),)),
        ((Started(1), Progressed(40)), Progress(40), ()),
        ((Started(1),), Progress(100), (Progressed(99),)),
        ((Started(1),), Complete({"file": "a.zip"}), (DONE,)),
        ((Started(1),), FailAttempt("broken", again=True), (BROKEN,)),
        ((Started(1),), FailAttempt("broken", again=False), (Failed("broken"),)),
        (
            (Started(1), BROKEN, Started(2), BROKEN, Started(3)),
            FailAttempt("broken", again=True),
            (Failed("broken"),),
        ),
        ((Started(1),), GiveBack(), (GivenBack(),)),
        ((), Cancel(), (Cancelled(),)),
        ((Started(1),), Cancel(), (Cancelled(),)),
        ((Cancelled(),), Cancel(), ()),
        ((Started(1), Failed("broken")), Retry(), (Retried(),)),
        ((Cancelled(),), Retry(), (Retried(),)),
        ((), Retry(), ()),
        ((Started(1), DONE), Expire(), (Expired(),)),
        ((Started(1), DONE, Expired()), Expire(), ()),
    ],
)
def test_what_happens_next(
    history: tuple[JobEvent, ...], command: JobCommand, events: tuple[JobEvent, ...]
) -> None:
    """Given a history, a command causes these events."""
    assert decide(given(REQUESTED, *history), command, now=NOW) == events


@pytest.mark.parametrize(
    ("history", "command"),
    [
        ((Started(1), DONE), Start()),
        ((Cancelled(),), Start()),
        ((Started(1), BROKEN), Start()),  # it is too early
        ((Started(1), Failed("broken")), Start()),
        ((), Progress(10)),
        ((Started(1), Cancelled()), Progress(10)),
        ((Started(1), Cancelled()), Complete({})),
        ((Started(1), Failed("broken")), Complete({})),
        ((Started(1), DONE), FailAttempt("broken", again=True)),
        ((), GiveBack()),
        ((Started(1), DONE), Cancel()),
        ((Started(1), DONE), Retry()),
        ((Started(1), DONE, Expired()), Retry()),
        ((), Expire()),
        ((Started(1), Failed("broken")), Expire()),
    ],
)
def test_what_is_refused(history: tuple[JobEvent, ...], command: JobCommand) -> None:
    """Given a history, a command collides with how the job stands."""
    state = given(REQUESTED, *history)
    decision = decide(state, command, now=NOW)

    assert isinstance(decision, RejectedByState)
    assert decision.error == "transition_not_allowed"
    assert decision.collides_with == state.status


def test_another_attempt_comes_when_its_time_has() -> None:
    """Not a moment earlier."""
    waiting = given(REQUESTED, Started(1), BROKEN)

    assert decide(waiting, Start(), now=LATER) == (Started(2),)


def test_the_wait_doubles() -> None:
    """From five seconds."""
    assert [retry_delay(attempts).total_seconds() for attempts in (1, 2, 3)] == [5, 10, 20]


def test_a_completed_job_says_until_when_it_is_kept() -> None:
    """Counted from its completion, for ever where nothing is said."""
    kept = given(REQUESTED, Started(1), DONE)
    for_ever = given(Requested("thumbnails"), Started(1), DONE)

    assert kept.status is JobStatus.COMPLETED
    assert (kept.percent, kept.token) == (100, 2)
    assert kept.expires_at == NOW + timedelta(seconds=60)
    assert for_ever.expires_at is None


def test_an_owner_holds_a_place_while_an_export_is_under_way() -> None:
    """And no longer; jobs of other kinds have no such place."""
    held = frozenset({Claim("job.open", f"export/{OWNER}")})

    assert claims(given(REQUESTED)) == claims(given(REQUESTED, Started(1))) == held
    assert claims(given(REQUESTED, Started(1), BROKEN)) == held
    assert claims(given(REQUESTED, Cancelled(), Retried())) == held
    for end in (DONE, Failed("broken"), Cancelled()):
        assert claims(given(REQUESTED, Started(1), end)) == frozenset()
    assert claims(given(Requested("thumbnails", OWNER))) == frozenset()
    assert claims(None) == frozenset()


def test_a_damaged_history_is_told() -> None:
    """One that does not begin with a request has lost events."""
    with pytest.raises(ValueError, match="does not begin"):
        evolve(None, Started(1), id=ID, version=1, at=NOW)
