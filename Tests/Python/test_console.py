"""The web console: `console/checks.py` drives a browser over a server that the shop's generator fills, and `console/pictures.py` takes the
pictures of docs/CONSOLE.md when MILLRACE_CONSOLE_IMAGES names a directory (`make console-images`)."""
import datetime
import json
import os
import re
import subprocess
import threading
import time

import pytest
import yaml

from conftest import REPOSITORY, fresh_topics, shop_definitions
from program import Program

HOUR = 3_600_000
DRIFTING, DRIFTING_HOURS = "price_seen_24h", 4
HOSTILE = '<img src=x onerror=alert(1)>"\'&%2F</td>'


@pytest.fixture(scope="module")
def python():
    return subprocess.run(
        [REPOSITORY / "deploy" / "python", "Tests/Python/console/requirements.txt", ".venv-console"], check=True, capture_output=True,
        text=True).stdout.strip()


@pytest.fixture(scope="module")
def shop(binary, bootstrap, tmp_path_factory):
    """A server with a week of the shop's events, some of them broken, some of a customer with a hostile name. In the last hours prices of clicks come
    in another currency, and a contract of the purchases is broken."""
    directory = tmp_path_factory.mktemp("console")
    pictures = "MILLRACE_CONSOLE_IMAGES" in os.environ
    with fresh_topics(bootstrap, "" if pictures else None) as topics:
        path, contents = shop_definitions(topics, directory)
        contents["monitoring"] = {"enabled": True, "max_per_second": 100_000}
        purchases = contents["streams"]["purchases"]
        purchases["volume"] = {"min": 1, "max": 50_000}
        purchases["fields"]["amount"] |= {"expect": {"nulls": 0.01, "min": 0, "max": 100_000}}
        if not pictures:
            contents["views"]["customer_clicks"]["features"]["clicks"]["description"] = "Pages seen <img src=x onerror=hacked=1>"
            contents["services"]["homepage"]["description"] = "<script>hacked=1</script>"
        path.write_text(yaml.safe_dump(contents, sort_keys=False))
        program = Program(binary, path, bootstrap, directory)
        program.start()
        feed = Feed(program, bootstrap, topics)
        try:
            program.wait_healthy()
            days, rate = (30, 0.6) if pictures else (7, 0.3)
            feed.history(days, rate)
            feed.minutes(5, 20)
            feed.oddities()
            program.wait(lambda: alerting(program), 60, "alerting")
            # Something comes in while somebody looks.
            feed.live()
            yield program, busiest(program)
        finally:
            feed.stop()
            program.kill()


class Feed:
    """What `millrace generate` writes, produced from here: slowly enough for every hour to be watched, with prices in another currency from some hour on."""
    LINE = re.compile(r'{"topic":"([^"]+)","key":"([^"]*)","value":(.*)}$')
    PRICE, TIME = re.compile(r'"price":([0-9.]+)'), re.compile(r'"event_time":([0-9]+)')
    OPTIONS = ["--customers", "500", "--malformed", "0.002", "--quiet"]

    def __init__(self, program, bootstrap, topics):
        from confluent_kafka import Producer

        self.program, self.topics = program, topics
        self.producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2", "linger.ms": 5})
        self.other_from = (int(time.time()) // 3600 - DRIFTING_HOURS) * HOUR
        self.generator = self.thread = None
        self.is_over = False

    def generate(self, *options):
        return subprocess.Popen(
            [self.program.binary, "generate", "-d", self.program.definitions, *self.OPTIONS, *options, "--to", "-"], env=self.program.environment,
            stdout=subprocess.PIPE, text=True)

    def produce(self, line):
        topic, key, value = self.LINE.match(line).groups()
        when = self.TIME.search(value)
        if when and int(when[1]) >= self.other_from:
            value = self.PRICE.sub(lambda price: f'"price":{float(price[1]) * 3:.2f}', value)
        self.producer.produce(topic, value.encode(), key.encode())

    def history(self, days, rate):
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        count = int(days * 86_400 * rate)
        # More than there are, up to now: how many come in a night is a matter of chance.
        self.generator = generator = self.generate("--start", start.strftime("%Y-%m-%dT%H:%M:%SZ"), "--rate", str(rate), "--count", str(count * 11 // 10))
        now = int(time.time() * 1000)
        # Rows are read ten times a second, and keep about half an hour before their newest event as it was.
        step = int(1_500 * rate)
        for number, line in enumerate(generator.stdout):
            when = self.TIME.search(line)
            if when and int(when[1]) > now:
                break
            self.produce(line)
            if number % step == 0:
                self.producer.flush(30)
                time.sleep(0.06)
        generator.terminate()
        generator.stdout.close()
        generator.wait(30)
        assert self.producer.flush(30) == 0
        self.program.wait(lambda: sum(self.program.counters("millrace_events_applied_total").values()) > 0.95 * count, 60, "filled")

    def minutes(self, minutes, rate):
        """The last of them, busy whatever the time of day: an hour that has just begun, or one of the night, has too few observations to be judged."""
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)
        self.generator = generator = self.generate(
            "--start", start.strftime("%Y-%m-%dT%H:%M:%SZ"), "--rate", str(rate), "--count", str(minutes * 60 * rate), "--seed", "3", "--steady")
        for line in generator.stdout:
            self.produce(line)
        assert generator.wait() == 0
        assert self.producer.flush(30) == 0

    def oddities(self):
        now = int(time.time() * 1000)
        for number in range(20):
            click = {
                "event_id": f"hostile-{number}", "customer_id": HOSTILE, "event_time": now - number * 60_000, "page": "<svg onload=hacked=1>",
                "product": {"id": "p1", "category": "<script>hacked=1</script>", "price": 950}, "session": "s", "device": "mobile"}
            self.producer.produce(self.topics["clicks"], json.dumps(click).encode(), HOSTILE.encode())
        for number, (amount, age) in enumerate([(-12.5, 0), (20, 0), (35, 20 * 24 * HOUR)]):
            ordered = datetime.datetime.fromtimestamp((now - age) / 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            order = {
                "order_id": f"odd-{number}", "customer_id": "c0000001", "ordered_at": ordered, "product": "p1", "category": "shoes", "quantity": 1,
                "amount": amount, "currency": "EUR"}
            self.producer.produce(self.topics["purchases"], json.dumps(order).encode(), b"c0000001")
        assert self.producer.flush(30) == 0

    def live(self):
        self.generator = self.generate("--rate", "300", "--seed", "2", "--steady")

        def run():
            for line in self.generator.stdout:
                if self.is_over:
                    return
                if self.LINE.match(line):
                    self.produce(line)
                    self.producer.poll(0)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def stop(self):
        self.is_over = True
        if self.generator:
            self.generator.terminate()
            if self.thread:
                self.thread.join(30)
            self.generator.stdout.close()
            self.generator.wait(30)


def alerting(program):
    return any(alert["feature"] == DRIFTING for alert in program.json("GET", "/v1/monitoring")["alerts"])


def busiest(program):
    """A customer who clicks and buys."""
    keys = [f"c{number:07d}" for number in range(500)]
    answer = program.json("POST", "/v1/lookup", {"features": ["clicks_7d", "purchases_7d"], "keys": keys})
    return max(answer["results"], key=lambda result: (int(result["values"][1] > 0), result["values"][0] < 400, result["values"][0]))["key"]


def run(python, file, shop, *arguments):
    program, key = shop
    names = {
        "MILLRACE_CONSOLE": f"http://127.0.0.1:{program.port}", "MILLRACE_CONSOLE_KEY": key, "MILLRACE_CONSOLE_HOSTILE_KEY": HOSTILE,
        "MILLRACE_CONSOLE_DRIFTING": DRIFTING}
    done = subprocess.run(
        [python, *arguments, REPOSITORY / "Tests" / "Python" / "console" / file], env=os.environ | names, capture_output=True, text=True,
        timeout=600)
    print(done.stdout[-12_000:])
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4_000:]
    return done.stdout


def test_the_console_in_a_browser(python, shop):
    output = run(python, "checks.py", shop, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rP")
    assert " passed" in output and " skipped" not in output


@pytest.mark.skipif("MILLRACE_CONSOLE_IMAGES" not in os.environ, reason="MILLRACE_CONSOLE_IMAGES names no directory for pictures")
def test_the_pictures_of_the_documentation(python, shop):
    run(python, "pictures.py", shop)
