"""The shop with pushed features, running: for tests of whatever only pushes have."""
import contextlib
import json

import yaml

from conftest import REPOSITORY, fresh_topics
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
    from confluent_kafka.admin import AdminClient, NewTopic

    with fresh_topics(bootstrap) as topics:
        contents = yaml.safe_load((REPOSITORY / "Examples" / "shop" / "millrace.yaml").read_text())
        for name, stream in contents["streams"].items():
            stream["topic"] = topics[name]
            stream["dead_letter_topic"] = topics[f"{name}.dlq"]
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
        path = directory / "millrace.yaml"
        path.write_text(yaml.safe_dump(contents, sort_keys=False))
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for made in admin.create_topics([NewTopic(topics[name], num_partitions=4, replication_factor=1) for name in [*pushed, "served"]]).values():
            made.result(30)
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
