"""What tests of deploy/ share: its files, read, and the metrics that they mention."""
import json
import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "millrace.json"
# Prometheus adds them to what it scrapes, or makes them itself.
OF_PROMETHEUS = {"up", "ALERTS"}
LABELS_OF_PROMETHEUS = {"job", "instance"}


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def alerts():
    """{name: rule}"""
    return {rule["alert"]: rule for group in documents(ALERTS)[0]["groups"] for rule in group["rules"]}


def dashboard_expressions():
    """(where, expression) of every panel, variable and annotation."""
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel `{panel['title']}`", target["expr"]
    for variable in board["templating"]["list"]:
        if isinstance(variable["query"], dict):
            yield f"variable `{variable['name']}`", variable["query"]["query"]
    for annotation in board["annotations"]["list"]:
        yield f"annotation `{annotation['name']}`", annotation["expr"]


def mentions(expression):
    """[(metric, labels it is selected by)], and all labels that the expression groups or joins by."""
    text = re.sub(r'"[^"]*"', '""', expression)
    found = []
    for match in re.finditer(r"\b((?:millrace|process)_\w+|up)\b(?:\{([^}]*)\})?", text):
        found.append((match[1], set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", match[2] or ""))))
    grouped = set()
    for match in re.finditer(r"\b(?:by|on|group_left|without)\s*\(([^)]*)\)", text):
        grouped |= {label.strip() for label in match[1].split(",") if label.strip()}
    return found, grouped
