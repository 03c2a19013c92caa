"""Requests that may be repeated safely: the Idempotency-Key header, from request to stored answer.

The first answer is stored in the transaction of its events, so that a repeat gets it even when the
server died before the client heard it. Refusals are not stored: a corrected request may use the
key again.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from uuid import UUID

import msgspec

from api.exchange import Exchange
from api.idempotency_key import fingerprint, parse_idempotency_key
from commands.outcomes import KeyInFlight, KeyReused, Malformed, Outcome, Replayed, Representation
from commands.ports import FirstAnswer, IdempotencyKey

Remember = Callable[[Representation], FirstAnswer]
"""Makes what is stored under the key, once the representation is known."""

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Replayed)


async def once(
    exchange: Exchange,
    account_id: UUID,
    body: bytes,
    status: int,
    do: Callable[[Remember | None], Awaitable[Outcome]],
) -> Outcome:
    """Do it, or give the answer that the same request with this key got before.

    `status` is that of the answer to remember.
    """

    async def read() -> bytes | Outcome:
        content_type = exchange.headers.one(b"content-type") or ""
        return fingerprint(exchange.method, exchange.path, content_type, body)

    return await once_read(exchange, account_id, read, status, do)


async def once_read(
    exchange: Exchange,
    account_id: UUID,
    read: Callable[[], Awaitable[bytes | Outcome]],
    status: int,
    do: Callable[[Remember | None], Awaitable[Outcome]],
) -> Outcome:
    """Do as `once`, for a request whose body is yet to come.

    `read` takes it, and gives what makes it the same request, or what is wrong with it. While it is
    read the key is in flight.
    """
    text = parse_idempotency_key(exchange.headers)
    if isinstance(text, Malformed):
        return text
    if text is None:
        mark = await read()
        return await do(None) if isinstance(mark, bytes) else mark
    in_flight = exchange.services.in_flight_keys
    if (account_id, text) in in_flight:
        return KeyInFlight()
    in_flight.add((account_id, text))
    try:
        mark = await read()
        if not isinstance(mark, bytes):
            return mark
        # Hashed, as nobody knows what a client puts into it; some use addresses of people.
        key = IdempotencyKey(account_id, sha256(text.encode()).hexdigest(), mark)
        answered = await _answered(exchange, key)
        if answered is not None:
            return answered
        outcome = await do(lambda resource: _first_answer(key, status, resource))
        if isinstance(outcome, KeyInFlight):  # another process was faster: its answer is there
            return await _answered(exchange, key) or outcome
        return outcome
    finally:
        in_flight.discard((account_id, text))


async def _answered(exchange: Exchange, key: IdempotencyKey) -> Outcome | None:
    first = await exchange.services.answers.first_answer(key)
    if first is None:
        return None
    if first.key.fingerprint != key.fingerprint:
        return KeyReused()
    return _decoder.decode(first.answer)


def _first_answer(key: IdempotencyKey, status: int, resource: Representation) -> FirstAnswer:
    shows_body = status not in {204, 303}
    # 202 shows what is under way, which is no representation with a version of its own.
    shows_tag = shows_body and status != 202  # noqa: PLR2004 - as above
    replay = Replayed(
        status=status,
        location=resource.location,
        tag=resource.tag if shows_tag else None,
        modified=resource.modified if shows_tag else None,
        body=resource.body if shows_body else b"",
    )
    return FirstAnswer(key, _encode(replay))
