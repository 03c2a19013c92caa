"""The worker of webhooks: delivers events to receivers, signed, and keeps what came of it.

Several may run at once. A lease says who delivers for a webhook, one attempt at a time; whatever a
worker writes that was overtaken is refused. An attempt is kept after it was made: a worker that
ends in between leaves an event that is sent again, never one that is not.

First attempts are made in the order of the log. An event that fails is set aside, to be tried again
at times of its own, and the next ones go on; but while first attempts fail one after the other,
fewer and fewer are made. So an event that a receiver cannot take holds up the others for seconds,
and an outage of a receiver costs it no event and us few attempts. See docs/adr/0025-webhooks.md.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

import msgspec
import structlog

from commands.handle import Caller
from commands.ports import StoreUnavailableError
from commands.webhooks import Webhooks, disable_webhook
from domain.webhook import DisabledBecause
from domain.webhook_retries import (
    FAILING_FOR,
    Again,
    Answered,
    Attempt,
    Dead,
    Delivered,
    Gone,
    NoAnswer,
    Verdict,
    delay,
    judge,
    pause_asked_for,
    reason,
)
from domain.webhook_signature import signed_headers
from projections.relaying import RelayedEntry
from projections.webhook_deliveries import DeliveryState
from projections.webhook_delivering import (
    Due,
    Kept,
    Result,
    Sender,
    TakenWebhook,
    Target,
    WebhookWork,
)
from workers.leader import Listen
from workers.relay_messages import Decode
from workers.webhook_messages import WebhookMessage, of_event, of_test

UNREADABLE = "event_unreadable"
"""The reason of an event that this program cannot read, and so no receiver gets."""

_log = structlog.stdlib.get_logger("ledgerpress.webhooks")


class Pace(msgspec.Struct, frozen=True):
    """How often and how much, in seconds but for the first three."""

    at_once: int = 16
    """For how many webhooks one process delivers at the same time."""
    retries: int = 20
    """How many later attempts are made before the next events have their turn."""
    pages: int = 10
    """After how many pages of events another webhook has its turn."""
    turn: float = 60.0
    """After how long it has in any case: what was read when it began holds no longer."""
    look: float = 0.5
    """How long it waits for a hint before it looks by itself."""
    rest: float = 0.1
    """How long it rests after each look, as hints may come all the time."""
    grace: float = 2.0
    """For attempts under way when it is told to stop; those that take longer are made again."""


class Delivering(msgspec.Struct, frozen=True):
    """What delivering works with."""

    webhooks: Webhooks
    work: WebhookWork
    sender: Sender
    decode: Decode
    now: Callable[[], datetime]
    """For the time in the signature alone, which receivers compare with theirs."""
    jitter: Callable[[], float]
    """Gives a random number from 0 to 1."""


async def run_webhooks(
    delivering: Delivering,
    *,
    listen: Listen,
    stop: asyncio.Event,
    pace: Pace = Pace(),  # noqa: B008 - frozen
) -> None:
    """Deliver until `stop` is set."""
    running: dict[asyncio.Task[None], TakenWebhook] = {}
    stopping = asyncio.create_task(stop.wait())
    reachable = True
    try:
        with listen() as hint:
            while not stop.is_set():
                free = pace.at_once - len(running)
                try:
                    taken = await delivering.work.take(free) if free else ()
                except StoreUnavailableError as error:
                    if reachable:
                        _log.warning("the database is out of reach", error=str(error))
                    taken, reachable = (), False
                except Exception:  # noqa: BLE001 - a bug in one round must not end the worker
                    _log.exception("a round failed")
                    taken = ()
                else:
                    reachable = True
                for each in taken:
                    running[asyncio.create_task(_Turn(delivering, each, pace, stop).run())] = each
                await asyncio.wait({stopping}, timeout=pace.rest)
                waiting = asyncio.create_task(hint.wait(pace.look))
                await asyncio.wait(
                    {waiting, stopping, *running}, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                running = {task: each for task, each in running.items() if not task.done()}
    finally:
        stopping.cancel()
        await _end(delivering.work, running, pace.grace)


async def _end(
    work: WebhookWork, running: dict[asyncio.Task[None], TakenWebhook], grace: float
) -> None:
    """Let what is under way end, or leave it to another worker."""
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=grace)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for task in late:
        with contextlib.suppress(StoreUnavailableError):  # then the lease runs out by itself
            await work.rest(running[task], running[task].position)


class _Turn:
    """One taking of one webhook: what is due, then a page of what comes next."""

    def __init__(
        self, delivering: Delivering, taken: TakenWebhook, pace: Pace, stop: asyncio.Event
    ) -> None:
        self._delivering = delivering
        self._taken = taken
        self._pace = pace
        self._stop = stop
        self._until = asyncio.get_running_loop().time() + pace.turn
        self._position = taken.position
        self._failures = taken.failures

    async def run(self) -> None:
        """Deliver, and let go of the webhook."""
        try:
            target = await self._delivering.work.target(self._taken)
            if target is not None:
                await self._deliver(target)
            await self._delivering.work.rest(self._taken, self._position)
        except StoreUnavailableError as error:
            # What was not kept is sent again, once the lease is over.
            _log.warning("a turn was broken off", webhook=str(self._taken.id), error=str(error))
        except Exception:  # noqa: BLE001 - a bug in one turn must not end the worker
            _log.exception("a turn failed", webhook=str(self._taken.id))

    async def _deliver(self, target: Target) -> None:
        for _ in range(self._pace.pages):
            if not await self._try_again(target) or self._taken.held:
                return
            if not await self._go_on(target):
                return

    async def _try_again(self, target: Target) -> bool:
        """Make later attempts, and those of tests; tell whether to go on."""
        for _ in range(self._pace.retries):
            due = None if self._is_over() else await self._delivering.work.due(self._taken)
            if due is None:
                break
            attempt = await self._attempt(target, self._message(due))
            verdict = judge(attempt, due.attempts + 1, self._delivering.jitter())
            # A test tells at once what is wrong.
            tested = due.entry is None and not isinstance(verdict, Delivered)
            result = _result(attempt, Dead() if tested else verdict, due.attempts + 1)
            kept = await self._delivering.work.keep_again(self._taken, target.version, due, result)
            if not await self._may_go_on(kept, verdict, result):
                return False
        return not self._is_over()

    async def _go_on(self, target: Target) -> bool:
        """Make the first attempts of the events that come next; tell whether there may be more."""
        before = self._position
        page = await self._delivering.work.page(before, target.event_types)
        for entry in page.entries:
            if self._is_over():
                return False
            attempt = await self._attempt(target, self._message(entry))
            verdict = judge(attempt, 1, self._delivering.jitter())
            if attempt == NoAnswer(UNREADABLE):
                verdict = Dead()
            failed = isinstance(verdict, Again | Gone)
            if failed or isinstance(verdict, Delivered):
                self._failures = self._failures + 1 if failed else 0
            hold = delay(self._failures, self._delivering.jitter()) if failed else None
            result = _result(attempt, verdict, 1)
            kept = await self._delivering.work.keep_first(
                self._taken, target.version, entry, result, self._failures, hold
            )
            self._position = entry.position
            if not await self._may_go_on(kept, verdict, result) or failed:
                return False
        there_was_more = page.until > before
        self._position = page.until
        return there_was_more

    def _is_over(self) -> bool:
        return self._stop.is_set() or asyncio.get_running_loop().time() >= self._until

    def _message(self, what: Due | RelayedEntry) -> WebhookMessage | None:
        """Make the message of an event or of a test; None of an event that cannot be read."""
        entry = what.entry if isinstance(what, Due) else what
        if entry is None:
            assert isinstance(what, Due)  # noqa: S101 - only a test is without an event
            return of_test(what.id, self._delivering.now())
        try:
            return of_event(entry, self._delivering.decode)
        except Exception:  # noqa: BLE001 - whatever it is, this event is the cause
            _log.exception("an event cannot be read", position=entry.position, type=entry.type)
            return None

    async def _attempt(self, target: Target, message: WebhookMessage | None) -> Attempt:
        if message is None:
            return NoAnswer(UNREADABLE)
        now = self._delivering.now()
        headers = {
            "content-type": "application/json",
            "user-agent": "Ledgerpress-Webhooks",
            **message.headers,
            **signed_headers(str(message.id), now, message.body, target.secrets),
        }
        return await self._delivering.sender.send(target.url, headers, message.body)

    async def _may_go_on(self, kept: Kept | None, verdict: Verdict, result: Result) -> bool:
        """Tell whether to go on, or disable the webhook where that is right."""
        if kept is None:
            return False
        if isinstance(verdict, Gone):
            await self._disable(DisabledBecause.GONE)
            return False
        if not isinstance(verdict, Delivered) and (kept.failing_for or timedelta()) >= FAILING_FOR:
            await self._disable(DisabledBecause.FAILING)
            return False
        return kept.unchanged and result.quiet is None

    async def _disable(self, because: DisabledBecause) -> None:
        caller = Caller(actor=None, at=self._delivering.now(), command="DisableWebhook")
        await disable_webhook(self._delivering.webhooks, caller, self._taken.id, because)
        _log.warning("a webhook is disabled", webhook=str(self._taken.id), reason=because.value)


def _result(attempt: Attempt, verdict: Verdict, attempts: int) -> Result:
    return Result(
        state=_state(verdict).value,
        attempts=attempts,
        again_in=_again_in(verdict),
        status=attempt.status if isinstance(attempt, Answered) else None,
        reason=reason(attempt),
        quiet=None if isinstance(verdict, Delivered) else pause_asked_for(attempt),
    )


def _again_in(verdict: Verdict) -> timedelta | None:
    if isinstance(verdict, Gone):
        return timedelta()  # as soon as the webhook is resumed
    return verdict.delay if isinstance(verdict, Again) else None


def _state(verdict: Verdict) -> DeliveryState:
    match verdict:
        case Delivered():
            return DeliveryState.DELIVERED
        case Again() | Gone():
            return DeliveryState.WAITING
        case Dead():
            return DeliveryState.DEAD
        case _:
            assert_never(verdict)
