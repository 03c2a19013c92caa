"""`ledgerpress worker` shows its metrics where it says; a collector that is silent harms nobody."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from infra.embedded.services import Services
from tests.support.exposition import own
from tests.support.serving import PROGRAM, ROOT, environment_of


async def test_a_worker(services: Services, database_url: str, tmp_path: Path) -> None:
    """It answers Prometheus, and ends in time though nobody takes its traces."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            **environment_of(services, database_url, tmp_path),
            "LEDGERPRESS_METRICS_BIND": "127.0.0.1:0",
            "LEDGERPRESS_TRACES_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "worker", cwd=ROOT, env=environment, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(30):
                first = (await process.stderr.readline()).decode()
                second = (await process.stderr.readline()).decode()
            address = re.fullmatch(r"metrics at (http://127\.0\.0\.1:\d+/metrics)\n", first)
            assert address is not None, first
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(address[1], timeout=10)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(15):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    assert second == "working\n"
    told = own(answer.text)
    assert told["ledgerpress_database_up"].value() == 1
    assert told["ledgerpress_trace_spans_total"].value(result="lost") == 0
    assert "process_resident_memory_bytes" in answer.text


async def test_an_address_that_cannot_be_had(
    services: Services, database_url: str, tmp_path: Path
) -> None:
    """One line names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(*PROGRAM, "relay"),
            cwd=ROOT,
            env={
                **environment_of(services, database_url, tmp_path),
                "LEDGERPRESS_METRICS_BIND": f"127.0.0.1:{port}",
            },
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            _, said = await process.communicate()

    assert process.returncode == 1
    assert said.decode() == (
        f"Error: 127.0.0.1:{port} cannot be used for LEDGERPRESS_METRICS_BIND: "
        "Address already in use\n"
    )


async def test_without_traces_nothing_is_loaded() -> None:
    """What makes traces is imported only once they are wanted.

    redis-py imports the other half of the SDK, that of metrics, wherever it is installed.
    """
    code = (
        "import sys, infra.serve, infra.dev, infra.cli.main, api.app;"
        "api.app.route_table();"
        "print([name for name in ('opentelemetry.sdk.trace', 'opentelemetry.exporter')"
        " if name in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        printed, _ = await process.communicate()

    assert (process.returncode, printed) == (0, b"[]\n")
