"""Alerts and dashboards ask for metrics that exist, each alert is tried by promtool and has a page of what to do.

`make alerts` runs promtool, which is no package of Python; what does not need it is checked here.
"""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from shared import observability
from tests.chart.helm import CHART, ROOT

RULES: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"][0]["rules"]
TESTS = yaml.safe_load((Path(__file__).parent / "alerts.test.yaml").read_text())["tests"]
DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))
RUNBOOKS = (ROOT / "docs" / "operations" / "runbooks.md").read_text()
_OF_PROCESSES = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


def exported() -> dict[str, set[str]]:
    """The series that the services export, each with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(observability).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            ((name, labels),) = [(metric._name, set(metric._labelnames))]
            endings = ("_total",) if isinstance(metric, Counter) else ("_bucket", "_sum", "_count")
            names = [name] if isinstance(metric, Gauge) else [name + ending for ending in endings]
            found |= {each: labels | ({"le"} if each.endswith("_bucket") else set()) for each in names}
    return found


def unknown(expression: str) -> set[str]:
    """Series and labels in a PromQL expression that no service exports."""
    promql_parser.parse(expression)
    series, bad = exported(), set()
    without_groups = re.sub(r"\bby \([^)]*\)", "", expression)
    for name, matchers in re.findall(r"\b((?:leadflow|process)_[a-z_]+)(?:\{([^}]*)\})?", without_groups):
        if name in _OF_PROCESSES:
            continue
        if name not in series:
            bad.add(name)
            continue
        labels = set(re.findall(r"(\w+)\s*[!=]", matchers)) - {"namespace"}
        bad |= {f"{name}{{{label}}}" for label in labels - series[name]}
    return bad


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_exists_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert unknown(rule["expr"]) == set()
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / page).is_file()
    headings = {
        re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") for title in re.findall(r"^## (.+)$", RUNBOOKS, re.M)
    }
    assert anchor in headings


def test_an_expression_with_an_unknown_series_or_label_is_found() -> None:
    assert unknown("sum(leadflow_gossip) > 0") == {"leadflow_gossip"}
    assert unknown('leadflow_dead_letters{tenant="a"}') == {"leadflow_dead_letters{tenant}"}
    with pytest.raises(ValueError):
        unknown("sum(leadflow_dead_letters")


def test_each_alert_is_tried_where_it_fires_and_where_it_stays_quiet() -> None:
    tried = [test["alert_rule_test"][0] for test in TESTS]
    alerts = sorted(rule["alert"] for rule in RULES)
    assert sorted({each["alertname"] for each in tried if each["exp_alerts"]}) == alerts
    assert sorted({each["alertname"] for each in tried if not each["exp_alerts"]}) == alerts


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_asks_for_what_exists(file: Path) -> None:
    board = json.loads(file.read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) >= 8
    assert {bad for expression in expressions for bad in unknown(expression)} == set()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_every_metric_is_on_a_dashboard() -> None:
    shown = " ".join(file.read_text() for file in DASHBOARDS)
    missing = {name for name in exported() if name not in shown and not name.endswith(("_sum", "_count"))}
    assert missing == {"leadflow_imap_skipped_total"}
