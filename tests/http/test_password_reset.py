"""Specifies forgotten passwords: a message whoever asks, a token that works once, a new start."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import redis.asyncio

from commands.password_change import RESET_LIFETIME
from domain.account_decisions import Disable
from domain.stream import Role
from tests.support.http import fields, problem
from tests.support.mail import token_in
from tests.support.product import PASSWORD, Api
from tests.support.signing_in import (
    GOOD,
    OTHER,
    applied,
    log_in,
    me,
    renew,
    reset,
    reset_token,
    verified,
    without,
)

ADA = "ada@test.example"
SECOND = timedelta(seconds=1)


async def forget(api: Api, email: str) -> httpx.Response:
    """Ask for a message."""
    return await api.anonymous.post("/password/forgot", {"email": email})


async def test_the_answer_is_the_same_whoever_has_the_address(api: Api, redis_url: str) -> None:
    """An account, a disabled one, an erased one, an applicant and nobody get the same bytes."""
    for name in ("ada", "erased"):
        await api.account(name)
    disabled, erased = await api.account("disabled"), await api.account("erased")
    await api.change_account(disabled, Disable())
    assert (await erased.delete("/me")).status_code == 204
    await applied(api, "waiting@test.example")
    limits = redis.asyncio.from_url(redis_url)
    answers = []
    for name in ("ada", "disabled", "erased", "waiting", "nobody"):
        await limits.flushall()
        answers.append(await forget(api, f"{name}@test.example"))
    await limits.aclose()

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert all(without(answer) == without(answers[0]) for answer in answers)
    assert fields(answers[0]) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "ratelimit-policy": (
            '"forgot-password-account";q=3;w=3600, "forgot-password-network";q=60;w=3600'
        ),
        "ratelimit": '"forgot-password-account";r=2;t=1200, "forgot-password-network";r=59;t=60',
    }


async def test_who_has_an_account_gets_a_token(api: Api) -> None:
    """All others are told that there is no account, at the address that they typed."""
    await api.account("ada")
    await forget(api, ADA)
    await forget(api, " Nobody@Test.Example")
    ada, nobody = await api.mails()

    assert (ada.to, ada.subject) == (ADA, "Choose a new password")
    assert len(token_in(ada.text)) == 43
    assert nobody.to == "Nobody@Test.Example"
    assert nobody.subject == "There is no account with this address"
    assert '"token"' not in nobody.text


@pytest.mark.parametrize(
    "spelling",
    [
        "ADA@test.example",
        " ada@TEST.example ",
        "\N{FULLWIDTH LATIN SMALL LETTER A}da@test.example",
        "ada@test\N{IDEOGRAPHIC FULL STOP}example",
    ],
)
async def test_a_token_goes_to_the_address_as_it_was_registered(api: Api, spelling: str) -> None:
    """Whoever has a mailbox that only looks alike gets no token for the account."""
    await verified(api, await applied(api, "Ada@test.example"))
    answer = await forget(api, spelling)
    mails = await api.mails()

    assert answer.status_code == 202
    assert [mail.to for mail in mails] == ["Ada@test.example"]


async def test_a_new_password(api: Api) -> None:
    """204; it opens the account, the old one does not, all sessions end, the owner is told."""
    ada = await api.account("ada")
    sessions = [await log_in(api, ADA) for _ in range(2)]
    answer = await reset(api, await reset_token(api, ADA))
    [mail] = await api.mails()

    assert answer.status_code == 204
    assert fields(answer).keys() == {"ratelimit", "ratelimit-policy"}
    problem(await log_in(api, ADA, PASSWORD), 401, "invalid_credentials")
    assert (await log_in(api, ADA, GOOD)).status_code == 200
    for session in sessions:
        problem(await me(api, session), 401, "invalid_token")
        problem(await renew(api, session), 401, "invalid_refresh_token")
    problem(await ada.get("/me"), 401, "invalid_token")
    assert (mail.to, mail.subject) == (ADA, "Your password was changed")


async def test_a_token_is_good_once(api: Api) -> None:
    """The second use is 422 and changes nothing."""
    await api.account("ada")
    token = await reset_token(api, ADA)
    first, second = await reset(api, token), await reset(api, token, OTHER)

    assert first.status_code == 204
    members = problem(second, 422, "email_token_unknown")
    unknown = problem(await reset(api, "a" * 43, OTHER), 422, "email_token_unknown")
    assert members | {"requestId": ""} == unknown | {"requestId": ""}
    assert (await log_in(api, ADA, GOOD)).status_code == 200


async def test_a_token_is_good_once_also_for_two_at_once(api: Api) -> None:
    """One of them sets the password, which is whole."""
    await api.account("ada")
    token = await reset_token(api, ADA)
    answers = await asyncio.gather(*(reset(api, token, f"{GOOD} {n}") for n in range(4)))

    assert sorted(answer.status_code for answer in answers) == [204, 422, 422, 422]
    won = [answer.status_code for answer in answers].index(204)
    assert (await log_in(api, ADA, f"{GOOD} {won}")).status_code == 200


async def test_a_token_is_good_for_half_an_hour(api: Api) -> None:
    """To the second before its time is over, and no longer."""
    await api.account("ada")
    early, late = await reset_token(api, ADA), await reset_token(api, ADA)
    api.clock.advance(RESET_LIFETIME - SECOND)
    weak = await reset(api, early, "password")
    api.clock.advance(SECOND)

    problem(weak, 422, "password_too_weak")
    problem(await reset(api, early), 422, "email_token_unknown")
    problem(await reset(api, late), 422, "email_token_unknown")
    assert (await log_in(api, ADA)).status_code == 200


@pytest.mark.parametrize(
    ("password", "error"),
    [("short", "password_length"), ("password1", "password_too_weak"), (ADA, "password_too_weak")],
)
async def test_a_password_refused_does_not_use_the_token_up(
    api: Api, password: str, error: str
) -> None:
    """Nothing has changed by it, and a better one is taken."""
    await api.account("ada")
    token = await reset_token(api, ADA)
    members = problem(await reset(api, token, password), 422, error)

    assert members["member"] == "password"
    assert (await log_in(api, ADA)).status_code == 200
    assert (await reset(api, token)).status_code == 204


async def test_who_has_a_new_password_needs_no_other_token(api: Api) -> None:
    """All that were sent before are void, whichever of them was used; later ones are good."""
    await api.account("ada")
    tokens = [await reset_token(api, ADA) for _ in range(2)]
    eve = await api.account("eve")
    of_eve = await reset_token(api, "eve@test.example")
    answer = await reset(api, tokens[1])

    assert answer.status_code == 204
    problem(await reset(api, tokens[0], OTHER), 422, "email_token_unknown")
    assert (await reset(api, await reset_token(api, ADA), OTHER)).status_code == 204
    assert (await reset(api, of_eve)).status_code == 204
    problem(await eve.get("/me"), 401, "invalid_token")


async def test_changing_the_password_voids_tokens_too(api: Api) -> None:
    """A message that lies in a mailbox opens nothing afterwards."""
    ada = await api.account("ada", Role.AUTHOR)
    token = await reset_token(api, ADA)
    change = {"currentPassword": PASSWORD, "newPassword": OTHER}
    changed = await ada.send("PUT", "/me/password", change)

    assert changed.status_code == 204
    problem(await reset(api, token), 422, "email_token_unknown")
    assert (await log_in(api, ADA, OTHER)).status_code == 200


async def test_a_disabled_account_stays_shut(api: Api) -> None:
    """Its owner may have a new password, but no session."""
    ada = await api.account("ada")
    token = await reset_token(api, ADA)
    await api.change_account(ada, Disable())
    answer = await reset(api, token)

    assert answer.status_code == 204
    problem(await log_in(api, ADA, GOOD), 403, "account_disabled")


async def test_an_erased_account_stays_erased(api: Api) -> None:
    """No token that was sent before brings it back."""
    ada = await api.account("ada")
    token = await reset_token(api, ADA)
    erased = await ada.delete("/me")

    assert erased.status_code == 204
    problem(await reset(api, token), 422, "email_token_unknown")
    problem(await log_in(api, ADA, GOOD), 401, "invalid_credentials")


async def test_the_tokens_of_one_purpose_do_not_serve_another(api: Api) -> None:
    """One that opens an account sets no password, and the other way round."""
    await api.account("ada")
    registering, resetting = await applied(api, "new@test.example"), await reset_token(api, ADA)

    problem(await reset(api, registering), 422, "email_token_unknown")
    problem(await verified(api, resetting), 422, "email_token_unknown")
    problem(await renew(api, resetting), 401, "invalid_refresh_token")
