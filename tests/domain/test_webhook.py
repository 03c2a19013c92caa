"""Specifies a webhook: its life, what is refused, and what it looks like after each event."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.refusal import RejectedByState, RejectedByValue
from domain.webhook import (
    DeliveryReplayed,
    Disable,
    Disabled,
    DisabledBecause,
    Edit,
    Edited,
    Pause,
    Paused,
    Register,
    Registered,
    Remove,
    Removed,
    ReplayDelivery,
    Resume,
    Resumed,
    Rewind,
    Rewound,
    RotateSecret,
    SecretRotated,
    Webhook,
    WebhookCommand,
    WebhookEvent,
    WebhookStatus,
    claims,
    decide,
    evolve,
)

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")
REGISTERED = Registered("https://hooks.example/in", ("post.published",))
DISABLED = Disabled(DisabledBecause.FAILING)


def after(*events: WebhookEvent) -> Webhook:
    """Give the state after the registration and these events."""
    state: Webhook | None = None
    for version, event in enumerate((REGISTERED, *events), start=1):
        state = evolve(state, event, id=ID, version=version, at=AT)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("events", "command", "emitted"),
    [
        ((), Edit(url="https://hooks.example/b"), (Edited(url="https://hooks.example/b"),)),
        ((), Edit(url=REGISTERED.url, event_types=()), (Edited(event_types=()),)),
        ((), Edit(url=REGISTERED.url), ()),
        ((), Pause(), (Paused(),)),
        ((Paused(),), Pause(), ()),
        ((), Resume(), ()),
        ((Paused(),), Resume(), (Resumed(),)),
        ((DISABLED,), Resume(), (Resumed(),)),
        ((), Disable(DisabledBecause.GONE), (Disabled(DisabledBecause.GONE),)),
        ((Paused(),), Disable(DisabledBecause.GONE), ()),
        ((), RotateSecret(timedelta(days=1)), (SecretRotated(AT + timedelta(days=1)),)),
        ((), Rewind(0, 10), (Rewound(0),)),
        ((Paused(),), Rewind(10, 10), (Rewound(10),)),
        ((), ReplayDelivery(7, over=True), (DeliveryReplayed(7),)),
        ((DISABLED,), Remove(), (Removed(),)),
        ((Removed(),), Remove(), ()),
    ],
)
def test_decisions(
    events: tuple[WebhookEvent, ...],
    command: WebhookCommand,
    emitted: tuple[WebhookEvent, ...],
) -> None:
    """What is asked for happens, and nothing where it is so already."""
    assert decide(after(*events), command, now=AT) == emitted


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (Rewind(11, 10), "position_not_reached"),
        (ReplayDelivery(7, over=False), "delivery_not_replayable"),
        (ReplayDelivery(None, over=True), "delivery_not_replayable"),
    ],
)
def test_refusals(command: WebhookCommand, error: str) -> None:
    """What cannot be is refused with its code."""
    refused = decide(after(), command, now=AT)

    assert isinstance(refused, RejectedByState | RejectedByValue)
    assert refused.error == error


def test_only_an_active_one_is_paused() -> None:
    """A disabled webhook stays what it is, so that operators see why nothing is sent."""
    refused = decide(after(DISABLED), Pause(), now=AT)

    assert isinstance(refused, RejectedByState)
    assert refused.collides_with == "disabled"


def test_registering() -> None:
    """It begins active, and holds no name that another could want."""
    decided = decide(None, Register(REGISTERED.url, REGISTERED.event_types), now=AT)

    assert decided == (REGISTERED,)
    assert after().status is WebhookStatus.ACTIVE
    assert claims(after()) == frozenset()


def test_the_state_follows_the_events() -> None:
    """Each event shows in the state, and nothing else does."""
    until = AT + timedelta(days=1)
    state = after(DISABLED, SecretRotated(until), Rewound(1), DeliveryReplayed(3))

    assert state.status is WebhookStatus.DISABLED
    assert state.disabled_because is DisabledBecause.FAILING
    assert state.previous_secret_until == until
    assert state.version == 5
    assert after(DISABLED, Resumed()).disabled_because is None
    assert after(Edited(event_types=())).event_types == ()
    assert after(Removed()).removed


def test_a_history_begins_with_the_registration() -> None:
    """Anything else is damage."""
    with pytest.raises(ValueError, match="registration"):
        evolve(None, Paused(), id=ID, version=1, at=AT)
