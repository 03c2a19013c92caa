"""Schemathesis: walks along the links of our document, and every operation by itself.

What is generated is what the document allows (and, in part, what it forbids); the checks compare
each answer with what the document says. Faults are counted, not raised, so that one hides no other.

Of schemathesis' checks these are not made: `positive_data_acceptance`, as much of what the document
allows collides with the present state or with a rule (409, 422); `object_level_authorization`, as
`tests/http/test_access.py` asks every address as every caller; `max_response_time`, as no test of
ours measures time on a machine that may be busy.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

import requests
import schemathesis
from hypothesis import given, seed
from hypothesis.errors import Flaky, Unsatisfiable
from schemathesis import GenerationMode, Response
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from tests.hostile.answers import Visitor
from tests.hostile.furnished import furnished
from tests.hostile.good_requests import GOOD
from tests.hostile.judging import DELIBERATE, Tally
from tests.hostile.properties import count_of, settings_of
from tests.hostile.shelf import Kept, Shelf
from tests.hostile.stock import STRANGER, Stock
from tests.support.http import DEADLINE, RawAnswer

Operation = Any
Schema = Any
Recorder = Any
Case = schemathesis.Case[Any]
"""These are generic over types that nobody names here."""

CHECKS: Sequence[CheckFunction] = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
)
OF_WALKS: Sequence[CheckFunction] = (
    *CHECKS,
    checks.use_after_free,
    checks.ensure_resource_availability,
)
OF_COVERAGE: Sequence[CheckFunction] = (
    *CHECKS,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.allow_header_conformance,
)
OF_WRONG_DATA: Sequence[CheckFunction] = (*OF_COVERAGE, checks.negative_data_rejection)
"""Not where a header field is wrong: what nobody understands is ignored, not refused (Prefer: RFC
7240, section 2; dates and ranges: RFC 9110, 13.1.3 and 14.2)."""
_METHODS = {"get", "put", "post", "delete", "patch", "trace"}
_FORGIVE_EACH = 20
_MAY_NOT = frozenset({401, 403})
_UPLOAD = "POST /upload"
ENDLESS = ("followLog", "followExport")
"""Answers without an end, which the other half of the suite asks for."""


_BY_WORD_OF_MOUTH = frozenset(
    name for name in GOOD if re.search(r"/(login|verify|refresh|reset|forgot|me/|users/)", name)
)
"""Bodies that hold a password, a token or an account: those of a good request are sent."""


class Explorer:
    """Sends schemathesis' cases as the callers that may do it, and judges the answers."""

    def __init__(
        self,
        visitor: Visitor,
        stock: Stock,
        tally: Tally,
        document: Mapping[str, Any],
        operations: Collection[str],
    ) -> None:
        self._visitor = visitor
        self._tally = tally
        self._base_url = f"http://{visitor.target.address}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._stock = stock
        self._shelf = Shelf(stock)
        self._asked = 0
        self._asked_for = frozenset(operations)
        self._furnished = _schema(furnished(document, stock))
        self._as_it_is = _schema(document)

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def walk(self, number: int, walks: int, steps: int) -> None:
        """Go from operation to operation, along the links."""
        explorer, begun = self, list[None]()
        machine: Any = self._furnished.as_state_machine()
        # Without a link nobody knows an id that leads somewhere.
        rules = {name for name in machine.root_rules if re.search(r"_id_|_name_|_code_", name)}

        class Walk(machine):  # type: ignore[misc]  # made at run time
            def setup(self) -> None:
                begun.append(None)

            def call(self, case: Case, **_: object) -> Response:
                return explorer.send(case)

            def validate_response(self, response: Response, case: Case, **_: object) -> None:
                stays = "rebuild_id" in case.path_parameters  # cancelled, and still to be seen
                wanted = CHECKS if stays else OF_WALKS
                explorer.judge(case, response, wanted, recorder=self.recorder)

        for rule in rules:
            setattr(Walk, rule, None)
        for attempt in range(walks):
            left = walks - len(begun)
            if left <= 0:
                break
            seed(number + attempt)(Walk)
            # The same choices may lead elsewhere, as the target remembers what was before.
            with suppress(Flaky, Unsatisfiable):
                Walk.run(settings=settings_of(left, steps))

    def allowed(self, number: int, examples: int) -> None:
        """Ask for every operation by itself, with what the document allows."""
        for operation in self._operations(self._furnished):
            self._one(number, operation, GenerationMode.POSITIVE, examples)

    def forbidden(self, number: int, examples: int) -> None:
        """Ask for every operation by itself, with something that the document forbids."""
        for operation in self._operations(self._as_it_is):
            try:
                self._one(number, operation, GenerationMode.NEGATIVE, examples)
            except Unsatisfiable:
                continue  # it takes nothing that could be wrong

    def _one(self, number: int, operation: Operation, mode: GenerationMode, examples: int) -> None:
        @seed(number + crc32(operation.label.encode()))
        @settings_of(count_of(operation.label, examples))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            self._fitted(case)

        ask()

    def edges(self, most: int) -> None:
        """Ask for every operation at the edges of what its parameters may be."""
        schema = self._as_it_is
        for operation in self._operations(schema):
            cases = schema.iter_coverage_cases(
                operation,
                generation_modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
                generation_config=schema.config.generation_for(operation=operation),
            )
            for _, case in zip(range(count_of(operation.label, most)), cases, strict=False):
                self._fitted(case)

    def _operations(self, schema: Schema) -> Iterator[Operation]:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            if result.ok().label in self._asked_for:
                yield result.ok()

    def _fitted(self, case: Case) -> None:
        """Send a case about something that is there, but for what it has wrong on purpose."""
        kept = self._shelf.take(case.operation.label)
        good, meta = kept.good, case.meta

        def wrong(where: ParameterLocation) -> bool:
            return meta is not None and meta.is_negative_at(where)

        located = [place for place in ParameterLocation if wrong(place)]
        must_be_refused = located and ParameterLocation.HEADER not in located
        path, _, query = good.path.partition("?")
        if not wrong(ParameterLocation.PATH):
            named = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", case.operation.path)
            found = re.fullmatch(named, path)
            case.path_parameters = found.groupdict() if found else {}
        if not wrong(ParameterLocation.QUERY):
            needed = {one.name for one in case.operation.query if one.is_required}
            known = {name: value for name, value in parse_qsl(query) if name in needed}
            case.query = {**(case.query or {}), **known}
        tag = good.field(b"If-Match")
        if tag is not None and not wrong(ParameterLocation.HEADER) and "If-Match" in case.headers:
            case.headers["If-Match"] = tag.decode()
        if case.operation.label in _BY_WORD_OF_MOUTH and not wrong(ParameterLocation.BODY):
            case.body = json.loads(good.body or b"null") or case.body
        response = self.send(case, kept)
        self._shelf.used(kept, response.status_code)
        is_form = case.operation.label == _UPLOAD  # whose body is a good one in any case
        self.judge(
            case, response, OF_WRONG_DATA if must_be_refused and not is_form else OF_COVERAGE
        )

    def send(self, case: Case, kept: Kept | None = None) -> Response:
        """Send a case as somebody who may do it."""
        self._asked += 1
        if self._asked % _FORGIVE_EACH == 0:
            self._stock.forgive()
        kept = kept or self._shelf.take(case.operation.label)
        caller, token = kept.good.caller, kept.token
        if caller != STRANGER:
            token = self._stock.token(caller)
        more: dict[str, Any] = {"headers": {}}
        if token is not None:
            more["headers"]["Authorization"] = f"Bearer {token}"
        if case.operation.label == _UPLOAD and case.method.upper() == "POST":
            whole = GOOD[_UPLOAD](self._stock)
            more["headers"]["Content-Type"] = (whole.field(b"Content-Type") or b"").decode()
            more["data"] = whole.body
        response = case.call(
            base_url=self._base_url,
            session=self._session,
            allow_redirects=False,
            timeout=DEADLINE,
            **more,
        )
        if response.status_code in _MAY_NOT and token is not None and self._stock.is_past(caller):
            self._visitor.target.forget(caller)
            self._shelf.drop(case.operation.label)
        return response

    def judge(
        self,
        case: Case,
        response: Response,
        wanted: Sequence[CheckFunction],
        recorder: Recorder = None,
    ) -> None:
        """Count the answer, and whatever is wrong with it by schemathesis and by ourselves."""
        name = f"{case.method.upper()} {case.operation.path}"
        answer = RawAnswer(
            response.status_code,
            [(key, value) for key, values in response.headers.items() for value in values],
            response.content,
        )
        target = urlsplit(response.request.url or "/").path or "/"
        sent = f"{case.method.upper()} {target} ".encode() + repr(case).encode()
        self._tally.judge(name, case.method.upper(), sent, answer)
        deliberate = any(answer.status == status for _, status in DELIBERATE)
        try:
            case.validate_response(
                response,
                checks=[*wanted] if deliberate else [*wanted, not_a_server_error],
                headers={"Authorization": response.request.headers.get("Authorization", "")},
                transport_kwargs={"base_url": self._base_url, "session": self._session},
                recorder=recorder,
            )
        except FailureGroup as found:
            for failure in found.exceptions:
                self._fault(name, failure, sent, answer)
        except Failure as found:
            self._fault(name, found, sent, answer)

    def _fault(self, name: str, found: BaseException, sent: bytes, answer: RawAnswer) -> None:
        what = f"{getattr(found, 'title', '')}: {getattr(found, 'message', found)}"
        self._tally.fault(name, what, sent, b"%d %b" % (answer.status, answer.body[:300]))


def _schema(document: Mapping[str, Any]) -> Schema:
    """Load a document, but for what has no end."""
    whole = schemathesis.openapi.from_dict(dict(document), config=schemathesis.Config())
    # QUERY, which is tried besides, is no method that we know: 501, not 405 (RFC 9110, 15.6.2).
    whole.config.phases.coverage.unexpected_methods = _METHODS
    # What does not hold, and what is too large, is refused as well.
    refusals = whole.config.checks.negative_data_rejection
    refusals.expected_statuses = [*refusals.expected_statuses, "412", "413", "414"]
    return whole.exclude(operation_id=list(ENDLESS))
