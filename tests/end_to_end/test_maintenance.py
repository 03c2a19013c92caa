"""Specifies maintenance: begun and ended by a command, followed by every process."""

import json
from pathlib import Path

import httpx
import pytest

from infra.cli.main import exit_code
from infra.embedded.services import Services
from tests.support.serving import command, environment_of, serving
from tests.support.waiting import eventually

REASON = "Moving to another machine; back at noon."


@pytest.mark.timeout(60)
async def test_maintenance(services: Services, database_url: str, tmp_path: Path) -> None:
    """Every process refuses with the reason, and one that starts meanwhile, until it is over."""
    environment = environment_of(services, database_url, tmp_path)
    async with (
        serving(environment) as first,
        serving(environment) as second,
        httpx.AsyncClient(trust_env=False) as client,
    ):

        async def all_answer(status: int, *paths: str) -> bool:
            answers = [
                await client.get(f"http://{each.address}{path}")
                for each in (first, second)
                for path in paths
            ]
            return {answer.status_code for answer in answers} == {status}

        assert await all_answer(200, "/posts")
        printed = await command(
            environment, "maintenance", "on", "--reason", REASON, "--retry-after", "90", "--json"
        )
        assert await eventually(lambda: all_answer(503, "/posts", "/openapi.json"))
        assert await all_answer(200, "/livez", "/readyz", "/metrics")
        refused = await client.post(f"http://{first.address}/login", content=b"{")
        ready = await client.get(f"http://{second.address}/readyz")
        async with serving(environment) as late:
            at_once = await client.get(f"http://{late.address}/posts")
        ended = await command(environment, "maintenance", "off")
        assert await eventually(lambda: all_answer(200, "/posts"))

    assert json.loads(printed)["maintenance"]["reason"] == REASON
    members = refused.json()
    assert (refused.status_code, members["error"]) == (503, "maintenance")
    assert (members["detail"], refused.headers["retry-after"]) == (REASON, "90")
    assert refused.headers["cache-control"] == "no-store"
    assert ready.json()["warnings"][0] == f"maintenance: {REASON}"
    assert at_once.status_code == 503
    assert ended == "maintenance is off\n"


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 501])
def test_a_reason_that_is_none(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is one line that clients can read."""
    assert exit_code(["maintenance", "on", "--reason", reason]) == 2
    assert "--reason" in capsys.readouterr().err
