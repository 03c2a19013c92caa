"""A subscriber to the events of Ledgerpress, to begin one's own with. It needs nats-py alone.

Run as `python subscriber.py NATS_URL DATABASE_FILE`. It keeps the titles of posts in SQLite.
"""

# ruff: noqa: INP001 - a file to copy, no part of a package

import asyncio
import json
import sqlite3
import sys

import nats
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingYetError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

STREAM, DURABLE, SUBJECTS = "LEDGERPRESS_EVENTS", "titles", "ledgerpress.events.post.>"
ACK_WAIT_SECONDS = 30.0
RETRY_SECONDS = [1.0, 5.0, 30.0, 120.0]
"""Until a message is delivered again that was not acknowledged."""

CONSUMER = ConsumerConfig(
    durable_name=DURABLE,
    filter_subject=SUBJECTS,
    deliver_policy=DeliverPolicy.ALL,
    ack_policy=AckPolicy.EXPLICIT,
    ack_wait=ACK_WAIT_SECONDS,
    max_deliver=len(RETRY_SECONDS) + 1,  # without it JetStream would go on for ever
    backoff=RETRY_SECONDS,
    max_ack_pending=100,
)

SCHEMA = """
create table if not exists seen (event_id text primary key);
create table if not exists titles (post text primary key, version int, title text);
"""


def handle(database: sqlite3.Connection, message: Msg) -> None:
    """Do what an event asks for, once: the effect and the event's id are one transaction."""
    headers = message.headers or {}
    post, version = headers["Ledgerpress-Stream"], int(headers["Ledgerpress-Version"])
    event = json.loads(message.data)
    with database:
        known = database.execute("insert or ignore into seen values (?)", [headers["Nats-Msg-Id"]])
        if known.rowcount and "title" in event:
            database.execute(
                "insert into titles values (?, ?, ?) on conflict (post) do update set"
                " version = excluded.version, title = excluded.title"
                " where excluded.version > version",
                [post, version, event["title"]],
            )


async def work(database: sqlite3.Connection, message: Msg) -> None:
    """Handle a message; say meanwhile that it is being worked on, and in the end that it is done.

    What fails comes again after a while, and at last not any more: look at `num_pending` and at the
    advisories of the consumer, or keep what failed somewhere.
    """
    working = asyncio.create_task(_in_progress(message))
    try:
        await asyncio.to_thread(handle, database, message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the message is to come again
        sys.stderr.write(f"{message.subject}: {error!r}\n")
    else:
        await message.ack()
    finally:
        working.cancel()


async def _in_progress(message: Msg) -> None:
    while True:
        await asyncio.sleep(min(ACK_WAIT_SECONDS, *RETRY_SECONDS) / 2)
        await message.in_progress()


async def subscribe(jetstream: JetStreamContext, database: sqlite3.Connection) -> None:
    """Fetch and handle until the consumer is gone."""
    await jetstream.add_consumer(STREAM, CONSUMER)
    subscription = await jetstream.pull_subscribe_bind(DURABLE, STREAM)
    while True:
        try:
            messages = await subscription.fetch(50, timeout=5)
        except NothingYetError:
            await jetstream.consumer_info(STREAM, DURABLE)  # a fetch alone would not notice
            continue
        for message in messages:
            await work(database, message)


async def main(url: str, file: str) -> None:
    """Subscribe for ever, whatever happens to the broker."""
    database = sqlite3.connect(file, check_same_thread=False)
    database.executescript(SCHEMA)
    client = await nats.connect(url, max_reconnect_attempts=-1, name="titles")
    while True:
        try:
            await subscribe(client.jetstream(), database)
        except (NotFoundError, NothingYetError, nats.errors.Error):
            await asyncio.sleep(1)  # the relay makes the stream anew, and this its consumer


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
