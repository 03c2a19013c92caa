"""`ledgerpress webhooks`, started as an operator starts it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.webhook import Pause
from tests.support.receiver import Receiver, running_receiver
from tests.support.webhooks import Desk, open_desk

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Run a receiver."""
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture
async def desk(database_url: str, receiver: Receiver) -> AsyncIterator[Desk]:
    """Open the product, with the receiver to send to."""
    async with open_desk(database_url, receiver) as desk:
        yield desk


async def ledgerpress(url: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command; give its exit code and what it said."""
    ours = {"LEDGERPRESS_DATABASE_URL": url, "LEDGERPRESS_DATA_DIR": str(folder)}
    kept = {name: value for name, value in os.environ.items() if "LEDGERPRESS" not in name}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "infra.cli", "webhooks", *arguments],
        cwd=ROOT,
        env=kept | ours,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_an_operator_sees_and_sends_again(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    """What is registered and how far it is, its deliveries, and one of them again."""
    webhook = await desk.register("post.created")
    positions = await desk.append(2)
    async with desk.delivering():
        await desk.settled(webhook.id)
    await desk.change(webhook.id, Pause())
    delivery = (await desk.known(webhook.id))[positions[0]]
    listed, made = await asyncio.gather(
        ledgerpress(database_url, tmp_path, "list"),
        ledgerpress(database_url, tmp_path, "deliveries", str(webhook.id), "--json"),
    )
    replayed, ahead = await asyncio.gather(
        ledgerpress(
            database_url, tmp_path, "replay", str(webhook.id), "--delivery", str(delivery.id)
        ),
        ledgerpress(database_url, tmp_path, "replay", str(webhook.id), "--after", "1000"),
    )

    assert [listed[0], made[0], replayed[0], ahead[0]] == [0, 0, 0, 1]
    assert str(webhook.id) in listed[1]
    assert "paused" in listed[1]
    found = [json.loads(line)["position"] for line in made[1].splitlines()]
    assert found == [positions[2], positions[0]]
    assert (await desk.known(webhook.id))[positions[0]].state == "waiting"
    assert "The log ends at position" in ahead[2]
