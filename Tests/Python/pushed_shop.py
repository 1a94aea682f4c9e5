"""The shop with pushed features, running: for tests of whatever only pushes have."""
import contextlib
import json

import yaml

from conftest import create_topics, fresh_topics, shop_definitions
from oracle import Oracle
from program import Program
from shop_stream import RecordProducer, ShopStream

SECOND = 1_000_000
NOW = 1_764_600_000 * SECOND

PUSHED = {
    "churn_model": {
        "entity": "customer", "ttl": "7d", "description": "Computed each night",
        "features": {
            "churn_score": "double",
            "segment": {"type": "string", "default": "unknown"},
            "taste": {"type": "vector", "dimension": 4},
            "price_limit": {"type": "decimal", "scale": 2},
            "orders_expected": "int64",
            "is_vip": "bool",
            "profile": {"type": "string", "max_size": "16KiB"},
        },
    },
    "product_model": {
        "entity": "product", "topic": "PRODUCT", "key": "sku", "time": {"path": "at", "format": "rfc3339"},
        "features": {"quality": {"type": "double", "ttl": "1h", "default": 0.5}},
    },
}


@contextlib.contextmanager
def pushing_program(binary, bootstrap, directory):
    """A `Program` over the shop's streams and two pushed views; the customers have clicks. Service `ranking` logs half of them."""
    with fresh_topics(bootstrap) as topics:
        path, contents = shop_definitions(topics, directory)
        contents["entities"].setdefault("product", {"description": "What is sold"})
        pushed = json.loads(json.dumps(PUSHED))
        prefix = topics["clicks"].removesuffix("clicks")
        for name, view in pushed.items():
            view["topic"] = topics[name] = prefix + name
        contents["pushed"] = pushed
        topics["served"] = prefix + "served"
        contents["services"]["ranking"] = {
            "version": 1, "entity": "customer", "log": {"topic": topics["served"], "sample": 0.5},
            "features": ["clicks_24h", "churn_score", "segment", "taste", "calm"]}
        contents["derived"]["customer"]["calm"] = {"expression": "churn_score < 0.5"}
        path.write_text(yaml.safe_dump(contents, sort_keys=False))
        create_topics(bootstrap, *(topics[name] for name in [*pushed, "served"]))
        producer = RecordProducer(bootstrap, topics, Oracle(contents))
        stream = ShopStream(seed=3, start=1_764_547_200 * SECOND, customers=20, step_micros=60 * SECOND)
        for _ in range(300):
            producer.send(stream.next())
        producer.flush()
        made = Program(binary, path, bootstrap, directory)
        made.start()
        try:
            made.wait_healthy()
            made.wait_applied(producer.ends)
            made.topics, made.bootstrap = topics, bootstrap
            yield made
        finally:
            made.kill()
