"""A small shop with monitoring, contracts and a model's scores, running; and a receiver of webhooks."""
import contextlib
import http.server
import json
import random
import threading
import time
import uuid

import yaml

from conftest import create_topics
from program import Program

HOUR = 3_600_000_000
CUSTOMERS = 300


class Receiver:
    """Takes POSTs; refuses the first `refusals` of them."""

    def __init__(self, refusals=0):
        self.bodies, self.headers, self.refusals = [], [], refusals
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.refusals > 0:
                    receiver.refusals -= 1
                    self.send_response(503)
                else:
                    receiver.bodies.append(body)
                    receiver.headers.append(dict(self.headers))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def alerts(self, event="firing"):
        return {(b["alert"]["feature"], b["alert"]["measure"]): b for b in self.bodies if b["event"] == event}


@contextlib.contextmanager
def watched_shop(binary, bootstrap, directory, *, webhook=None, environment=(), **monitoring):
    """(program, produce): `produce(rows)` sends clicks (key, event, timestamp in µs) and waits until they are applied; gives the positions."""
    from confluent_kafka import Producer

    prefix = f"w{uuid.uuid4().hex[:8]}-"
    definitions = {
        "version": 1, "name": "watched",
        "entities": {"customer": None},
        "streams": {"clicks": {
            "topic": prefix + "clicks", "dead_letter_topic": prefix + "clicks.dead", "keys": {"customer": "customer_id"},
            "time": {"path": "event_time", "format": "epoch_ms"}, "id": "event_id", "volume": {"min": 1, "max": 5},
            "fields": {
                "price": {"type": "decimal", "scale": 2, "expect": {"nulls": 0.01, "min": 0, "max": 10000}},
                "currency": {"type": "string", "expect": {"values": ["EUR", "USD"], "max_bytes": 3}},
            }}},
        "views": {"clicks": {"entity": "customer", "stream": "clicks", "windows": ["24h"], "features": {
            "clicks": {"aggregation": "count"}, "last_price": {"aggregation": "last", "field": "price"}}}},
        "pushed": {"scores": {"entity": "customer", "topic": prefix + "scores", "features": {"churn_score": "double"}}},
        "services": {"churn": {"version": 1, "entity": "customer", "features": ["clicks_24h", "last_price_24h"]}},
    }
    if monitoring:
        definitions["monitoring"] = monitoring | ({"webhook": webhook, "webhook_token": "t0ken"} if webhook else {})
    path = directory / "millrace.yaml"
    path.write_text(yaml.safe_dump(definitions, sort_keys=False))
    create_topics(bootstrap, prefix + "clicks", prefix + "clicks.dead", prefix + "scores", partitions=1)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "partitioner": "murmur2_random"})
    ends = {(prefix + "clicks", 0): 0}

    def produce(rows):
        offsets = [None] * len(rows)
        for position, (key, value, timestamp) in enumerate(rows):
            def told(error, message, position=position):
                assert error is None, error
                offsets[position] = message.offset()
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            producer.produce(prefix + "clicks", body, key, timestamp=timestamp // 1000, on_delivery=told)
        assert producer.flush(30) == 0
        ends[prefix + "clicks", 0] = max(offsets) + 1
        program.wait_applied(ends)
        return offsets

    program = Program(binary, path, bootstrap, directory)
    program.environment |= dict(environment)
    program.start()
    try:
        program.wait_healthy()
        program.wait_applied({})
        yield program, produce
    finally:
        if program.process is not None:
            program.kill()


def click(random, customer, at, price=None, **more):
    event = {"event_id": uuid.uuid4().hex, "customer_id": customer, "event_time": at // 1000, "currency": "EUR"}
    event["price"] = round(random.lognormvariate(3, 0.8), 2) if price is None else price
    return customer, event | more, at


def hour_of_clicks(random, hour, span=HOUR, price=None):
    """One click of each customer, within `span` of the hour's beginning."""
    times = sorted(hour * HOUR + random.randrange(span) for _ in range(CUSTOMERS))
    return [click(random, f"secret-customer-{n:04d}", at, price(random) if price else None) for n, at in enumerate(times)]


def hour_of_scores(random, hour, span=HOUR, score=None):
    """Of customers without clicks: an entity is observed once a minute, and here each event is to be."""
    return [
        {"customer": f"secret-pushed-{n:04d}", "event_time": hour * HOUR + random.randrange(span),
         "churn_score": random.betavariate(2, 6) if score is None else score}
        for n in range(CUSTOMERS)]


def now():
    return time.time_ns() // 1000


def seeded(seed):
    return random.Random(seed)
