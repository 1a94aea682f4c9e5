"""Generations of the running program: rebuilt while it serves, killed while it builds, built for other definitions, verified."""
import copy
import http.client
import json
import random
import threading
import time

import lmdb
import pytest
import yaml

from differences import check_counters, compare
from feed import Feed
from logs import dump_topics
from oracle import Oracle
from program import Program
from shop_stream import RecordProducer, ShopStream
from stores import SHARDS

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 1_764_547_200 * SECOND


class Load(threading.Thread):
    """Looks the same customers up without a pause. No lookup may fail and no count go back: what has been served once stays applied."""

    FEATURES = ["purchases_lifetime", "clicks_30d"]

    def __init__(self, program, keys, as_of):
        super().__init__(name="load", daemon=True)
        self.program, self.keys, self.as_of = program, keys, as_of
        self.stopping = threading.Event()
        self.lookups = 0
        self.faults = []

    def run(self):
        last = {}
        connection = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=20)
        while not self.stopping.is_set() and len(self.faults) < 20:
            try:
                body = json.dumps({"features": self.FEATURES, "keys": self.keys, "as_of": self.as_of})
                connection.request("POST", "/v1/lookup", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                text = response.read()
                if response.status != 200:
                    self.faults.append(f"{response.status} {text[:300]}")
                    continue
                for result in json.loads(text)["results"]:
                    before = last.get(result["key"], [0, 0])
                    if any(status not in ("present", "defaulted") for status in result["statuses"]) \
                            or any(value < old for value, old in zip(result["values"], before)):
                        self.faults.append(f"{result} after {before}")
                    last[result["key"]] = result["values"]
                self.lookups += 1
            except Exception as error:  # told in the end
                self.faults.append(repr(error))
                connection.close()
        connection.close()

    def stop(self):
        self.stopping.set()
        self.join(30)
        assert not self.is_alive()


class RecordingOracle(Oracle):
    """Remembers what it was offered, for a second oracle with other definitions."""

    def __init__(self, contents):
        super().__init__(contents)
        self.offered = []

    def offer(self, *record):
        self.offered.append(record)
        return super().offer(*record)


@pytest.fixture
def fed(program, definitions, topics, bootstrap):
    """(program, oracle, producer, stream) with 3,000 events produced; the program is not started."""
    oracle = RecordingOracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=21, start=START, customers=60, step_micros=60 * SECOND)
    for _ in range(3_000):
        producer.send(stream.next())
    producer.flush()
    return program, oracle, producer, stream


def start(program, producer, definitions=None):
    program.start(definitions)
    program.wait_healthy()
    program.wait_applied(producer.ends)


def next_generations(program):
    if not program.store.exists():
        return []
    return sorted(path.name for path in program.store.iterdir() if path.suffix in (".next", ".old"))


def inodes(program):
    return {path.name: path.stat().st_ino for path in program.store.glob("shard-*")}


def check_everything(program, oracle, later=0):
    customers = oracle.keys("customer")
    newest = oracle.newest_event_time()
    names = sorted(oracle.features("customer", customers[0], newest))
    compared, differences = compare(program, oracle, "customer", customers, names, newest + later)
    assert compared == len(customers) * len(names)
    assert not differences, "\n".join(differences[:20])
    check_counters(program, oracle)


def test_rebuilt_while_it_serves_under_load(fed):
    program, oracle, producer, stream = fed
    start(program, producer)
    feed = Feed(stream, producer, events_per_second=300, stop_seconds=60)
    load = Load(program, oracle.keys("customer")[:20], START + 25 * DAY)
    feed.start()
    load.start()
    for round_number in (1, 2):
        before = inodes(program)
        code, output, errors = program.command("rebuild")
        assert code == 0, errors
        assert "4 shards are complete" in output and "clicks:" in output and "applied" in output
        program.wait(
            lambda: program.log_path.read_text().count("the next generation is live") == SHARDS * round_number
            and not next_generations(program), 30, "on the new generation")
        # Within a round, because the system may give a later directory the number of one that is gone.
        now = inodes(program)
        assert now.keys() == before.keys() and all(now[name] != before[name] for name in now), "the directories were not exchanged"
    time.sleep(1)
    feed.stop()
    program.wait_applied(producer.ends)
    load.stop()
    assert not load.faults, "\n".join(load.faults)
    assert load.lookups > 50
    check_everything(program, oracle)
    assert program.terminate() == 0
    start(program, producer)
    check_everything(program, oracle, later=3 * DAY)


def test_a_member_of_a_group_takes_a_generation_over(binary, definitions, topics, bootstrap, tmp_path):
    path, contents = definitions
    contents["kafka"] = {**contents.get("kafka", {}), "properties": {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000}}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    oracle = Oracle(contents)
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=22, start=START, customers=60, step_micros=60 * SECOND)
    for _ in range(1_000):
        producer.send(stream.next())
    producer.flush()
    program = Program(binary, path, bootstrap, tmp_path, assignment="group", group=f"g-{tmp_path.name}")
    try:
        start(program, producer)
        assert program.command("rebuild")[0] == 0
        for _ in range(500):
            producer.send(stream.next())
        producer.flush()
        program.wait(
            lambda: program.log_path.read_text().count("the next generation is live") == SHARDS and not next_generations(program), 30,
            "on the new generation")
        program.wait_applied(producer.ends)
        check_everything(program, oracle)
        assert program.terminate() == 0
    finally:
        if program.process is not None:
            program.kill()


def test_a_killed_rebuild_is_never_served_and_goes_on(fed):
    program, oracle, producer, stream = fed
    for _ in range(12_000):
        producer.send(stream.next())
    producer.flush()
    moments = random.Random(4)
    killed = 0
    for _ in range(6):
        process = program.spawn("rebuild", "--quiet")
        # The first one from the moment on at which there is something to leave half done.
        while process.poll() is None and not next_generations(program):
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.2))
        process.kill()
        process.communicate()
        killed += process.returncode == -9
    assert killed > 0
    code, output, errors = program.command("rebuild")
    assert code == 0, errors
    # A server that was started once has shards of its own; these take their place.
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    assert next_generations(program) == []
    check_everything(program, oracle)


def test_a_discarded_rebuild_leaves_no_trace(fed):
    program, oracle, producer, _ = fed
    start(program, producer)
    assert program.terminate() == 0
    before = sorted(path.name for path in program.store.iterdir())
    assert program.command("rebuild")[0] == 0
    assert len(next_generations(program)) == SHARDS
    code, output, _ = program.command("rebuild", "--discard")
    assert code == 0 and "shards 0, 1, 2, 3" in output
    assert sorted(path.name for path in program.store.iterdir()) == before
    assert "nothing to discard" in program.command("rebuild", "--discard")[1]
    start(program, producer)
    check_everything(program, oracle)


def test_killed_while_it_takes_a_generation_over(fed):
    program, oracle, producer, _ = fed
    moments = random.Random(7)
    start(program, producer)
    for _ in range(5):
        assert program.command("rebuild")[0] == 0
        # The server looks once a second.
        time.sleep(moments.uniform(0, 1.5))
        program.kill()
        start(program, producer)
        assert all((program.store / f"shard-{number:04}").is_dir() for number in range(SHARDS))
        program.wait(lambda: not next_generations(program), 20, "on the new generation")
        check_counters(program, oracle)
    check_everything(program, oracle)


def test_changed_definitions_have_their_whole_history(fed, definitions, tmp_path):
    program, oracle, producer, _ = fed
    contents = copy.deepcopy(definitions[1])
    # One more view that needs history, and a changed one, which a restart alone would refuse.
    contents["views"]["customer_pages"] = {
        "entity": "customer", "stream": "clicks", "windows": ["24h", "30d"],
        "features": {"pages_seen": {"aggregation": "distinct_count", "field": "page", "default": 0},
                     "clicks_by_page": {"aggregation": "count_by", "by": "page", "max_keys": 16}}}
    contents["views"]["customer_luxury_clicks"]["where"] = "price >= 100"
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(contents, sort_keys=False))

    start(program, producer)
    code, output, errors = program.command("rebuild", definitions=changed)
    assert code == 0, errors
    time.sleep(3)
    log = program.log_path.read_text()
    assert log.count("is left alone") == SHARDS, log
    assert "the next generation is live" not in log
    check_everything(program, oracle)
    assert len(next_generations(program)) == SHARDS
    assert program.terminate() == 0

    fresh = Oracle(contents)
    for record in oracle.offered:
        fresh.offer(*record)
    start(program, producer, changed)
    assert next_generations(program) == []
    customers = fresh.keys("customer")
    newest = fresh.newest_event_time()
    names = sorted(fresh.features("customer", customers[0], newest))
    assert "pages_seen_30d" in names
    compared, differences = compare(program, fresh, "customer", customers, names, newest)
    assert compared > 0 and not differences, "\n".join(differences[:20])
    answer = program.lookup(features=["pages_seen_30d", "clicks_by_page_24h", "luxury_clicks_30d"], keys=customers, as_of=newest)
    statuses = {status for result in answer["results"] for status in result["statuses"]}
    assert "warming" not in statuses and "present" in statuses
    assert program.terminate() == 0


def test_a_changed_view_without_a_rebuild_names_the_remedy(fed, definitions, tmp_path):
    program, _, producer, _ = fed
    start(program, producer)
    assert program.terminate() == 0
    contents = copy.deepcopy(definitions[1])
    contents["views"]["customer_luxury_clicks"]["where"] = "price >= 100"
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(contents, sort_keys=False))
    program.start(changed)
    program.wait_healthy()
    program.wait(lambda: "millrace rebuild" in program.log_path.read_text(), 20, "stopped with a remedy")


def test_verify_finds_no_difference_beside_a_running_server(fed):
    program, _, producer, stream = fed
    start(program, producer)
    feed = Feed(stream, producer, events_per_second=300, stop_seconds=60)
    feed.start()
    time.sleep(1)
    code, output, errors = program.command("verify")
    feed.stop()
    assert code == 0, output + errors
    assert "4 shards compared: 0 differences" in output
    assert not (program.store / "verify").exists()
    code, output, _ = program.command("verify", "--json")
    report = json.loads(output)
    assert code == 0 and report["equal"] is True and len(report["shards"]) == SHARDS
    for shard in report["shards"]:
        assert shard["positions"] and shard["differences"] == []
        views = [part for part in shard["parts"] if part["kind"] == "view"]
        assert len(views) == 8 and all(part["live"] == part["rebuilt"] and part["live"]["rows"] > 0 for part in views)


def test_verify_tells_a_tampered_row(fed):
    program, oracle, producer, _ = fed
    start(program, producer)
    assert program.terminate() == 0
    shard, key = tamper(program.store)
    code, output, errors = program.command("verify")
    assert code == 1, output + errors
    assert f"customer {key}, view customer_clicks" in output
    assert "clicks_30d" in output and "live" in output and "rebuilt" in output
    report = json.loads(program.command("verify", "--json", "--quiet")[1])
    assert report["equal"] is False
    assert [s["shard"] for s in report["shards"] if not s["equal"]] == [shard]
    (difference,) = report["shards"][shard]["differences"]
    assert (difference["key"], difference["kind"], difference["name"]) == (key, "view", "customer_clicks")
    values = {feature["name"]: (feature["live"]["value"], feature["rebuilt"]["value"]) for feature in difference["features"]}
    assert values["clicks_30d"][0] == values["clicks_30d"][1] + 1_000
    assert json.loads(program.command("verify", "--json", "--limit", "0")[1])["shards"][shard]["difference_count"] == 1


def test_verify_from_logs_that_reach_further_than_the_store(fed, topics, bootstrap, tmp_path):
    program, _, producer, stream = fed
    start(program, producer)
    assert program.terminate() == 0
    for _ in range(500):
        producer.send(stream.next())
    producer.flush()
    log = dump_topics(bootstrap, (topics["clicks"], topics["purchases"]), producer.ends, tmp_path / "log.ndjson")
    # All of it is in the logs: no broker is asked.
    program.environment["MILLRACE_KAFKA_BROKERS"] = "127.0.0.1:1"
    code, output, errors = program.command("verify", "--logs", str(log))
    assert code == 0, output + errors
    assert "4 shards compared: 0 differences" in output
    shard, key = tamper(program.store)
    code, output, errors = program.command("verify", "--logs", str(log), "--json", "--quiet")
    report = json.loads(output)
    assert code == 1 and [s["shard"] for s in report["shards"] if not s["equal"]] == [shard]
    assert [difference["key"] for difference in report["shards"][shard]["differences"]] == [key]
    code, output, errors = program.command("verify", "--logs", str(tmp_path / "missing.ndjson"))
    assert code == 1 and "missing.ndjson" in errors


def tamper(store):
    """Adds 1,000 to the count of the newest tile of one customer's `customer_clicks`, by docs/STORAGE.md: (shard, customer)."""
    for shard in range(SHARDS):
        environment = lmdb.open(str(store / f"shard-{shard:04}"), max_dbs=4, lock=False)
        try:
            with environment.begin(write=True) as transaction:
                meta = environment.open_db(b"meta", transaction, create=False)
                rows = environment.open_db(b"rows", transaction, create=False)
                view = number(transaction.get(b"view/customer_clicks", db=meta), 0, 2)
                for key, row in transaction.cursor(db=rows):
                    cell = count_cell(row, view)
                    if cell is not None:
                        changed = (number(row, cell, 8) + 1_000).to_bytes(8, "little")
                        transaction.put(key, row[:cell] + changed + row[cell + 8:], db=rows)
                        return shard, key[1:].decode()
        finally:
            environment.close()
    raise AssertionError("no row holds the view")


def number(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def count_cell(row, view):
    """Where in the row the count of the view's newest tile is; None: the row does not hold the view."""
    sections = number(row, 2, 2)
    at = 4 + 8 * sections
    for entry in range(4, at, 8):
        if row[entry] == 1 and number(row, entry + 2, 2) == view:
            # The sequences, then the tile's start; `count` is the first fixed cell.
            return at + 4 + number(row, at, 4) + 4
        at += number(row, entry + 4, 4)
    return None
