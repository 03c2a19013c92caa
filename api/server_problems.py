"""The problems of requests that never reach the application, written as all others are."""

from collections.abc import Callable

from api.problems import problem_bytes


def server_problem_body(base_url: str) -> Callable[[int, str, str, str, str], bytes]:
    """Make what the HTTP server writes its own problems with.

    It takes status, error, detail, instance and request id. The status is that of the catalogue
    already; a test holds the server's errors against it.
    """

    def body(_status: int, error: str, detail: str, instance: str, request_id: str) -> bytes:
        return problem_bytes(
            error, detail=detail, instance=instance, request_id=request_id, base_url=base_url
        )

    return body
