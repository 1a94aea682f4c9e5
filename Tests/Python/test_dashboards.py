"""Dashboard and alert rules against a running server: every metric, label and label value that they name is there."""
import json
import re

import pytest
import yaml
from confluent_kafka.admin import AdminClient, NewTopic

from deploy_files import DASHBOARD, LABELS_OF_PROMETHEUS, OF_PROMETHEUS, alerts, dashboard_expressions, mentions


@pytest.fixture
def scraped(program, definitions, bootstrap):
    """{metric: [labels of each sample]} of a server whose services use what brings metrics of its own."""
    path, contents = definitions
    topic = contents["streams"]["clicks"]["topic"] + ".served"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for created in admin.create_topics([NewTopic(topic, 1, 1)]).values():
        created.result(30)
    contents["services"]["churn"]["log"] = {"topic": topic}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    program.start()
    program.wait_healthy()
    program.wait(lambda: program.answers("GET", "/readyz"), 60, "ready")
    program.json("GET", "/v1/services/churn/entities/c1")
    found = {}
    for (name, labels) in program.metrics():
        found.setdefault(name, []).append(dict(labels))
    return found


def expressions():
    yield from dashboard_expressions()
    for name, rule in alerts().items():
        yield f"alert {name}", rule["expr"]


def test_every_metric_and_label_of_dashboard_and_rules_is_there(scraped):
    used = set()
    for where, expression in expressions():
        metrics, grouped = mentions(expression)
        assert metrics, f"{where} names no metric: {expression}"
        known = set(LABELS_OF_PROMETHEUS)
        for name, selected in metrics:
            if name in OF_PROMETHEUS:
                continue
            assert name in scraped, f"{where}: the server has no metric {name}"
            labels = set().union(*scraped[name]) | LABELS_OF_PROMETHEUS
            assert selected <= labels, f"{where}: {name} has no label {selected - labels}"
            known |= labels
            used.add(name)
        assert grouped <= known, f"{where}: no metric of it has a label {grouped - known}"
    assert len(used) > 40


def test_values_of_labels_that_rules_select_exist(scraped):
    outcomes = {labels["outcome"] for labels in scraped["millrace_lookups_total"]}
    for where, expression in expressions():
        for name, selection in re.findall(r"\b(millrace_\w+)\{([^}]*)\}", expression):
            for label, value in re.findall(r'(\w+)=~?"([^"$]+)"', selection):
                if label in LABELS_OF_PROMETHEUS:
                    continue
                # Of pushes an outcome appears when it first happens; their problems are the lookups'.
                there = outcomes if name == "millrace_pushes_total" else {labels[label] for labels in scraped[name]}
                for word in value.split("|"):
                    assert word in there, f"{where}: {name} never has {label}={word}"


def test_legends_name_labels_that_are_left(scraped):
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            _, grouped = mentions(target["expr"])
            aggregated = re.search(r"\b(?:sum|min|max|count|histogram_quantile)\b", target["expr"])
            for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]):
                assert label in (grouped if aggregated else grouped | LABELS_OF_PROMETHEUS), f"panel `{panel['title']}`: {label}"
