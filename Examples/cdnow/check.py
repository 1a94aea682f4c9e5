#!/usr/bin/env python3
"""check.py NDJSON URL - computes every feature of every customer at several moments in plain Python, from the purchases themselves, and compares
it with what the program at URL serves. Prints the number of values compared and of differences; exits with 1 when there is any difference.

The definitions, in words: at the time t, a window of W with the hop h holds the purchases with floor(t/h)·h - W <= time <= t. The hop is 6 h for
30 days, and a day for 90 and for 365 days. All purchases are at midnight, and no t here is within a hop that begins after it, so the moments
in the past, which are answered from tiles, have exactly the same answer.
"""
import http.client
import json
import sys
import time
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction
from urllib.parse import urlparse

import xxhash

SECOND = 1_000_000
DAY = 86_400 * SECOND
WINDOWS = {"30d": (30 * DAY, 6 * 3_600 * SECOND), "90d": (90 * DAY, DAY), "365d": (365 * DAY, DAY), "lifetime": None}
MOMENTS = [
    "1997-01-31T23:59:59.999999", "1997-03-31T23:59:59.999999", "1997-06-30T23:59:59.999999", "1997-12-31T23:59:59.999999",
    "1998-02-14T12:00:00.000000", "1998-06-30T23:59:59.999999", "1998-08-15T08:30:00.000000",
]
KEYS_PER_REQUEST = 500


class Purchase:
    __slots__ = ("time", "rank", "quantity", "amount")

    def __init__(self, event):
        self.time = micros(event["date"].removesuffix("Z"))
        # Purchases at one time are ordered by the hash of their ids.
        self.rank = (self.time, xxhash.xxh64_intdigest(event["purchase_id"].encode()))
        self.quantity = event["quantity"]
        self.amount = Decimal(event["amount"])


def micros(text):
    moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (moment.days * 86_400 + moment.seconds) * SECOND + moment.microseconds


def features(purchases, t):
    """{feature name: value} by definition; None where there is none."""
    values = {}
    for name, window in WINDOWS.items():
        left = None if window is None else t // window[1] * window[1] - window[0]
        inside = sorted((p for p in purchases if p.time <= t and (left is None or left <= p.time)), key=lambda p: p.rank)
        amounts = [p.amount for p in inside]
        values[f"purchases_{name}"] = len(inside)
        values[f"spent_{name}"] = sum(amounts)
        values[f"mean_amount_{name}"] = float(Fraction(sum(amounts)) / len(inside)) if inside else None
        values[f"min_amount_{name}"] = min(amounts) if inside else None
        values[f"max_amount_{name}"] = max(amounts) if inside else None
        values[f"distinct_amounts_{name}"] = len(set(amounts))
        values[f"last_amount_{name}"] = amounts[-1] if inside else None
        values[f"recent_quantities_{name}"] = [p.quantity for p in reversed(inside[-5:])]
        values[f"since_purchase_{name}"] = Decimal(t - inside[-1].time) / SECOND if inside else None
        if name in ("90d", "lifetime"):
            values[f"bulk_purchases_{name}"] = sum(1 for p in inside if p.quantity >= 5)
    return values


def same(served, expected):
    if isinstance(expected, float):
        return served is not None and float(served) == expected
    return served == expected


class Client:
    def __init__(self, url):
        address = urlparse(url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            sys.exit(f"{method} {path}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text, parse_float=Decimal)


def wait_until_applied(client, count, seconds=120):
    """Until every shard has read `count` records in all and has none left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shards = client.call("GET", "/v1/shards")["shards"]
        stopped = [shard for shard in shards if shard["state"] != "open"]
        if stopped:
            sys.exit(f"shard {stopped[0]['shard']} stopped: {stopped[0]['reason']}")
        read = sum(position["offset"] for shard in shards for position in shard["positions"])
        if read >= count and all(shard["lag_events"] == 0 for shard in shards):
            return
        time.sleep(0.1)
    sys.exit(f"{read} of {count} purchases were applied within {seconds} s")


def main():
    customers = defaultdict(list)
    with open(sys.argv[1]) as lines:
        for line in lines:
            event = json.loads(line, parse_float=Decimal)
            customers[event["customer_id"]].append(Purchase(event))
    client = Client(sys.argv[2])
    wait_until_applied(client, sum(map(len, customers.values())))
    keys = sorted(customers)
    names = list(features([], 0))
    compared, different, present = 0, 0, 0
    for moment in MOMENTS:
        t = micros(moment)
        for at in range(0, len(keys), KEYS_PER_REQUEST):
            part = keys[at:at + KEYS_PER_REQUEST]
            answer = client.call("POST", "/v1/lookup", {"features": names, "keys": part, "as_of": t})
            for key, result in zip(part, answer["results"], strict=True):
                expected = features(customers[key], t)
                if result["key"] != key or not result["found"]:
                    sys.exit(f"asked for {key}, got {result['key']} (found: {result['found']})")
                for name, value in zip(names, result["values"], strict=True):
                    compared += 1
                    present += value is not None
                    if not same(value, expected[name]):
                        different += 1
                        if different <= 20:
                            print(f"{key} {name} at {moment}Z: served {value}, expected {expected[name]}")
        print(f"{moment}Z: {len(keys)} customers, {different} differences so far", flush=True)
    print(f"{compared} values compared ({present} of them present), {different} differences")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
