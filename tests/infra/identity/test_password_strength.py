"""New passwords: which are refused as easily guessed, and that to judge one takes little time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.identity import PasswordFault
from infra.identity.password_strength import new_password

ADA = ("ada.lovelace@engines.example", "Ada King Lovelace")


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery staple",
        "a good password",
        "chosen by hand",
        "kr9-Vw!2",
        "zq7 fmwx",
        "пароль не для всех",
        "ich mag Ada und ihre Maschine",
        "a\0b\0c\0d\0",
        "🦜🎷🧊🪤📎🧭",
        "x" * 20 + "Jv9 krumme Lanke",
        "3f" * 4 + "kd81hw",
    ],
)
def test_taken(text: str) -> None:
    """What is not obvious is taken, in any script and with any characters."""
    assert new_password(text, ADA) == text.encode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("password1", "most common"),
        ("P@ssw0rd", "most common"),
        ("12345678", "most common"),
        ("drowssap", "most common"),
        ("hjklasdf", "keyboard"),
        ("zxcvbnm,./", "keyboard"),
        ("aaaaaaaaaaaa", "repeats itself"),
        ("a" * 73, "repeats itself"),
        ("a" * 1024, "repeats itself"),
        ("ab" * 500, "repeats itself"),
        ("🔒🔒🔒", "repeats itself"),
        ("        ", "repeats itself"),
        ("🦜🎷🧊🪤", "too few characters"),
        ("dogdogdogdog", "repeats itself"),
        ("cdefghijkl", "row of characters"),
        ("19.03.1987", "a date"),
        ("ledgerpress", "name or address"),
        ("LedgerPress-2026", "name or address"),
        ("ledgerpress ledgerpress", "name or address"),
        ("ADA.Lovelace@engines.example", "name or address"),
        ("lovelace1815", "name or address"),
        ("Ada King 1815", "name or address"),
        ("l0velace!", "name or address"),
    ],
)
def test_weak(text: str, says: str) -> None:
    """What many have or anybody would try is refused with a reason that does not repeat it."""
    fault = new_password(text, ADA)

    assert isinstance(fault, PasswordFault)
    assert fault.error == "password_too_weak"
    assert says in fault.reason
    assert text not in fault.reason


@pytest.mark.parametrize("text", ["", "kr9-Vw!", "kr9-Vw!2" * 129, "é" * 513, "kr9-Vw!2\ud800"])
def test_length(text: str) -> None:
    """0, 7 and more than 1,024 bytes, and what is no text, are refused for that alone."""
    fault = new_password(text)

    assert isinstance(fault, PasswordFault)
    assert fault.error == "password_length"


def test_others_names() -> None:
    """The name of one person is no reason to refuse another's password."""
    assert isinstance(new_password("lovelace kopf", ADA), PasswordFault)
    assert new_password("lovelace kopf", ("bob@example.org", "Bob")) == b"lovelace kopf"


@given(st.text(min_size=8, max_size=60), st.text(max_size=30))
def test_any_text(text: str, name: str) -> None:
    """Any text is judged, whoever chooses it."""
    assert isinstance(new_password(text, (name,)), bytes | PasswordFault)


@pytest.mark.parametrize(
    "text",
    [
        "4@8({[<3691!|0$5+7%2" * 50,
        "4@8({[<3691!|0$5+7%2"[:16] * 2,
        "7433924465.7433924465.743392446",
        "abbbababbbababbbababbbababbbabab",
        "1/1/11-11.11" * 80,
        "a\u0300\u0316" * 200,
        "0123456789" * 102,
    ],
)
def test_quick(text: str) -> None:
    """What is made to be hard to judge holds nobody up for long.

    Looked at whole, such texts take seconds.
    """
    began = time.thread_time()
    new_password(text, ("ada@" + "a.b" * 80, "A b" * 200))

    assert time.thread_time() - began < 0.5
