"""`definitions SHOP OUT`: the shop's definitions with topics of their own.
`requests LOG TRAINING SCORING`: every customer once a week, and every customer at the end of the log."""
import csv
import json
import sys
import uuid
from datetime import datetime, timedelta, timezone

import yaml


def definitions(shop, out):
    contents = yaml.safe_load(open(shop))
    prefix = f"churn-{uuid.uuid4().hex[:8]}-"
    for stream in contents["streams"].values():
        stream["topic"] = prefix + stream["topic"]
        stream.pop("dead_letter_topic", None)
    yaml.safe_dump(contents, open(out, "w"), sort_keys=False)


def requests(log, training, scoring):
    customers, first, last = set(), None, None
    with open(log) as file:
        for line in file:
            record = json.loads(line)
            customers.add(record["key"])
            if "event_time" in record["value"]:
                time = record["value"]["event_time"]
                first, last = min(first or time, time), max(last or time, time)
    at = lambda milliseconds: datetime.fromtimestamp(milliseconds / 1_000, timezone.utc)  # noqa: E731
    # The log's last event may be a purchase, a little after the last click.
    end = (at(last) + timedelta(hours=1)).replace(microsecond=0)
    with open(training, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "time", "week"])
        week = 0
        while (time := at(first) + timedelta(days=14 + 7 * week)) < at(last) - timedelta(days=7):
            for customer in sorted(customers):
                rows.writerow([customer, time.isoformat(), week])
            week += 1
    with open(scoring, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "time"])
        for customer in sorted(customers):
            rows.writerow([customer, end.isoformat()])


{"definitions": definitions, "requests": requests}[sys.argv[1]](*sys.argv[2:])
