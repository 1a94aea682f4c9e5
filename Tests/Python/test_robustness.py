"""When the surroundings fail: no broker, a full disk, a log that is not the one that was read. The real process, from outside."""
import http.client
import os
import socket
import subprocess
import threading
import time

import pytest
import yaml

from conftest import create_topics, delete_topics
from differences import check_counters, compare
from oracle import Oracle
from ports import free_port
from shop_stream import RecordProducer, ShopStream

START = 1_764_547_200_000_000


@pytest.fixture
def source(definitions, topics, bootstrap):
    """A function that produces so many more events: (oracle, producer, produce)."""
    oracle = Oracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=23, start=START, customers=60, step_micros=60_000_000)

    def produce(count):
        for _ in range(count):
            producer.send(stream.next())
        producer.flush()

    return oracle, producer, produce


def values_differ(program, oracle):
    customers = oracle.keys("customer")
    names = sorted(oracle.features("customer", customers[0], START))
    compared, differences = compare(program, oracle, "customer", customers, names, oracle.newest_event_time())
    assert compared == len(customers) * len(names)
    return differences[:20]


def shards(program):
    try:
        return program.json("GET", "/v1/shards")["shards"]
    except (OSError, http.client.HTTPException):
        return []


class Door:
    """A port that leads to the broker; while it is closed, nothing listens there."""

    def __init__(self, target):
        self.host, port = target.split(",")[0].rsplit(":", 1)
        self.target = self.host, int(port)
        self.port = free_port()
        self.listener = None

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    @staticmethod
    def _pump(a, b):
        try:
            while data := a.recv(1 << 16):
                b.sendall(data)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        if self.listener:
            self.listener.close()


@pytest.mark.parametrize("assignment", ["static", "group"])
def test_without_a_broker_the_disk_is_served_and_reading_begins_when_one_answers(program, source, bootstrap, assignment):
    oracle, producer, produce = source
    program.environment["MILLRACE_KAFKA_ASSIGNMENT"] = assignment
    produce(500)
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    assert program.terminate() == 0

    door = Door(bootstrap)
    program.environment["MILLRACE_KAFKA_BROKERS"] = f"127.0.0.1:{door.port}"
    program.start()
    program.wait_healthy()
    program.wait(lambda: len(shards(program)) == 4, 10, "serving the shards of the disk")
    assert {shard["state"] for shard in shards(program)} == {"disconnected"}
    assert all(shard["lag_events"] is None for shard in shards(program))
    assert not values_differ(program, oracle)
    customer = oracle.keys("customer")[0]

    def asked():
        return program.json("GET", f"/v1/services/churn/entities/{customer}?max_staleness=1s")

    program.wait(lambda: asked()["freshness_ms"] > 1_000, 10, "growing older")
    answer = asked()
    assert "present" not in answer["results"][0]["statuses"] and "stale" in answer["results"][0]["statuses"]
    assert program.request("GET", "/readyz")[0] == 503
    assert program.counters("millrace_kafka_connected")[()] == 0
    program.wait(lambda: "no broker answers, trying again" in program.log_tail(200), 20, "saying that it waits")

    produce(200)
    door.open()
    try:
        program.wait_applied(producer.ends, 60)
        assert not values_differ(program, oracle)
        check_counters(program, oracle)
        program.wait(lambda: program.request("GET", "/readyz")[0] == 200, 10, "ready")
        assert program.counters("millrace_kafka_connected")[()] == 1
        assert program.terminate() == 0
    finally:
        door.close()


def test_waiting_for_a_broker_ends_with_sigterm(program):
    program.environment["MILLRACE_KAFKA_BROKERS"] = f"127.0.0.1:{free_port()}"
    program.start()
    program.wait_healthy()
    assert program.terminate(timeout=20) == 0


def test_a_missing_topic_ends_it_with_a_message(program, definitions):
    path, contents = definitions
    contents["streams"]["clicks"]["topic"] += "-absent"
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    program.start()
    assert program.process.wait(30) == 1
    program.process = None
    assert "no topic named" in program.log_tail()


def mounted(path, megabytes):
    path.mkdir()
    result = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "millrace-test", str(path)], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {result.stderr.strip()}")


@pytest.mark.parametrize("durability", ["commit", "replay"])
def test_a_full_disk_stops_ingest_lookups_go_on_and_free_space_mends_it(program, definitions, source, tmp_path, durability):
    oracle, producer, produce = source
    path, contents = definitions
    contents["store"] = {**contents.get("store", {}), "initial_map_size": "1MiB"}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    disk = tmp_path / "disk"
    mounted(disk, 12)
    try:
        program.environment |= {"MILLRACE_STORE_DIRECTORY": str(disk / "data"), "MILLRACE_STORE_DURABILITY": durability}
        produce(300)
        program.start()
        program.wait_healthy()
        program.wait_applied(producer.ends)
        fill(disk)

        for _ in range(60):
            produce(500)
            if any(shard["state"] == "stopped" for shard in shards(program)):
                break
            time.sleep(0.1)
        program.wait(lambda: any(shard["state"] == "stopped" for shard in shards(program)), 20, "stopped by the full disk")
        assert any("Free space" in (shard["reason"] or "") for shard in shards(program))
        for customer in oracle.keys("customer")[:20]:
            assert program.request("GET", f"/v1/services/churn/entities/{customer}")[0] == 200
        assert "cannot commit" in program.log_tail(200)

        # A restart on the full disk serves as well, and reads nothing.
        program.kill()
        program.start()
        program.wait_healthy()
        program.wait(lambda: len(shards(program)) == 4 and program.json("GET", "/v1/shards")["assigned"], 20, "assigned")
        for customer in oracle.keys("customer")[:20]:
            assert program.request("GET", f"/v1/services/churn/entities/{customer}")[0] == 200

        (disk / "ballast").unlink()
        program.wait(lambda: all(shard["state"] == "open" for shard in shards(program)), 30, "going on")
        program.wait_applied(producer.ends)
        assert not values_differ(program, oracle)
        check_counters(program, oracle)
        assert program.terminate() == 0
    finally:
        if program.process is not None:
            program.kill()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk):
    """Takes all that is free."""
    with open(disk / "ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass
    assert os.statvfs(disk).f_bavail == 0


def recreate(bootstrap, topics):
    names = [topics["clicks"], topics["purchases"]]
    delete_topics(bootstrap, *names)
    time.sleep(1)
    create_topics(bootstrap, *names)


@pytest.mark.parametrize("running", [False, True])
def test_a_topic_made_anew_stops_the_shards_and_nothing_of_it_is_read(program, source, bootstrap, topics, running):
    oracle, producer, produce = source
    produce(500)
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    if not running:
        assert program.terminate() == 0
    recreate(bootstrap, topics)
    if not running:
        program.start()
        program.wait_healthy()

    def stopped():
        states = shards(program)
        return len(states) == 4 and all(shard["state"] == "stopped" for shard in states)

    program.wait(stopped, 60, "stopped")
    for shard in shards(program):
        assert any(text in shard["reason"] for text in ("made anew", "does not have", "no longer exists")), shard["reason"]
        assert "millrace rebuild" in shard["reason"]
    assert program.request("GET", "/readyz")[0] == 503
    assert not values_differ(program, oracle)


def test_what_waits_stays_within_its_bound(program, definitions, source):
    oracle, producer, produce = source
    path, contents = definitions
    contents["store"] = {**contents.get("store", {}), "max_waiting_size": "1MiB"}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    produce(6_000)
    program.start()
    program.wait_healthy()
    most, applied = 0, False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        metrics = program.metrics()
        most = max(most, metrics["millrace_ingest_held_bytes", frozenset()])
        assert metrics["millrace_ingest_held_bytes_limit", frozenset()] == 1 << 20
        if program.json("GET", "/v1/shards")["assigned"] and all(s["lag_events"] == 0 for s in shards(program)):
            applied = True
            break
    assert applied
    assert 0 < most <= 1 << 20
    program.wait_applied(producer.ends)
    assert not values_differ(program, oracle)
    check_counters(program, oracle)
