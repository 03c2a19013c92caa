"""Words, titles and paragraphs for generated posts. They read like text and mean nothing."""

import random
from functools import cache

CONTENT_BYTES = 2_000
"""About so long is a generated post."""

_HALVES = 600
_GOES_ON = 0.75  # how likely a sentence is followed by another of its paragraph

_WORDS = [
    "account",
    "address",
    "answer",
    "archive",
    "article",
    "author",
    "balance",
    "branch",
    "budget",
    "build",
    "cache",
    "change",
    "channel",
    "claim",
    "client",
    "clock",
    "commit",
    "company",
    "contract",
    "copy",
    "cost",
    "customer",
    "data",
    "day",
    "deadline",
    "decision",
    "delivery",
    "department",
    "deploy",
    "design",
    "detail",
    "draft",
    "edge",
    "editor",
    "engine",
    "error",
    "estimate",
    "event",
    "evidence",
    "example",
    "failure",
    "feature",
    "figure",
    "forecast",
    "format",
    "growth",
    "history",
    "hour",
    "idea",
    "incident",
    "index",
    "invoice",
    "issue",
    "journal",
    "key",
    "language",
    "latency",
    "ledger",
    "letter",
    "limit",
    "line",
    "list",
    "lock",
    "log",
    "machine",
    "manager",
    "margin",
    "market",
    "measure",
    "meeting",
    "memory",
    "message",
    "method",
    "mistake",
    "model",
    "month",
    "network",
    "newsroom",
    "notice",
    "number",
    "office",
    "order",
    "outage",
    "owner",
    "page",
    "paper",
    "part",
    "password",
    "payment",
    "people",
    "plan",
    "policy",
    "position",
    "price",
    "problem",
    "process",
    "product",
    "program",
    "promise",
    "proof",
    "quarter",
    "query",
    "question",
    "queue",
    "reader",
    "reason",
    "record",
    "release",
    "report",
    "request",
    "result",
    "review",
    "revision",
    "risk",
    "role",
    "row",
    "rule",
    "sale",
    "scale",
    "schedule",
    "screen",
    "search",
    "section",
    "sector",
    "server",
    "service",
    "session",
    "share",
    "signal",
    "site",
    "source",
    "stage",
    "standard",
    "state",
    "storage",
    "story",
    "stream",
    "supplier",
    "system",
    "table",
    "target",
    "task",
    "team",
    "term",
    "test",
    "text",
    "theory",
    "time",
    "token",
    "tool",
    "topic",
    "trace",
    "trade",
    "trust",
    "update",
    "user",
    "value",
    "version",
    "view",
    "volume",
    "warning",
    "week",
    "window",
    "word",
    "work",
    "writer",
    "year",
]
_VERBS = [
    "answers",
    "becomes",
    "begins",
    "breaks",
    "brings",
    "carries",
    "changes",
    "checks",
    "costs",
    "counts",
    "covers",
    "cuts",
    "decides",
    "describes",
    "ends",
    "explains",
    "finds",
    "follows",
    "gains",
    "gives",
    "grows",
    "guards",
    "holds",
    "keeps",
    "leads",
    "leaves",
    "loses",
    "makes",
    "marks",
    "meets",
    "moves",
    "names",
    "needs",
    "opens",
    "orders",
    "pays",
    "proves",
    "reads",
    "replaces",
    "returns",
    "saves",
    "sends",
    "shows",
    "signs",
    "starts",
    "stops",
    "takes",
    "tells",
    "tests",
    "turns",
    "uses",
    "waits",
    "wants",
    "writes",
]
_SMALL_TEXT = """
a the this every no one each some another
"""
_JOINTS = [
    "and",
    "because",
    "before",
    "but",
    "if",
    "once",
    "or",
    "since",
    "so",
    "until",
    "when",
    "where",
    "while",
]

_SMALL = _SMALL_TEXT.split()


def title(chance: random.Random) -> str:
    """Make a title of a few words."""
    words = (
        f"{chance.choice(_SMALL)} {chance.choice(_WORDS)} {chance.choice(_VERBS)} "
        f"{chance.choice(_SMALL)} {chance.choice(_WORDS)}"
    )
    return f"{words} {chance.choice(_JOINTS)} {chance.choice(_WORDS)}".capitalize()


def content(chance: random.Random) -> str:
    """Make a content of a few paragraphs."""
    halves = _halves()
    return f"{chance.choice(halves)}\n\n{chance.choice(halves)}"


@cache
def _halves() -> list[str]:
    """Make halves of contents once: choosing every word would take longer than writing the post."""
    chance = random.Random("halves")  # noqa: S311 - nothing here is a secret
    made = []
    for _ in range(_HALVES):
        half = _sentence(chance)
        while len(half) < CONTENT_BYTES / 2:
            half += (" " if chance.random() < _GOES_ON else "\n\n") + _sentence(chance)
        made.append(half)
    return made


def _sentence(chance: random.Random) -> str:
    clauses = [
        f"{chance.choice(_SMALL)} {chance.choice(_WORDS)} {chance.choice(_VERBS)} "
        f"{chance.choice(_SMALL)} {chance.choice(_WORDS)}"
        for _ in range(chance.randint(1, 3))
    ]
    return f"{f' {chance.choice(_JOINTS)} '.join(clauses)}.".capitalize()
