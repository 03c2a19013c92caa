"""Writes problem details (RFC 9457): the one shape of every 4xx and 5xx body."""

import msgspec

from api.problem_catalogue import CATALOGUE

MEDIA_TYPE = "application/problem+json"


def problem_bytes(
    error: str,
    *,
    instance: str,
    request_id: str,
    base_url: str,
    detail: str | None = None,
    **extra: object,
) -> bytes:
    """Write the body for an error of the catalogue.

    Without `detail` the catalogue's own sentence is sent, so that two such bodies differ in
    `instance` and `requestId` alone. Members of `extra` come last, in the order given, spelled as
    they are; one that is None is left out.
    """
    problem = CATALOGUE[error]
    members: dict[str, object] = {
        "type": f"{base_url}/problems/{error}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.meaning if detail is None else detail,
        "instance": instance,
        "error": error,
        "requestId": request_id,
    }
    members.update((name, value) for name, value in extra.items() if value is not None)
    return msgspec.json.encode(members)
