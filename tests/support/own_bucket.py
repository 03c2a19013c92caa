"""A store that speaks as much of the protocol of S3 as the product uses, in memory.

It checks no signature. What a real store does beyond that (consistency, time-outs) it cannot show.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "bucket"

_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "something",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


class Bucket(ThreadingHTTPServer):
    """One bucket, and what is in it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.numbers = count(1)
        self.broken = False
        """Whether everything is answered with 403, as for wrong credentials."""

    @property
    def variables(self) -> dict[str, str]:
        """What the environment has to say for it."""
        return {**_VARIABLES, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_port}"}


@contextmanager
def own_bucket() -> Iterator[Bucket]:
    """Serve an empty bucket."""
    bucket = Bucket()
    thread = threading.Thread(target=bucket.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield bucket
    finally:
        bucket.shutdown()
        thread.join()
        bucket.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if "uploadId" in self._query:
            parts = self.server.parts[self._query["uploadId"]]
            parts[int(self._query["partNumber"])] = body
        elif not self.server.broken:
            self.server.objects[self._key] = body
        self._answer(200, fields={"ETag": _tag(body)})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if "uploads" in self._query:
            upload = str(next(self.server.numbers))
            self.server.parts[upload] = {}
            self._answer(
                200, _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
            )
        elif "uploadId" in self._query:
            parts = self.server.parts.pop(self._query["uploadId"])
            whole = b"".join(parts[number] for number in sorted(parts))
            self.server.objects[self._key] = whole
            self._answer(200, _xml("CompleteMultipartUploadResult", f"<ETag>{_tag(whole)}</ETag>"))
        elif not self.server.broken:  # many are deleted at once
            deleted = [piece.split("</Key>")[0] for piece in body.decode().split("<Key>")[1:]]
            for key in deleted:
                self.server.objects.pop(unquote(key), None)
            listed = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in deleted)
            self._answer(200, _xml("DeleteResult", listed))
        else:
            self._answer(403)

    def do_GET(self) -> None:
        if "list-type" in self._query:
            listed = "".join(
                f"<Contents><Key>{key}</Key><Size>{len(content)}</Size>"
                f"<ETag>{_tag(content)}</ETag>"
                "<LastModified>2026-03-01T09:00:00.000Z</LastModified></Contents>"
                for key, content in sorted(self.server.objects.items())
                if key.startswith(self._query.get("prefix", ""))
            )
            self._answer(200, _xml("ListBucketResult", listed))
            return
        content = self.server.objects.get(self._key)
        if content is None:
            self._answer(404, _xml("Error", "<Code>NoSuchKey</Code>"))
            return
        fields = {"ETag": _tag(content), "Last-Modified": "Sun, 01 Mar 2026 09:00:00 GMT"}
        asked = self.headers["range"]
        if asked is None:
            self._answer(200, content, fields)
            return
        first, last = asked.removeprefix("bytes=").split("-")
        part = content[int(first) : int(last) + 1]
        end = int(first) + len(part) - 1
        self._answer(206, part, {**fields, "Content-Range": f"bytes {first}-{end}/{len(content)}"})

    do_HEAD = do_GET  # noqa: N815 - as above

    def do_DELETE(self) -> None:
        if not self.server.broken:
            self.server.objects.pop(self._key, None)
        self._answer(204)

    @property
    def _query(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")

    def _answer(self, status: int, body: bytes = b"", fields: dict[str, str] | None = None) -> None:
        if self.server.broken:
            status, body = 403, _xml("Error", "<Code>AccessDenied</Code>")
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _tag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(name: str, inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>'.encode()
