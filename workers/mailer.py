"""The mailer: sends the messages that wait, and tries again those that cannot be sent yet.

Several may run at once. Each message has one taker for the time of a lease, so each is sent once,
unless a mailer or the database fails between the sending and the forgetting: then it is sent again
under the same Message-ID. Nothing that is logged names an address or a text.
"""

import asyncio
import traceback
from datetime import timedelta
from typing import assert_never

import structlog

from commands.mail import (
    MailNotSentError,
    MailRefused,
    MailSender,
    TakenMail,
    UnreadableMail,
    WaitingMails,
)
from workers.periodic import repeat

EVERY_SECONDS = 1.0
LEASE = timedelta(seconds=60)
"""Longer than any sender tries."""
GRACE_SECONDS = 3.0
"""For what is being sent when it is told to stop. What is cut off is due when its lease is over."""

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(hours=24)
_AT_ONCE = 8

_log = structlog.stdlib.get_logger("ledgerpress.mailer")


async def run_mailer(
    mails: WaitingMails,
    sender: MailSender,
    *,
    filled: asyncio.Event,
    stop: asyncio.Event,
    every_seconds: float = EVERY_SECONDS,
    lease: timedelta = LEASE,
    grace_seconds: float = GRACE_SECONDS,
) -> None:
    """Send what is due, and again after each pause or when `filled` is set, until `stop` is."""

    async def tick() -> None:
        await send_all_due(mails, sender, stop=stop, lease=lease)

    sending = asyncio.create_task(
        repeat(tick, name="mailer", every_seconds=every_seconds, stop=stop, wake=filled)
    )
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({sending}, timeout=grace_seconds)
    finally:
        sending.cancel()
        stopping.cancel()
        await asyncio.wait({sending, stopping})


async def send_all_due(
    mails: WaitingMails, sender: MailSender, *, stop: asyncio.Event, lease: timedelta = LEASE
) -> None:
    """Try every message that is due once. Raises `StoreUnavailableError`."""
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        lease_ends = clock() + lease.total_seconds()
        taken = await mails.take(_AT_ONCE, lease)
        if not taken:
            return
        tries = (_try(mails, sender, one, lease_ends) for one in taken)
        # All come to their end, and then the first outage is told.
        for failure in await asyncio.gather(*tries, return_exceptions=True):
            if failure is not None:
                raise failure


def next_try(attempts: int, age: timedelta) -> timedelta | None:
    """Tell how long to wait after this many attempts; None when it is time to give up."""
    if age >= GIVEN_UP_AFTER:
        return None
    doublings = min(attempts - 1, 16)  # more than it takes to reach the longest delay
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


async def _try(
    mails: WaitingMails, sender: MailSender, one: TakenMail | UnreadableMail, lease_ends: float
) -> None:
    match one:
        case TakenMail():
            await _send(mails, sender, one, lease_ends)
        case UnreadableMail():
            _log.error(
                "a mail cannot be opened and was given up: is personal_data_key another one?",
                mail=str(one.id),
            )
            await mails.remove(one.id)
        case _:
            assert_never(one)


async def _send(
    mails: WaitingMails, sender: MailSender, taken: TakenMail, lease_ends: float
) -> None:
    try:
        outcome = await sender.send(taken.id, taken.mail)
    except MailNotSentError as error:
        await _put_off(mails, taken, str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one mail must not hold up the others
        await _put_off(mails, taken, _where(error))
    else:
        await _settle(mails, sender, taken, outcome, lease_ends)


async def _put_off(mails: WaitingMails, taken: TakenMail, why: str) -> None:
    known = {"mail": str(taken.id), "attempts": taken.attempts, "why": why}
    delay = next_try(taken.attempts, taken.age)
    if delay is None:
        _log.error("a mail could not be sent and was given up", **known)
        await mails.remove(taken.id)
        return
    _log.warning("a mail could not be sent", **known, next_try_seconds=delay.total_seconds())
    await mails.postpone(taken, delay)


async def _settle(
    mails: WaitingMails,
    sender: MailSender,
    taken: TakenMail,
    outcome: MailRefused | None,
    lease_ends: float,
) -> None:
    if outcome is not None:
        _log.error("a mail was refused and given up", mail=str(taken.id), why=outcome.reason)
    still_there = await mails.remove(taken.id)
    if not still_there and asyncio.get_running_loop().time() < lease_ends:
        # Nobody else had it, so its person was erased meanwhile: what was just sent has to follow.
        await sender.forget(taken.mail.to)


def _where(error: Exception) -> str:
    """Name a bug without its text, in which there might be an address."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno}"
