"""Hypothesis: good requests with odd header fields, or an odd body, and what may come of them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hostile.answers import Visitor
from tests.hostile.good import request_of
from tests.hostile.good_requests import SLOW
from tests.hostile.judging import REFUSED, Tally
from tests.hostile.odd_bodies import in_chunks, odd_form, odd_json
from tests.hostile.odd_fields import Field, odd_fields
from tests.hostile.shelf import Kept, Shelf
from tests.hostile.stock import Stock
from tests.hostile.truth import Truth
from tests.support.http import RawAnswer

Fields = tuple[Field, ...]

_FORGIVE_EACH = 20
_TYPE = b"Content-Type"


class Properties:
    """Sends good requests with something odd in them, and judges what comes back."""

    def __init__(
        self,
        visitor: Visitor,
        stock: Stock,
        tally: Tally,
        document: dict[str, Any],
        operations: Collection[str],
    ) -> None:
        self._visitor = visitor
        self._tally = tally
        self._truth = Truth(document)
        self._stock = stock
        self._shelf = Shelf(stock)
        self._operations = operations
        self._asked = 0

    def good(self) -> None:
        """Send each request as it is: it is done."""
        for operation in self._operations:
            kept = self._shelf.take(operation)
            status = self._send(kept, kept.good.fields, kept.good.body)
            if status is None or status >= REFUSED:
                self._tally.fault(
                    operation, "a good request is refused", b"", b"%d" % (status or 0)
                )

    def fields(self, number: int, each: int) -> None:
        """Send every good request with odd fields, so many times."""
        for operation in self._operations:
            self._with_odd_fields(number, operation, count_of(operation, each))

    def bodies(self, number: int, each: int) -> None:
        """Send every good request that has a body with odd ones, so many times."""
        for operation in self._operations:
            if self._shelf.take(operation).good.field(_TYPE) is not None:
                self._with_odd_bodies(number, operation, count_of(operation, each))

    def _with_odd_fields(self, number: int, operation: str, examples: int) -> None:
        @seed(number + crc32(operation.encode()))
        @settings_of(examples)
        @given(odd=odd_fields)
        def send(odd: list[Field]) -> None:
            kept = self._shelf.take(operation)
            names = {name.lower() for name, _ in odd}
            token = None if b"authorization" in names else kept.token
            fields = [field for field in kept.good.fields if field[0].lower() not in names]
            self._send(kept._replace(token=token), tuple(fields) + tuple(odd), kept.good.body)

        send()

    def _with_odd_bodies(self, number: int, operation: str, examples: int) -> None:
        @seed(number + crc32(operation.encode()))
        @settings_of(examples)
        @given(data=st.data())
        def send(data: st.DataObject) -> None:
            kept = self._shelf.take(operation)
            is_form = operation == "POST /upload"
            odd = odd_form() if is_form else odd_json(kept.good.body or b"{}")
            kind, body = data.draw(odd)
            fields = kept.good.fields
            if kind is not None:
                apart = (field for field in fields if field[0] != _TYPE)
                fields = (*apart, (_TYPE, kind))
            chunked = data.draw(st.booleans())
            if chunked:
                body = data.draw(in_chunks(body))
            self._send(kept, fields, body, chunked=chunked)

        send()

    def _send(
        self, kept: Kept, fields: Fields, body: bytes | None, *, chunked: bool = False
    ) -> int | None:
        """Send a request, judge the answer, and give its status."""
        self._asked += 1
        if self._asked % _FORGIVE_EACH == 0:
            self._stock.forgive()
        good, tally = kept.good._replace(fields=fields, body=body), self._tally
        operation = good.operation
        request = request_of(good, self._visitor.target.address, kept.token, chunked=chunked)
        answer = self._visitor.ask(good.method, request)
        if answer is None:
            tally.fault(operation, "no answer", request, b"")
            self._shelf.drop(operation)
            return None
        tally.judge(operation, good.method, request, answer)
        for wrong in (self._truth.untold(request, answer), _without_id(answer)):
            if wrong is not None:
                tally.fault(
                    operation, wrong, request, b"%d %b" % (answer.status, answer.body[:300])
                )
        self._shelf.used(kept, answer.status)
        return answer.status


def count_of(operation: str, each: int) -> int:
    """Say how often to ask, if others are asked so often."""
    return 1 + each // 10 if operation in SLOW else each


def _without_id(answer: RawAnswer) -> str | None:
    """Say that an answer has no request id, or one that is none."""
    try:
        UUID(answer.field("x-request-id") or "")
    except ValueError:
        return "no request id"
    return None


def settings_of(examples: int, steps: int = 1) -> settings:
    """Generate so many examples: nothing is raised, and so nothing is made smaller."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
