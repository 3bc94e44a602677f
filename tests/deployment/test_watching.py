"""The dashboard and the alerts ask for what /metrics really prints, and what it prints costs the same at any size."""

import json
import re
from types import SimpleNamespace

import pytest
import yaml
from sqlalchemy import event, update

from core.db import Database
from core.models import Card, Workspace
from core.settings import Settings
from fermata.serving import own_figures
from tests import mailroom
from tests.services import ROOT
from web.hooks import Hooks, Secrets
from web.metrics import measure

NAME = re.compile(r"fermata_\w+")
DASHBOARD = json.loads((ROOT / "docs/grafana.json").read_text())
[RULES] = yaml.safe_load((ROOT / "docs/alerts.yaml").read_text())["groups"]


@pytest.fixture
def room(database_url):
    made = mailroom.make(Database(database_url), 3, imap_host="127.0.0.1", imap_port=1)
    mailroom.hand_over(made)
    yield made
    made.db.close()


@pytest.fixture
def printed(room, tmp_path):
    """Every name that is printed, with its labels: by web, by a worker, once a hook was called, and while Slack is away."""
    with room.db.write() as session:
        session.execute(update(Workspace).values(beat=1))
        session.add(Card(key="x:1", kind="x", channel="C1", fault="away:timeout", created_at=mailroom.NOW))
    with room.db.read() as session:
        text = measure(session, now=mailroom.NOW)
    engine = SimpleNamespace(last_tick=mailroom.NOW, made_at=mailroom.NOW)
    hooks = Hooks(room.db, lambda: mailroom.NOW, Secrets())
    hooks._counts["event", "200"] += 1
    return text + own_figures(engine, Settings(home=tmp_path)) + hooks.figures()


def test_dashboard_and_alerts_ask_for_what_is_printed(printed):
    names = {line.split("{")[0].split(" ")[0] for line in printed.splitlines() if not line.startswith("#")}
    shown = {
        name
        for panel in DASHBOARD["panels"]
        for one in panel["targets"]
        for name in NAME.findall(one["expr"])
    }
    woken = {name for rule in RULES["rules"] for name in NAME.findall(rule["expr"])}
    assert shown <= names
    assert woken <= names
    assert names <= shown | {"fermata_home_bytes"}, "a figure that nobody looks at"
    for expression, labels in re.findall(
        r"by \(([\w, ]+)\) \((?:\w+\()*(fermata_\w+)", json.dumps(DASHBOARD)
    ):
        for label in expression.split(", "):
            assert re.search(rf"^{labels}(_total)?{{.*{label}=", printed, re.MULTILINE), (labels, label)


def test_what_is_printed_is_prometheus_text(printed):
    for line in printed.splitlines():
        assert re.fullmatch(
            r'# (HELP|TYPE) fermata_\w+ .+|fermata_\w+(\{(\w+="[^"]*",?)+\})? -?[\d.e+-]+', line
        ), line
    heads = re.findall(r"# TYPE (\w+)", printed)
    assert len(heads) == len(set(heads))


def test_every_alert_says_what_to_do():
    assert {rule["alert"] for rule in RULES["rules"]} == {
        "FermataDoesNotSend", "FermataIsLate", "FermataIsUncertain", "FermataDoesNotRead", "FermataCardsDoNotArrive",
        "FermataDiskNearlyFull",
    }  # fmt: skip
    for rule in RULES["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
    operations = (ROOT / "docs/operations.md").read_text()
    assert all(name in operations for name in ("(grafana.json)", "(alerts.yaml)"))


def test_dashboard_can_be_imported():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}


def test_no_figure_reads_a_whole_table(room):
    """Nothing that grows with what is over: SQLite's own plan of each statement must name an index."""
    if not room.db.is_sqlite:
        return
    statements = []
    with room.db.read() as session:
        listen = lambda _c, _cursor, sql, values, *_: statements.append((sql, values))  # noqa: E731
        event.listen(room.db.engine, "before_cursor_execute", listen)
        measure(session, now=mailroom.NOW)
        event.remove(room.db.engine, "before_cursor_execute", listen)
        plans = [
            (sql, step[3])
            for sql, values in statements
            for step in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    scans = [
        (plan, sql)
        for sql, plan in plans
        if re.match(r"SCAN (enrollment|delivery|hold|card|hook_event)\b", plan)
    ]
    assert [plan for plan, _ in scans if "INDEX" not in plan] == []
    partial = {"under_way", "gone_wrong", "open_holds", "to_draw", "untold", "due", "ending_holds"}
    assert {plan.split("INDEX ")[1].split(" ")[0] for plan, _ in scans} <= partial
