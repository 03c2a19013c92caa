"""Range requests by the thousand, the same each time: common ones, odd ones, and wrong ones."""

import random
from enum import Enum

import msgspec


class Validator(Enum):
    """What If-Range holds."""

    NONE = "none"
    CURRENT_TAG = "current tag"
    WEAK_TAG = "weak form of the current tag"
    OTHER_TAG = "another tag"
    CURRENT_DATE = "current date"
    EARLIER = "earlier date"
    LATER = "later date"
    NONSENSE = "nonsense"


class Case(msgspec.Struct, frozen=True):
    """One request."""

    size: int
    method: str
    asked: str
    if_range: Validator


SIZES = (0, 1, 1000)
HUGE = ("9223372036854775807", "9223372036854775808", "99999999999999999999999")
NOT_BYTES = ("items=0-5", "bytesx=0-5", "0-5", "=0-5", "sheep", "seconds=1-2")
WRONG = (
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=abc",
    "bytes=5",
    "bytes=--5",
    "bytes=+5-6",
    "bytes=5-6-7",
    "bytes=0x1-5",
    "bytes=1.0-5",
    "bytes=5-6;7-8",
    "bytes=0-1, bytes=3-4",
    "bytes 5-6",
    "bytes =5-6",
    "bytes:5-6",
    "bytes=a-5",
    "bytes=5-a",
    "bytes=0-1,x",
)
EMPTY_ELEMENTS = ("bytes=,0-5", "bytes=0-5,", "bytes=0-5,,7-8", "bytes=,", "bytes= , 0-5")


def generated(count: int, seed: int) -> list[Case]:
    """Make so many requests."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    return [_case(chance) for _ in range(count)]


def _case(chance: random.Random) -> Case:
    size = chance.choices(SIZES, (1, 1, 10))[0]
    kinds = [_set, _set, _set, _set, _many, _spaced, _fixed]
    return Case(
        size=size,
        method=chance.choices(["GET", "HEAD"], [9, 1])[0],
        asked=chance.choice(kinds)(chance, size),
        if_range=chance.choices(list(Validator), [14, 1, 1, 1, 1, 1, 1, 1])[0],
    )


def _set(chance: random.Random, size: int) -> str:
    count = chance.choices([1, 2, 3, 4], [6, 2, 1, 1])[0]
    unit = chance.choices(["bytes", "Bytes", "BYTES"], [8, 1, 1])[0]
    comma = chance.choice([",", ", ", " , "])
    return f"{unit}={comma.join(_range(chance, size) for _ in range(count))}"


def _many(chance: random.Random, size: int) -> str:
    """Make ranges that do not overlap, about as many as are allowed."""
    count = chance.randint(8, 13)
    step = max(1, size // 14)
    order = chance.sample(range(14), count)
    ranges = [f"{n * step}-{n * step + chance.randrange(step)}" for n in order]
    return "bytes=" + ",".join(ranges)


def _spaced(chance: random.Random, size: int) -> str:
    """Put space where the grammar has none, and where it has some."""
    text = f"bytes={_range(chance, size)},{_range(chance, size)}"
    at = chance.randrange(len("bytes="), len(text))
    return f"{text[:at]} {text[at:]}"


def _fixed(chance: random.Random, _size: int) -> str:
    return chance.choice(chance.choice([NOT_BYTES, WRONG, EMPTY_ELEMENTS]))


def _range(chance: random.Random, size: int) -> str:
    number = [_number(chance, size), _number(chance, size)]
    form = chance.random()
    if form < 0.15:
        return f"{number[0]}-"
    if form < 0.3:
        return f"-{number[0]}"
    if form < 0.9 and all(len(each) < 10 for each in number):
        number.sort(key=int)
    return f"{number[0]}-{number[1]}"


def _number(chance: random.Random, size: int) -> str:
    kind = chance.random()
    if kind < 0.02:
        return chance.choice(HUGE)
    if kind < 0.2:
        return str(chance.choice([0, 1, max(0, size - 1), size, size + 1]))
    if kind < 0.25:
        return f"000{chance.randrange(size + 1)}"
    return str(chance.randrange(size + size // 4 + 1))
