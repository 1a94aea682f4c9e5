"""A deterministic stream of clicks and purchases with everything that goes wrong in real ones, and a producer that tells the oracle."""
import json
import random
from collections import deque
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from confluent_kafka import Producer

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
CATEGORIES = ["shoes", "bags", "toys", "books", "garden"]
DEVICES = ["mobile", "desktop", "tablet", "bot"]
PAGES = ["home", "search", "category", "product", "cart", "/help/returns"]


class Record:
    __slots__ = ("stream", "key", "value", "timestamp")

    def __init__(self, stream, key, value, timestamp):
        self.stream = stream
        self.key = key
        self.value = value
        # Broker timestamp, µs; a whole number of milliseconds.
        self.timestamp = timestamp


class ShopStream:
    """Makes `Record`s for ever; event time advances by `step_micros` in the mean from one to the next."""

    def __init__(self, seed, start, customers=300, step_micros=10_000, malformed=0.005):
        self.random = random.Random(seed)
        self.now = start // 1_000 * 1_000
        self.customers = customers
        self.step = step_micros
        self.malformed = malformed
        self.sent = deque(maxlen=500)
        self.count = 0

    def next(self):
        chance = self.random.random
        self.now += int(self.step * 2 * chance()) // 1_000 * 1_000
        if self.sent and chance() < 0.05:
            old = self.random.choice(self.sent)
            return Record(old.stream, old.key, old.value, self.now)
        self.count += 1
        # Squaring makes low numbers busy.
        customer = f"c{int(self.customers * chance() ** 2):07d}"
        time = self.now
        if chance() < 0.08:
            # Within and beyond the 2 and 7 days for which the shop remembers ids.
            time -= int(chance() * self.random.choice((1, 4, 12)) * 86_400) * SECOND
        elif chance() < 0.02:
            # Beyond the allowed clock skew of 5 minutes, or just within.
            time += int((240 + chance() * 120) * 1_000) * 1_000
        elif chance() < 0.3:
            # Equal times: whole seconds.
            time = time // SECOND * SECOND
        if chance() < 0.75:
            stream, event = "clicks", {
                "event_id": f"e{self.count}", "customer_id": customer, "event_time": time // 1_000, "page": self.random.choice(PAGES),
                "product": self._product(), "session": f"s{customer}-{self.now // (600 * SECOND)}",
                "device": self.random.choice(DEVICES)}
        else:
            product, quantity = self._product(), self.random.randint(1, 5)
            stream, event = "purchases", {
                "order_id": f"o{self.count}", "customer_id": customer, "ordered_at": rfc3339(time), "product": product["id"],
                "category": product["category"], "quantity": quantity,
                "amount": Number(str(Decimal(product["price"].text) * quantity)), "currency": "EUR"}
        if chance() < 0.05:
            # What is not a key, an id or a time may be absent, and then is null.
            event.pop(self.random.choice(("device", "page", "product", "category", "amount", "quantity")), None)
        value = to_json(event)
        if chance() < self.malformed:
            value = self.random.choice([value[:len(value) // 2], b"not json", to_json({k: v for k, v in event.items() if k != "customer_id"})])
        record = Record(stream, customer.encode(), value, self.now)
        self.sent.append(record)
        return record

    def _product(self):
        number = int(60 * self.random.random() ** 2)
        return {"id": f"p{number:06d}", "category": CATEGORIES[number % 5], "price": Number(f"{(number * 7919 + 499) % 30_000 / 100 + 1:.2f}")}


class Number:
    """A number that keeps the digits it was given: 12.50 stays 12.50."""

    def __init__(self, text):
        self.text = text


def to_json(value):
    return _dump(value).encode()


def _dump(value):
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_dump(part)}" for name, part in value.items()) + "}"
    return json.dumps(value)


def rfc3339(micros):
    return (EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class RecordProducer:
    """Sends records to Kafka in their order (per partition) and offers the same records to the oracle."""

    def __init__(self, bootstrap, topics, oracle):
        self.topics = topics
        self.oracle = oracle
        # {(topic, partition): next offset}, of what the broker has acknowledged.
        self.ends = {}
        self.failure = None
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "partitioner": "murmur2_random"})

    def send(self, record, partition=None):
        self.oracle.offer(record.stream, record.value, record.timestamp)
        self.send_unseen(record, partition)

    def send_unseen(self, record, partition=None):
        """Sends without telling the oracle."""
        place = {} if partition is None else {"partition": partition}
        self.producer.produce(
            self.topics[record.stream], value=record.value, key=record.key, timestamp=record.timestamp // 1_000,
            on_delivery=self._delivered, **place)
        self.producer.poll(0)

    def flush(self):
        assert self.producer.flush(60) == 0
        assert self.failure is None, self.failure

    def _delivered(self, error, message):
        if error is not None:
            self.failure = error
            return
        at = (message.topic(), message.partition())
        self.ends[at] = max(self.ends.get(at, 0), message.offset() + 1)
