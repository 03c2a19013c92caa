"""Measures files: downloads beside one nginx worker, uploads beside writing the same bytes to disk.

Run as `python -m tests.bench.files`. Everything takes turns with its baseline in every round, and
medians of the rounds' ratios are taken: read the ratios, not the rates. The file is one that a
published post shows. The product itself asks the database with every request whether it may be
seen; the shipped nginx in front, with one worker too, asks the product each time, or where it keeps
files every few seconds. All speak plain HTTP here. A write to disk is what keeping an upload takes:
a new file, flushed, renamed, its folder flushed.
"""

import asyncio
import os
import re
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from infra.cli.nginx import edge_texts
from infra.nginx.configuration import Front, nginx_configuration
from tests.bench.file_client import Done, Job
from tests.bench.file_process import Served, Setup
from tests.bench.http import peak_memory
from tests.bench.machine import describe
from tests.bench.store import durable_databases
from tests.support.own_nginx import own_nginx
from tests.support.ports import free_ports
from tests.support.stored_files import some_bytes

ROUNDS = 7
SECONDS = 1.5
SIZE = 10 * 1024 * 1024
RANGE = 64 * 1024

DOWNLOADS = {
    "10 MB, 1 client": (1, None, 0.7),
    "10 MB, 32 clients": (32, None, 0.7),
    "64 KB range, 1 client": (1, RANGE, 1.0),
    "64 KB range, 32 clients": (32, RANGE, 1.0),
}
"""By name: how many clients, what range each asks for, the target."""


class Rates(NamedTuple):
    """Answers per second of bare nginx, of the product, and of nginx in front of it."""

    nginx: float
    direct: float
    asking: float
    """The product, each time."""
    keeping: float
    """What it has for `KEPT` seconds."""


KEPT = 5

UPLOADS = {"1 MB": 1024 * 1024, "10 MB": SIZE - 1024}
UPLOAD_TARGET = 0.5
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
"""As browsers draw it: a short one takes longer to look for."""
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
UPLOADS_A_ROUND = 8
CLIENTS = 32


async def main() -> None:
    """Measure everything and print the tables."""
    console = Console(width=120)
    rates: dict[str, list[Rates]] = {kind: [] for kind in DOWNLOADS}
    (port,) = free_ports(1)
    async with (
        durable_databases() as (databases, folder),
        databases.fresh() as url,
        own_nginx(lambda root: nginx_conf(root, port), [port]) as nginx,
    ):
        machine = await describe(url, folder)
        content = nginx.folder / "file.png"
        content.write_bytes(some_bytes(SIZE))
        content.chmod(0o644)
        async with file_process(Setup(url, str(folder), str(content))) as (process, served):
            await show(served)
            path, own_port = f"/files/{served.file_id}", urlsplit(served.address).port or 0
            async with in_front(own_port, 0) as asking, in_front(own_port, KEPT) as keeping:
                for _ in range(ROUNDS):
                    for kind, (clients, range_bytes, _target) in DOWNLOADS.items():
                        job = Job(port, "/file.png", SIZE, clients, SECONDS, range_bytes)
                        of_kind = [await rate(job)]
                        for each in (own_port, asking, keeping):
                            theirs = msgspec.structs.replace(job, port=each, path=path)
                            of_kind.append(await rate(theirs))
                        rates[kind].append(Rates(*of_kind))
            memory = peak_memory(process)
            console.print(of_downloads(rates))
            uploads = await asyncio.to_thread(measure_uploads, served, folder)
            await asyncio.to_thread(upload_at_once, served)
            memory_of_uploads = peak_memory(process)
    console.print(of_uploads(uploads))
    console.print(
        f"peak memory of the API process {memory} after the downloads, {memory_of_uploads} after "
        f"{CLIENTS} clients uploaded at once; {machine}",
        highlight=False,
    )


def of_downloads(rates: dict[str, list[Rates]]) -> Table:
    """Lay out how downloads compare."""
    table = Table(
        *(
            "download",
            "nginx, /s",
            "of it: direct",
            "nginx in front",
            "..that keeps files",
            "target",
        )
    )
    for kind, of_kind in rates.items():
        bare = [each.nginx for each in of_kind]
        table.add_row(
            kind,
            f"{statistics.median(bare):,.0f}",
            ratios([each.direct for each in of_kind], bare),
            ratios([each.asking for each in of_kind], bare),
            ratios([each.keeping for each in of_kind], bare),
            f"{DOWNLOADS[kind][2]}x",
        )
    return table


def ratios(rates: list[float], baselines: list[float]) -> str:
    """Write the median of the rounds' ratios, with the lowest and the highest."""
    of_rounds = [rate / baseline for rate, baseline in zip(rates, baselines, strict=True)]
    span = f"{min(of_rounds):.2f}..{max(of_rounds):.2f}"
    return f"{statistics.median(of_rounds):.2f}x ({span})"


@asynccontextmanager
async def in_front(backend: int, seconds: int) -> AsyncIterator[int]:
    """Run the shipped nginx in front, but for TLS; give its port."""
    unused, port = free_ports(2)

    def configure(folder: Path) -> str:
        front = Front(
            public_url=f"https://127.0.0.1:{port}",
            server_names=("127.0.0.1",),
            backends=(f"127.0.0.1:{backend}",),
            certificate=folder / "none.pem",
            key=folder / "none.pem",
            addresses=("127.0.0.1",),
            http_port=unused,
            https_port=port,
            user="root" if os.getuid() == 0 else None,
            folder=folder,
            workers=1,
            max_body_bytes=SIZE,
            max_upload_bytes=SIZE,
            keep_files_seconds=seconds,
        )
        shipped = nginx_configuration(front, edge_texts())
        plain = re.sub(" ssl http2|ssl_certificate.*;", "", shipped)
        # As for the other: the clients of this measurement do not connect again.
        return plain.replace("http {", "http {\n    keepalive_requests 100000000;", 1)

    async with own_nginx(configure, [port]):
        yield port


def nginx_conf(folder: Path, port: int) -> str:
    """Configure one worker as fast as it comes."""
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
        worker_processes 1;
        pid {folder}/nginx.pid;
        events {{ worker_connections 256; }}
        http {{
          {temporary}
          access_log off;
          sendfile on;
          keepalive_requests 100000000;
          types {{ image/png png; }}
          server {{ listen 127.0.0.1:{port}; root {folder}; }}
        }}
    """


async def rate(job: Job) -> float:
    """Do a job in a process of its own, and tell the answers per second."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.file_client", stdin=PIPE, stdout=PIPE
    )
    output, _ = await client.communicate(msgspec.json.encode(job))
    done = msgspec.json.decode(output, type=Done)
    assert done.body_bytes == done.answers * (job.range_bytes or job.size)
    return done.answers / done.seconds


def measure_uploads(served: Served, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Upload and write in turn; give the seconds that each took, upload first."""
    took: dict[str, list[tuple[float, float]]] = {kind: [] for kind in UPLOADS}
    connection = HTTPConnection(urlsplit(served.address).netloc, timeout=60)
    for number in range(ROUNDS):
        for kind, size in UPLOADS.items():
            contents = [some_pdf(size, 100 * number + each) for each in range(UPLOADS_A_ROUND)]
            bodies = [multipart(each) for each in contents]
            begun = time.perf_counter()
            for body in bodies:
                post(connection, served, body)
            uploaded = time.perf_counter()
            for each in contents:
                write_durably(folder, each)
            took[kind].append((uploaded - begun, time.perf_counter() - uploaded))
    connection.close()
    return took


def upload_at_once(served: Served) -> None:
    """Have many clients upload, each the largest file."""
    body = multipart(some_pdf(UPLOADS["10 MB"], seed=1_000_000))

    def client(_: int) -> None:
        connection = HTTPConnection(urlsplit(served.address).netloc, timeout=60)
        for _each in range(3):
            post(connection, served, body)
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))


def some_pdf(size: int, seed: int) -> bytes:
    """Make bytes that are taken for a PDF."""
    return b"%PDF-1.7\n" + some_bytes(size - 9, seed=seed)


def post(connection: HTTPConnection, served: Served, body: bytes) -> None:
    """Upload a form, by a client that itself costs next to nothing."""
    headers = MULTIPART | {"authorization": f"Bearer {served.token}"}
    connection.request("POST", "/upload", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == HTTPStatus.CREATED, said


def multipart(content: bytes) -> bytes:
    """Wrap a file as a form does."""
    head = 'content-disposition: form-data; name="file"; filename="a.pdf"\r\n'
    kind = "content-type: application/pdf\r\n\r\n"
    return f"--{BOUNDARY}\r\n{head}{kind}".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def write_durably(folder: Path, content: bytes) -> None:
    """Have the bytes in a file that survives a power cut."""
    path = folder / "written"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.rename(folder / "moved")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    (folder / "moved").unlink()


def of_uploads(took: dict[str, list[tuple[float, float]]]) -> Table:
    """Lay out how uploads compare."""
    table = Table("upload, 1 client", "ms", "ms to disk", "of disk", "target", "lowest..highest")
    for kind, of_kind in took.items():
        ratios = [disk / upload for upload, disk in of_kind]
        table.add_row(
            kind,
            f"{statistics.median(each for each, _ in of_kind) / UPLOADS_A_ROUND * 1000:.1f}",
            f"{statistics.median(each for _, each in of_kind) / UPLOADS_A_ROUND * 1000:.1f}",
            f"{statistics.median(ratios):.2f}x",
            f"{UPLOAD_TARGET}x",
            f"{min(ratios):.2f}x..{max(ratios):.2f}x",
        )
    return table


async def show(served: Served) -> None:
    """Publish a post that shows the file."""
    token = {"authorization": f"Bearer {served.token}"}
    async with httpx.AsyncClient(base_url=served.address, headers=token, timeout=10) as client:
        post = {
            "title": "With a file",
            "content": "See below.",
            "category": "tech",
            "attachments": [str(served.file_id)],
        }
        made = await client.post("/posts", json=post)
        assert made.status_code == 201, made.text
        published = await client.post(f"{made.headers['location']}/publish")
        assert published.status_code == 200, published.text


@asynccontextmanager
async def file_process(setup: Setup) -> AsyncIterator[tuple[Process, Served]]:
    """Run the API in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.file_process", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(msgspec.json.encode(setup) + b"\n")
        yield process, msgspec.json.decode(await process.stdout.readline(), type=Served)
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    uvloop.run(main())
