"""The shop with a topic of erasures, and a customer whose traces can be told from all others: for tests of what is left of them."""
import contextlib
import struct
import time

import yaml

from conftest import create_topics, fresh_topics, shop_definitions
from oracle import Oracle
from program import Program
from shop_stream import Record, RecordProducer, ShopStream, rfc3339

SECOND = 1_000_000
START = 1_764_547_200 * SECOND
VICTIM = "customer-jane-doe-4711"
PRODUCT, CATEGORY, UNITS = "p-left-handed-teapot", "left-handed teapots", 123_456_789
# What would tell the customer in a file: the id, strings, and the price as rows have it.
NEEDLES = {"the id": VICTIM.encode(), "a product": PRODUCT.encode(), "a category": CATEGORY.encode(), "a price": struct.pack("<q", UNITS)}


class PrivateShop:
    """A `Program` that is not started yet, with 2,000 events of many customers and 40 of the victim."""

    def __init__(self, binary, bootstrap, directory, topics, settings=(), privacy=(), events=2_000):
        self.bootstrap, self.topics, self.directory = bootstrap, topics, directory
        self.path, self.contents = shop_definitions(topics, directory)
        topics["erasures"] = topics["clicks"].removesuffix("clicks") + "erasures"
        create_topics(bootstrap, topics["erasures"])
        self.contents["privacy"] = {"erasures": {"topic": topics["erasures"], "purge_within": "2s"}, **dict(privacy)}
        for change in settings:
            change(self.contents)
        self.write()
        self.oracle = Oracle(self.contents)
        self.producer = RecordProducer(bootstrap, topics, self.oracle)
        self.stream = ShopStream(seed=5, start=START, customers=60, step_micros=60 * SECOND)
        self.stream.sent = []  # all of them: tests offer them to another oracle
        self.victims = 0
        for n in range(events):
            self.producer.send(self.stream.next())
            if n % 50 == 0:
                self.send_victim()
        self.producer.flush()
        self.program = Program(binary, self.path, bootstrap, directory)

    def write(self):
        self.path.write_text(yaml.safe_dump(self.contents, sort_keys=False))

    def send_victim(self, customer=VICTIM, product=PRODUCT, category=CATEGORY, units=UNITS):
        """A click and an order."""
        self.victims += 1
        now = self.stream.now
        price = f"{units // 100}.{units % 100:02d}"
        click = (f'{{"event_id":"v{self.victims}","customer_id":"{customer}","event_time":{now // 1_000},"page":"product","session":"s1",'
                 f'"device":"desktop","product":{{"id":"{product}","category":"{category}","price":{price}}}}}')
        order = (f'{{"order_id":"w{self.victims}","customer_id":"{customer}","ordered_at":"{rfc3339(now)}","product":"{product}",'
                 f'"category":"{category}","quantity":1,"amount":{price},"currency":"EUR"}}')
        self.producer.send(Record("clicks", customer.encode(), click.encode(), now))
        self.producer.send(Record("purchases", customer.encode(), order.encode(), now))

    def start(self):
        self.program.start()
        self.program.wait_healthy()
        self.wait_applied()

    def wait_applied(self):
        self.producer.flush()
        self.program.wait_applied(self.producer.ends, seconds=90)
        self.program.wait_flushed()

    def erase(self, *keys):
        for key in keys:
            self.oracle.erase("customer", key)
        return self.program.json("POST", "/v1/erase", {"entity": "customer", "keys": list(keys)})

    def wait_purged(self, receipt, seconds=30):
        took = self.program.wait(
            lambda: self.program.json("GET", f"/v1/erasures/{receipt}")["outcome"] == "purged", seconds, f"{receipt} purged")
        self.program.wait_flushed()
        return took

    def wait_live(self, before, seconds=60):
        """Until every shard has taken another generation over; `before`: how often the log had said so."""
        text = "the next generation is live"
        self.program.wait(lambda: self.program.log_path.read_text().count(text) >= before + 4 and not list(self.program.store.glob("*.next"))
                          and not list(self.program.store.glob("*.old")), seconds, "on the new generation")

    def lives(self):
        return self.program.log_path.read_text().count("the next generation is live") if self.program.log_path.exists() else 0

    def found(self, customer=VICTIM):
        return self.program.lookup(service="homepage", keys=[customer], as_of=START + 5 * 86_400 * SECOND)["results"][0]["found"]

    def scan(self):
        """{what: files of the store that have it}."""
        return {name: files for name, needle in NEEDLES.items() if (files := self.files_with(needle))}

    def files_with(self, needle):
        for _ in range(50):
            try:
                return sorted(str(path.relative_to(self.program.store)) for path in self.program.store.rglob("*")
                              if path.is_file() and needle in path.read_bytes())
            except FileNotFoundError:
                time.sleep(0.1)  # a generation that was live is being deleted meanwhile: look again at what there is
        raise AssertionError("the store's files do not come to rest")


@contextlib.contextmanager
def private_shop(binary, bootstrap, directory, **options):
    with fresh_topics(bootstrap) as topics:
        shop = PrivateShop(binary, bootstrap, directory, topics, **options)
        try:
            yield shop
        finally:
            if shop.program.process is not None:
                shop.program.kill()
