"""Dashboard and alert rules against running servers: every metric, label and label value that they name is there."""
import hashlib
import json
import re
import ssl
import urllib.request

import pytest
import yaml

from certificates import Authority
from conftest import REPOSITORY, create_topics
from deploy_files import DASHBOARD, LABELS_OF_PROMETHEUS, OF_PROMETHEUS, alerts, dashboard_expressions, mentions

TOKEN = "mrt_of-the-scraper"


def labels_of(text):
    """{metric: [labels of each sample]}; a metric without samples has an empty list."""
    found = {name: [] for name in re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)}
    for match in re.finditer(r"^([a-zA-Z_:]\w*)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(match[1], []).append(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")))
    return found


def guarded(contents, directory):
    """The definitions with everything that brings metrics of its own."""
    tls = Authority(directory, "tls")
    contents["server"] = contents.get("server", {}) | {"tls": {"certificate": str(tls.certificate), "key": str(tls.key)}}
    contents["access"] = {"principals": {"scraper": {"tokens": [{"sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}], "metrics": True}}}
    contents["audit"] = {"file": str(directory / "audit.ndjson")}
    contents["snapshots"] = {"directory": str(directory / "snapshots"), "every": "1h"}
    contents["monitoring"] = {"enabled": True}
    contents["privacy"] = {"erasures": {"topic": contents["streams"]["clicks"]["topic"] + ".erasures"}}
    contents["streams"]["clicks"]["fields"]["price"]["expect"] = {"min": 0, "max": 100000}
    return contents


@pytest.fixture
def scraped(program, definitions, bootstrap, tmp_path):
    """Of a server as it comes, and of one that is guarded, watched and copied."""
    path, contents = definitions
    topic = contents["streams"]["clicks"]["topic"] + ".served"
    create_topics(bootstrap, topic, partitions=1)
    create_topics(bootstrap, contents["streams"]["clicks"]["topic"] + ".erasures")
    contents["services"]["churn"]["log"] = {"topic": topic}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    program.start()
    program.wait_healthy()
    program.wait(lambda: program.answers("GET", "/readyz"), 60, "ready")
    program.json("GET", "/v1/services/churn/entities/c1")
    found = labels_of(program.request("GET", "/metrics")[1])
    assert program.terminate() == 0

    path.write_text(yaml.safe_dump(guarded(contents, tmp_path), sort_keys=False))
    program.start()
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    text = ""

    def scrape():
        nonlocal text
        request = urllib.request.Request(f"https://127.0.0.1:{program.port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=5, context=trusting) as answer:
                text = answer.read().decode()
        except OSError:
            return False
        return "millrace_shard_lag_events{" in text
    program.wait(scrape, 60, "scraped over TLS with a token")
    for name, samples in labels_of(text).items():
        found[name] = found.get(name, []) + samples
    return found


def expressions():
    yield from dashboard_expressions()
    for name, rule in alerts().items():
        yield f"alert {name}", rule["expr"]


# Labels of metrics that have samples only when something is wrong, as docs/MONITORING.md has them.
ONLY_WHEN_WRONG = {"millrace_monitoring_alert": {"entity", "feature", "measure"}, "millrace_contract_violations_total": {"stream", "field", "rule"},
                   "millrace_contract_volume_violations_total": {"stream", "bound"}}


def labels_that(name, scraped):
    return set().union(*scraped[name]) | LABELS_OF_PROMETHEUS | (ONLY_WHEN_WRONG.get(name, set()) if not scraped[name] else set())


def test_every_metric_and_label_of_dashboard_and_rules_is_there(scraped):
    used = set()
    for where, expression in expressions():
        metrics, grouped = mentions(expression)
        assert metrics, f"{where} names no metric: {expression}"
        known = set(LABELS_OF_PROMETHEUS)
        for name, selected in metrics:
            if name in OF_PROMETHEUS:
                continue
            assert name in scraped, f"{where}: the servers have no metric {name}"
            labels = labels_that(name, scraped)
            assert selected <= labels, f"{where}: {name} has no label {selected - labels}"
            known |= labels
            used.add(name)
        assert grouped <= known, f"{where}: no metric of it has a label {grouped - known}"
    assert len(used) > 50

    # These servers have families that the one of test_metrics.py has not.
    page = (REPOSITORY / "docs" / "METRICS.md").read_text()
    families = {name for name in scraped if re.sub(r"_(bucket|sum|count)$", "", name) == name or re.sub(r"_(bucket|sum|count)$", "", name) not in scraped}
    assert not {name for name in families if f"`{name}`" not in page}

    # Values of labels that rules select.
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


def test_legends_name_labels_that_are_left():
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            _, grouped = mentions(target["expr"])
            aggregated = re.search(r"\b(?:sum|min|max|count|histogram_quantile)\b", target["expr"])
            for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]):
                assert label in (grouped if aggregated else grouped | LABELS_OF_PROMETHEUS), f"panel `{panel['title']}`: {label}"
