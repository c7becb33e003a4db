"""Alerts and dashboards ask for metrics that exist, and each alert says what to do."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.unit.infra.promql import metrics_in, problems

from danbao.metrics.catalogue import METRICS

ROOT: Final = Path(__file__).parents[3]
INFRA: Final = ROOT / "infra"
ALERTS: Final = yaml.safe_load((INFRA / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
RULES: Final[list[dict[str, Any]]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD: Final = json.loads((INFRA / "grafana" / "danbao.json").read_text(encoding="utf-8"))
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
GRAFANA: Final = {"$__rate_interval": "5m"}
KNOWN_TO_RULES: Final = {"alert", "expr", "for", "labels", "annotations"}


def expressions_of(panel: dict[str, Any]) -> list[str]:
    """The expressions of a panel, as Prometheus gets them."""
    expressions = [target["expr"] for target in panel["targets"]]
    for name, value in GRAFANA.items():
        expressions = [expression.replace(name, value) for expression in expressions]
    return expressions


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_exists(rule: dict[str, Any]) -> None:
    """An alert on a misspelt metric never fires, and nobody notices."""
    assert list(problems(rule["expr"])) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_links_to_what_to_do(rule: dict[str, Any]) -> None:
    """Who is woken at night reads, and does not guess."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_the_form_of_a_rule(rule: dict[str, Any]) -> None:
    """Prometheus refuses a file with one key that it does not know."""
    assert rule.keys() <= KNOWN_TO_RULES
    assert re.fullmatch(r"Danbao[A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
    assert rule["annotations"]["summary"]


def test_every_runbook_belongs_to_an_alert() -> None:
    """A section for an alert that is gone misleads."""
    text = (ROOT / "docs" / "how-to" / "answer-an-alert.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^## (.+)$", text, re.MULTILINE)) == sorted(
        rule["alert"] for rule in RULES
    )


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_exists(panel: dict[str, Any]) -> None:
    """An empty panel looks like an engine at rest."""
    found = [problem for each in expressions_of(panel) for problem in problems(each)]

    assert found == []
    assert panel["targets"]


def test_a_legend_names_labels_that_its_expression_has() -> None:
    """A legend of a lost label reads as empty text."""
    wrong = [
        f"{panel['title']}: {label}"
        for panel in PANELS
        for target in panel["targets"]
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"])
        if not re.search(rf"by \([^)]*\b{label}\b", target["expr"])
    ]
    assert wrong == []


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    """Grafana moves what overlaps, and then the picture is another one."""
    everything = DASHBOARD["panels"]
    cells = [
        (x, y)
        for panel in everything
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    """A number that nobody looks at need not be kept."""
    used = {
        name
        for expression in (
            *(rule["expr"] for rule in RULES),
            *(each for panel in PANELS for each in expressions_of(panel)),
        )
        for name in metrics_in(expression)
    }
    only_by_hand = {"danbao_build_info", "danbao_retried_letters_total"}

    assert {metric.name for metric in METRICS} - used == only_by_hand


def test_wrong_expressions_are_found() -> None:
    """The rules above bite."""
    assert list(problems("sum(danbao_evnts_total)"))
    assert list(problems("sum by (topic) (danbao_events_total)"))
    assert list(problems('danbao_events_total{code="x"}'))
    assert list(problems("danbao_batch_seconds"))
    with pytest.raises(ValueError, match="parenthesis"):
        list(problems("sum(danbao_events_total"))


def test_yaml_is_well_kept() -> None:
    """A stray tab or a doubled key is found here, and not by Prometheus or Docker."""
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-c", ".yamllint.yaml", "infra"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
