"""`ledgerpress users`: accounts, for operators at the machine. Nobody's permission is asked."""

import secrets
import sys
from typing import TextIO

import msgspec
import rich_click as click

from commands.accounts import Registration, change_account, register
from commands.identity import Busy, PasswordFault
from commands.outcomes import Changed, Created, Outcome, Unchanged
from commands.sessions import Tokens, start_session
from domain.account_decisions import AccountCommand, ChangeRoles, Disable, Enable
from domain.stream import Role
from infra.bootstrap import Product
from infra.cli.callers import operator, why
from infra.cli.common import Failure, opened, read_settings, run
from infra.cli.erase_user import erase
from infra.cli.import_users import import_users
from infra.cli.output import as_json, print_bytes, print_table
from infra.cli.second_factor import reset
from infra.identity.email_address import email_fault
from infra.identity.password_strength import new_password
from projections.accounts import AccountBody, AccountRow

_RANDOM_BYTES = 18

_role = click.Choice([role.value for role in Role])


@click.group()
def users() -> None:
    """Open accounts, import them, disable them, give roles, make access tokens, erase people."""


users.add_command(import_users)
users.add_command(reset)
users.add_command(erase)


@users.command()
@click.argument("email")
@click.option(
    "--role",
    "roles",
    type=_role,
    multiple=True,
    default=[Role.AUTHOR.value],
    show_default=True,
    help="What the account may do; may be given several times.",
)
@click.option("--name", help="The person's name.")
@click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    help="Read the password from this file; - is standard input.",
)
@click.option("--generate-password", is_flag=True, help="Make a password and print it once.")
@as_json
def create(
    email: str,
    *,
    roles: tuple[str, ...],
    name: str | None,
    password_file: TextIO | None,
    generate_password: bool,
    json_wanted: bool,
) -> None:
    """Open an account for EMAIL. The password is asked for, unless an option says otherwise."""
    if fault := email_fault(email):
        raise click.BadParameter(f"{email!r} {fault}", param_hint="EMAIL")
    if name is not None and not name.isprintable():
        raise click.BadParameter("must have printable characters alone", param_hint="--name")
    settings = read_settings()
    password = _password(password_file, generate=generate_password)
    taken = new_password(password, (email, name or ""))
    if isinstance(taken, PasswordFault):
        raise click.UsageError(f"the password {taken.reason}")

    async def work() -> Outcome:
        async with opened(settings) as product:
            hashed = await product.passwords.hash(taken)
            if isinstance(hashed, Busy):
                raise Failure("the queue of passwords is full")
            registration = Registration(
                account_id=product.ledger.new_id(),
                email=email,
                name=name,
                roles=frozenset(Role(role) for role in roles),
                password_hash=hashed,
            )
            return await register(product.accounts, operator("RegisterAccount"), registration)

    outcome = run(work())
    if not isinstance(outcome, Created):
        raise Failure(why(outcome))
    _show(outcome.resource.body, json_wanted=json_wanted)
    if generate_password:
        click.echo(f"password: {password}", err=json_wanted)


@users.command()
@click.argument("email")
def token(email: str) -> None:
    """Print an access token for EMAIL, valid for 15 minutes, and nothing else."""
    settings = read_settings()

    async def work() -> str:
        async with opened(settings) as product:
            found = await _find(product, email)
            if found.disabled:
                raise Failure(f"the account of {email} is disabled")
            # Whoever sits at the machine needs no second factor: they could remove it.
            issued = await start_session(
                product.sessions,
                (found.id, found.version),
                operator("StartSession"),
                client="ledgerpress users token",
                second_factor=True,
            )
            return msgspec.json.decode(issued.body, type=Tokens).token

    click.echo(run(work()))


@users.command()
@click.argument("email")
@as_json
def disable(email: str, *, json_wanted: bool) -> None:
    """Shut the account of EMAIL: its tokens work no more."""
    _change(email, Disable(), "DisableAccount", json_wanted=json_wanted)


@users.command()
@click.argument("email")
@as_json
def enable(email: str, *, json_wanted: bool) -> None:
    """Open the shut account of EMAIL again."""
    _change(email, Enable(), "EnableAccount", json_wanted=json_wanted)


@users.command()
@click.argument("email")
@click.argument("roles", nargs=-1, required=True, type=_role)
@as_json
def role(email: str, roles: tuple[str, ...], *, json_wanted: bool) -> None:
    """Give the account of EMAIL these ROLES and no others."""
    wanted = ChangeRoles(frozenset(Role(name) for name in roles))
    _change(email, wanted, "ChangeAccountRoles", json_wanted=json_wanted)


def _change(email: str, command: AccountCommand, name: str, *, json_wanted: bool) -> None:
    settings = read_settings()

    async def work() -> Outcome:
        async with opened(settings) as product:
            found = await _find(product, email)
            return await change_account(product.accounts, operator(name), found.id, command)

    outcome = run(work())
    if not isinstance(outcome, Changed | Unchanged):
        raise Failure(why(outcome))
    _show(outcome.resource.body, json_wanted=json_wanted)


async def _find(product: Product, email: str) -> AccountRow:
    if fault := email_fault(email):
        raise click.BadParameter(f"{email!r} {fault}", param_hint="EMAIL")
    found = await product.account_queries.by_email(product.personal_data.email_hash(email))
    if found is None:
        raise Failure(f"there is no account with the address {email}")
    return found


def _password(file: TextIO | None, *, generate: bool) -> str:
    """Get a password without it ever standing in an argument, which every process can read."""
    if generate and file is not None:
        raise click.UsageError("give --password-file or --generate-password, not both")
    if generate:
        return secrets.token_urlsafe(_RANDOM_BYTES)
    if file is not None:
        try:
            return file.read().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise click.UsageError("the password is not UTF-8") from error
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask for the password: "
            "give --password-file (- for standard input) or --generate-password"
        )
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def _show(body: bytes, *, json_wanted: bool) -> None:
    if json_wanted:
        print_bytes(body + b"\n")
        return
    account = msgspec.json.decode(body, type=AccountBody)
    print_table(
        ("id", "roles", "state"),
        [(str(account.id), ", ".join(account.roles), _state(disabled=account.disabled))],
    )


def _state(*, disabled: bool) -> str:
    return "disabled" if disabled else "enabled"
