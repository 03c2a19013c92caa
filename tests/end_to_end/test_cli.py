"""`ledgerpress dev` and the commands beside it, started as a user starts them."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from tests.support.commands import forked
from tests.support.ports import free_ports
from tests.support.services import data_folder

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "infra.cli"]
READY_WITHIN = 60.0
STOPPED_WITHIN = 30.0


class Machine(msgspec.Struct, frozen=True):
    """A DATA_DIR and an address of this module's own."""

    folder: Path
    port: int

    def environment(self, **variables: str) -> dict[str, str]:
        """Make the environment of a command: whoever runs the tests plays no part."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        named = {f"LEDGERPRESS_{name}": value for name, value in variables.items()}
        return {
            **kept,
            "LEDGERPRESS_DATA_DIR": str(self.folder / "data"),
            "LEDGERPRESS_BIND": f"127.0.0.1:{self.port}",
            **named,
        }

    def ledgerpress(
        self, *arguments: str, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*forked(), *arguments],
            cwd=ROOT,
            env=self.environment(**variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def get(self, path: str, token: str | None = None) -> dict[str, object]:
        """Ask the API."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, object] = json.load(answer)
            return found


class Dev:
    """A running `ledgerpress dev`."""

    def __init__(self, machine: Machine, **variables: str) -> None:
        self._output = machine.folder / "dev.out"
        with self._output.open("w") as out, (machine.folder / "dev.err").open("a") as err:
            self.process = subprocess.Popen(
                [*PROGRAM, "dev"],
                cwd=ROOT,
                env=machine.environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def banner(self) -> str:
        """Wait until it serves, and give what it says."""
        deadline = time.monotonic() + READY_WITHIN
        while "Ctrl-C" not in (text := self._output.read_text()):
            assert self.process.poll() is None, "it ended before it served"
            assert time.monotonic() < deadline, "it did not come to serve"
            time.sleep(0.05)
        return text

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop, and give its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOPPED_WITHIN)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Give a DATA_DIR and a port that is free."""
    with data_folder() as folder:
        yield Machine(folder, *free_ports(1))


@pytest.fixture(scope="module")
def dev(machine: Machine) -> Iterator[Dev]:
    """Start the product; it is killed only if a test left it running."""
    dev = Dev(machine)
    try:
        yield dev
        assert dev.process.poll() is not None or dev.stop() == 0
    finally:
        dev.process.kill()
        dev.process.wait()


@pytest.fixture(scope="module")
def first_banner(dev: Dev) -> str:
    """Give what the first start said."""
    return dev.banner()


@pytest.fixture(scope="module")
def running(machine: Machine, first_banner: str) -> Machine:
    """Give the machine on which the product runs."""
    assert first_banner
    return machine


def events(result: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """Read the JSON lines that a command printed."""
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def wait_for_line(process: subprocess.Popen[str]) -> str:
    """Read the next line that a running command prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_banner(running: Machine, first_banner: str) -> None:
    """It says where it serves, how to go on, and the new demo password, once."""
    password = (running.folder / "data" / "demo-password").read_text().strip()

    assert f"http://127.0.0.1:{running.port}" in first_banner
    assert "author@demo.example" in first_banner
    assert "ledgerpress users token" in first_banner
    assert password in first_banner


def test_served(running: Machine) -> None:
    """The demo posts are served, and the old slug of the renamed one leads to it."""
    posts = running.get("/posts")["items"]

    assert isinstance(posts, list)
    assert {post["category"] for post in posts} == {"tech", "business", "security"}
    assert running.get("/posts/slug/reading-an-etag-without-tears")["slug"] == "etags-explained"


def test_token(running: Machine) -> None:
    """`users token` prints a token and nothing else, and the API takes it."""
    result = running.ledgerpress("users", "token", " Author@DEMO.example ")

    assert result.returncode == 0
    assert result.stderr == ""
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", result.stdout)
    assert running.get("/posts?status=draft", result.stdout.strip())["items"]


def test_users(running: Machine) -> None:
    """An account can be made, given roles, shut and opened; a taken address is refused."""
    ledgerpress = running.ledgerpress
    created = ledgerpress(
        "users", "create", "eve@example.org", "--password-file", "-", "--json",
        "--role", "author", "--role", "auditor", stdin="a good password\n",
    )  # fmt: skip
    again = ledgerpress("users", "create", "EVE@example.org", "--generate-password")
    roles = ledgerpress("users", "role", "eve@example.org", "operator", "--json")
    shut = ledgerpress("users", "disable", "eve@example.org", "--json")
    refused = ledgerpress("users", "token", "eve@example.org")
    opened = ledgerpress("users", "enable", "eve@example.org")
    logged = ledgerpress(
        "events", "tail", "--no-follow", "--last", "4", "--stream", "account", "--json"
    )

    (account,) = events(created)
    assert account["roles"] == ["auditor", "author"]
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "Error: Another account has this email address.\n"
    assert events(roles)[0]["roles"] == ["operator"]
    assert events(shut)[0]["disabled"] is True
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "disabled" in refused.stderr
    assert re.search(r"operator +enabled", opened.stdout)
    entries = msgspec.convert(events(logged), list[dict[str, Any]])
    assert [entry["metadata"]["command"] for entry in entries] == [
        "RegisterAccount",
        "ChangeAccountRoles",
        "DisableAccount",
        "EnableAccount",
    ]


WRONG_USES = (
    (["nobody"], "", "is not an email address"),
    (["a@b.example"], "", "no terminal to ask for the password"),
    (["a@b.example", "--password-file", "-"], "short", "must have 8 to 1024 bytes"),
    (["a@b.example", "--password-file", "-"], "password1", "is easily guessed"),
)


def test_wrong_use(running: Machine) -> None:
    """Wrong use of `users create` exits with 2, says why, and stores nothing."""
    last = ("events", "tail", "--no-follow", "--last", "1")
    before = running.ledgerpress(*last).stdout
    results = [
        (running.ledgerpress("users", "create", *arguments, stdin=stdin), says)
        for arguments, stdin, says in WRONG_USES
    ]

    for result, says in results:
        assert (result.returncode, result.stdout) == (2, "")
        assert says in result.stderr
    assert running.ledgerpress(*last).stdout == before


def test_asked_for(running: Machine) -> None:
    """On a terminal the password is asked for, twice, and not shown."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        environment: Mapping[str, str] = running.environment()
        os.execve(sys.executable, [*PROGRAM, "users", "create", "tty@example.org"], environment)  # noqa: S606 - as a shell does
    seen = ""
    answers = ["typed by hand\n", "typed by hand\n"]
    while True:
        try:
            seen += os.read(terminal, 4096).decode()
        except OSError:  # the other side is closed
            break
        if answers and seen.count(": ") > 2 - len(answers):
            os.write(terminal, answers.pop().encode())

    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, seen
    assert "typed by hand" not in seen


def test_tail(running: Machine) -> None:
    """Tail shows the last events, filters them, and tells nothing personal."""
    two = events(running.ledgerpress("events", "tail", "--no-follow", "-n", "2", "--json"))
    renamed = ("--stream", "post", "--type", "post.renamed.v1", "--after", "0")
    posts = events(running.ledgerpress("events", "tail", "--no-follow", "--json", *renamed))
    people = running.ledgerpress("events", "tail", "--no-follow", "--after", "0")
    none = running.ledgerpress("events", "tail", "--no-follow", "--since", "2999-01-01T00:00:00Z")

    assert [int(str(event["position"])) for event in two] == [
        int(str(two[0]["position"])),
        int(str(two[0]["position"])) + 1,
    ]
    assert [event["data"] for event in posts] == [
        {"type": "post.renamed.v1", "slug": "etags-explained"}
    ]
    assert "account.registered.v1" in people.stdout
    assert "demo.example" not in people.stdout
    assert (none.returncode, none.stdout) == (0, "")


def test_follow(running: Machine) -> None:
    """A live tail shows a new event as it comes, and ends with 130 on Ctrl-C."""
    tail = subprocess.Popen(
        [*PROGRAM, "events", "tail", "-n", "1", "--json"],
        cwd=ROOT,
        env=running.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    last = json.loads(wait_for_line(tail))
    running.ledgerpress("users", "create", "new@example.org", "--generate-password")
    new = json.loads(wait_for_line(tail))
    tail.send_signal(signal.SIGINT)

    assert tail.wait(STOPPED_WITHIN) == 130
    assert (new["type"], new["position"]) == ("account.registered.v1", last["position"] + 1)
    assert tail.stdout is not None
    tail.stdout.close()


def test_show(running: Machine) -> None:
    """Show gives one event, for people and for programs, and says where the log ends."""
    people = running.ledgerpress("events", "show", "1")
    (event,) = events(running.ledgerpress("events", "show", "1", "--json"))
    missing = running.ledgerpress("events", "show", "999999")

    assert "account.registered.v1" in people.stdout
    assert event["position"] == 1
    assert missing.returncode == 1
    assert "there is no event at position 999999; the last one is" in missing.stderr


def test_export(running: Machine) -> None:
    """The whole log goes to a file or to a pipe, and what is said of it to standard error."""
    output = running.folder / "log.ndjson"
    result = running.ledgerpress("events", "export", str(output))
    pipe = running.ledgerpress("events", "export", "-")

    positions = [json.loads(line)["position"] for line in output.read_text().splitlines()]
    assert positions == list(range(1, len(positions) + 1))
    assert re.search(rf"{len(positions)} events in .* \([\d,]+/s\)", result.stderr)
    assert result.stdout == ""
    assert events(pipe) == [json.loads(line) for line in output.read_text().splitlines()]


@pytest.mark.parametrize("command", [["export", "-"], ["tail", "--no-follow"], ["show", "1"]])
def test_reader_left(running: Machine, command: list[str]) -> None:
    """A pipe whose reader has had enough ends a command without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    left = subprocess.run(
        [*PROGRAM, "events", *command],
        cwd=ROOT,
        env=running.environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)

    assert (left.returncode, left.stderr) == (0, "")


def test_inspected(running: Machine) -> None:
    """Settings and doctor answer for people and programs, without a secret."""
    ledgerpress = running.ledgerpress
    url = "postgresql://u:canary-secret@127.0.0.1:1/x"
    settings = ledgerpress("config", "show", "--json", DATABASE_URL=url)
    healthy = ledgerpress("doctor", "--json")
    ill = ledgerpress("doctor", DATABASE_URL=url)

    assert "LEDGERPRESS_DATABASE_URL" in settings.stdout
    assert "canary" not in settings.stdout + ill.stdout + ill.stderr
    assert healthy.returncode == 0
    assert {check["service"] for check in json.loads(healthy.stdout)} >= {"PostgreSQL"}
    assert ill.returncode == 5
    assert "error" in ill.stdout


def test_migrated_already(running: Machine) -> None:
    """There is nothing to migrate while `dev` runs."""
    result = running.ledgerpress("migrate")

    assert result.returncode == 0
    assert result.stdout.startswith("nothing to do: the schema is at version ")


def test_taken(running: Machine) -> None:
    """A taken address and a taken DATA_DIR are one clear line each."""
    address = running.ledgerpress("dev")
    other = running.ledgerpress("dev", BIND="127.0.0.1:0")

    assert address.returncode == 1
    assert address.stderr == (
        f"Error: 127.0.0.1:{running.port} is in use by another program: stop it, or choose "
        "another LEDGERPRESS_BIND\n"
    )
    assert other.returncode == 1
    assert "is in use by process" in other.stderr
    assert len(other.stderr.splitlines()) == 1


def test_no_service(machine: Machine) -> None:
    """Where nothing runs, commands say so and exit with 5; in production URLs are asked for."""
    elsewhere = {"DATA_DIR": str(machine.folder / "elsewhere")}
    nothing = machine.ledgerpress("events", "tail", **elsewhere)
    down = machine.ledgerpress(
        "users", "token", "a@b.example", DATABASE_URL="postgresql://127.0.0.1:1/x", **elsewhere
    )
    serve = machine.ledgerpress("serve", **elsewhere)
    production = machine.ledgerpress("dev", ENV="production", **elsewhere)
    unready = machine.ledgerpress("serve", ENV="production", **elsewhere)
    misspelt = machine.ledgerpress("config", "show", BIDN="127.0.0.1:1")

    assert (nothing.returncode, down.returncode) == (5, 5)
    assert "no `ledgerpress dev` runs with LEDGERPRESS_DATA_DIR" in nothing.stderr
    assert "PostgreSQL is out of reach" in down.stderr
    assert [each.returncode for each in (serve, production, unready, misspelt)] == [2] * 4
    assert "use `ledgerpress serve`" in production.stderr
    assert "LEDGERPRESS_ENV=production needs it" in unready.stderr
    assert misspelt.stderr == (
        "Error: LEDGERPRESS_BIDN is not a setting; did you mean LEDGERPRESS_BIND?\n"
    )
    for result in (nothing, down, serve, production, unready, misspelt):
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""


def test_again(running: Machine, dev: Dev) -> None:
    """Ctrl-C ends it; stopped while it starts it leaves nothing; another start finds the data."""
    posts = running.get("/posts")
    ended = dev.stop(signal.SIGINT)
    left = (running.folder / "data" / "running.json").exists()
    interrupted = Dev(running)
    lock = running.folder / "data" / "embedded" / "lock"
    deadline = time.monotonic() + READY_WITHIN
    while lock.read_text().strip() != str(interrupted.process.pid):
        assert interrupted.process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    interrupted_ended = interrupted.stop()
    again = Dev(running)
    banner = again.banner()
    posts_again = running.get("/posts")
    again_ended = again.stop()

    assert (ended, interrupted_ended, again_ended) == (0, 0, 0)
    assert not left
    assert "shown once" not in banner
    assert posts_again == posts
    assert "Traceback" not in (running.folder / "dev.err").read_text()


def test_lost_service() -> None:
    """When a server that it started ends by itself, everything ends, with one line that says so."""
    with data_folder() as folder:
        alone = Machine(folder, 0)
        dev = Dev(alone)
        try:
            dev.banner()
            running = json.loads((folder / "data" / "running.json").read_text())
            with redis.Redis.from_url(running["redisUrl"]) as client:
                client.shutdown(nosave=True)
            ended = dev.process.wait(STOPPED_WITHIN)
        finally:
            dev.process.kill()
            dev.process.wait()
        said = (folder / "dev.err").read_text()
        left = (folder / "data" / "running.json").exists()

    assert ended == 1
    # On a busy machine a worker may have had something to say, too.
    (error,) = [line for line in said.splitlines() if line.startswith("Error")]
    assert "Traceback" not in said
    assert re.fullmatch(
        r"Error: valkey ended by itself with status 0; its log is \S+; everything was stopped",
        error,
    )
    assert not left
