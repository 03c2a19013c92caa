"""The stream of events in JetStream: its name, its subjects and its limits.

It is made where there is none, and otherwise left as it is: operators may give theirs replicas, or
other limits.
"""

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from projections.relaying import SUBJECTS

STREAM = "LEDGERPRESS_EVENTS"

MAX_AGE_SECONDS = 7 * 24 * 3600
MAX_BYTES = 256 * 1024 * 1024
"""Past either the oldest messages go: the log has all of them."""

DUPLICATE_WINDOW_SECONDS = 120
"""For how long JetStream knows the ids of messages that it has stored."""

CONFIGURATION = StreamConfig(
    name=STREAM,
    description="Every event of Ledgerpress, in the order of its log.",
    subjects=[f"{SUBJECTS}.>"],
    retention=RetentionPolicy.LIMITS,
    storage=StorageType.FILE,
    discard=DiscardPolicy.OLD,
    max_age=MAX_AGE_SECONDS,
    max_bytes=MAX_BYTES,
    duplicate_window=DUPLICATE_WINDOW_SECONDS,
    allow_direct=True,
    allow_atomic=True,  # servers before 2.12 do not know it and pass it over
)


async def found_or_made(jetstream: JetStreamContext) -> tuple[StreamInfo, bool]:
    """Look at the stream, made if there is none; tell whether it was."""
    try:
        return await jetstream.stream_info(STREAM), False
    except NotFoundError:
        return await jetstream.add_stream(CONFIGURATION), True
