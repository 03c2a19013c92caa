"""Compares what is written about metrics with what the processes tell: table, dashboard, alerts."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are no dependency of ours

import commands.outcomes
from api.metrics import ANSWERED, CLIENT_GONE, CRASH, REFUSED
from api.problem_catalogue import CATALOGUE
from infra.bootstrap import open_product
from infra.identity.passwords import CHEAP
from infra.serve import showing_metrics
from projections.registry import PROJECTIONS
from projections.status import State
from tests.support.exposition import Family, names_in, own, series_names
from tests.support.product import KEYS, Api
from tests.support.services import settings_in

DOCS = Path(__file__).parents[3] / "docs"
TABLE = (DOCS / "observability.md").read_text("utf-8")
DASHBOARD = json.loads((DOCS / "observability" / "ledgerpress-dashboard.json").read_bytes())
ALERTS = yaml.safe_load((DOCS / "observability" / "alerts.yml").read_bytes())
_ROW = re.compile(
    r"^\| `(ledgerpress_\w+)` \| (\w+) \|([^|]*)\| (API|all) \| \S[^|]* \|$", re.MULTILINE
)
OUTCOMES = {*vars(commands.outcomes), ANSWERED, CLIENT_GONE, CRASH, REFUSED}
VALUES: dict[str, set[str]] = {
    "error": {*CATALOGUE},
    "outcome": OUTCOMES,
    "state": {*State, "queued", "running", "in_use", "idle"},
    "projection": {*PROJECTIONS, "relay"},
    "status": {"500", "501", "503", "505", "507", "429", "4.."},
    "result": {"dead", "lost"},
}
"""What the labels in queries may say."""


class Row(NamedTuple):
    """A line of the table."""

    type: str
    labels: frozenset[str]
    of: str


@pytest.fixture
async def of_api(api: Api) -> str:
    """Give what the API tells, after some requests."""
    await api.author.post("/exports")
    await api.anonymous.get("/posts/none")
    return (await api.anonymous.get("/metrics")).text


@pytest.fixture
async def of_worker(database_url: str, tmp_path: Path) -> str:
    """Give what a process without an API tells."""
    async with (
        open_product(database_url, KEYS, hashing=CHEAP) as product,
        showing_metrics(product, settings_in(tmp_path), ("127.0.0.1", 0)) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as http,
    ):
        product.watching.figures.attempts["export", "done"] += 1
        product.watching.figures.attempt_seconds["export"] += 1.5
        product.watching.figures.followed["search"] += 1
        answer = await http.get("/metrics")
        elsewhere = await http.get("/")
        refused = await http.post("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert (answer.status_code, elsewhere.status_code, refused.status_code) == (200, 404, 405)
    return answer.text


def rows() -> dict[str, Row]:
    """Read the table."""
    found = _ROW.findall(TABLE)
    assert found
    return {
        name: Row(type_, frozenset(re.findall(r"`(\w+)`", labels)), of)
        for name, type_, labels, of in found
    }


def labels_of(family: Family) -> set[str]:
    """Name the labels, but for that of a histogram's buckets."""
    return {label for _, given in family.samples for label, _ in given} - {"le"}


def test_the_table_names_what_there_is(of_api: str, of_worker: str) -> None:
    """Every metric of every process, its type and its labels, and no other."""
    table = rows()
    told = own(of_api)
    alone = own(of_worker)

    assert told.keys() == table.keys()
    assert alone.keys() == {name for name, row in table.items() if row.of == "all"}
    for name, row in table.items():
        assert told[name].type == row.type, name
        shown = labels_of(told[name]) | labels_of(alone.get(name, told[name]))
        assert shown <= row.labels, name
        assert shown == row.labels or name in {
            "ledgerpress_trace_spans_total",  # no traces are made here
            "ledgerpress_jobs_dead",
        }


def test_names_follow_the_conventions(of_api: str) -> None:
    """Counters end in `_total`, times are seconds, sizes bytes, and each says what it is."""
    for name, family in own(of_api).items():
        assert (family.type == "counter") == name.endswith("_total"), name
        assert not re.search(r"_(ms|millis|kb|mb|percent|minutes)(_|$)", name)
        assert family.text.endswith("."), name


def expressions() -> Iterator[str]:
    """Give every query of the dashboard and the alerts."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for rule in rules():
        yield rule["expr"]


def rules() -> Iterable[dict[str, Any]]:
    """Give every alert."""
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def test_queries_ask_for_what_there_is(of_api: str) -> None:
    """Every metric that a panel or an alert names is told, with labels that it has."""
    told, table = series_names(of_api), rows()
    for query in expressions():
        assert names_in(query) <= told, query
        for name, matchers in re.findall(r"(ledgerpress_\w+)\{([^}]*)\}", query):
            known = table[re.sub(r"_(bucket|sum|count)$", "", name)].labels | {"instance", "job"}
            for label, values in re.findall(r'(\w+)[=!]~?"([^"]*)"', matchers):
                assert label in known, query
                if label in VALUES:
                    assert {*values.split("|")} <= VALUES[label], query


def test_nothing_is_left_out_of_the_dashboard() -> None:
    """Everything of the table is on it, but for what only a query of one's own asks for."""
    shown = {
        name
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
        for name in names_in(target["expr"])
    }
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}

    assert rows().keys() - bare == {
        "ledgerpress_database_up",
        "ledgerpress_job_attempt_seconds_total",
        "ledgerpress_projection_position",
        "ledgerpress_storage_size_bytes",
        "ledgerpress_trace_spans_total",
    }


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """With a data source to choose, panels that do not overlap, and named queries."""
    variables = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in DASHBOARD["panels"]]

    assert variables == {"datasource": "datasource", "instance": "query"}
    assert DASHBOARD["uid"]
    assert DASHBOARD["schemaVersion"] >= 36
    assert len(ids) == len(set(ids))
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["type"] in {"row", "timeseries", "stat", "state-timeline"}
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"]
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["fieldConfig"]["defaults"]["unit"]
            refs = [target["refId"] for target in panel["targets"]]
            assert refs
            assert len(refs) == len(set(refs))
            assert all(target["legendFormat"] for target in panel["targets"])


def test_alerts_are_whole_and_explained() -> None:
    """Each has a severity and words for whoever it wakes, and the page says what to do."""
    names = [rule["alert"] for rule in rules()]

    assert len(names) == len(set(names))
    assert all(f"`{name}`" in TABLE for name in names)
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_500_and_503_are_told_apart() -> None:
    """A crash wakes somebody; each cause of a 503 has an alert, and none is for both."""
    by_name = {rule["alert"]: rule for rule in rules()}
    asked = "\n".join(rule["expr"] for rule in rules())
    causes = {error for error, row in CATALOGUE.items() if row.status == 503}

    assert 'outcome="Crash"' in by_name["LedgerpressCrash"]["expr"]
    assert by_name["LedgerpressCrash"]["labels"]["severity"] == "page"
    assert "for" not in by_name["LedgerpressCrash"]
    assert {error for error in causes if error not in asked} == {"draining"}  # it ends by itself
    assert not [rule for rule in rules() if "Crash" in rule["expr"] and "503" in rule["expr"]]
