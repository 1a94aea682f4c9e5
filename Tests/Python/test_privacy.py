"""Erasure of the running program: gone from answers and files, and nothing brings it back. docs/PRIVACY.md."""
import json
import random
import shutil
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from conftest import create_topics
from differences import check_counters, compare
from logs import dump_topics, export
from oracle import Oracle
from privacy_shop import NEEDLES, SECOND, START, VICTIM, private_shop
from shop_stream import Record

DAY = 86_400 * SECOND


@pytest.fixture
def shop(binary, bootstrap, tmp_path):
    with private_shop(binary, bootstrap, tmp_path) as shop:
        yield shop


def check_others(shop):
    """Everybody else is as the oracle says, and the counts are."""
    customers = [key for key in shop.oracle.keys("customer") if key != VICTIM][:30]
    names = sorted(shop.oracle.features("customer", customers[0], shop.oracle.newest_event_time()))
    compared, differences = compare(shop.program, shop.oracle, "customer", customers, names, shop.oracle.newest_event_time() + SECOND)
    assert compared and not differences, "\n".join(differences[:20])


def test_erased_then_replayed_backfilled_and_restored_the_customer_stays_absent(shop, capsys):
    program = shop.program
    shop.start()
    assert shop.found()
    assert program.terminate() == 0
    assert set(shop.scan()) == set(NEEDLES), "the test proves nothing: these should be in the files before"
    old = shop.directory / "old-copy"
    shutil.copytree(program.store, old)
    shop.start()

    receipt = shop.erase(VICTIM)
    assert receipt["outcome"] == "erased" and receipt["missing"] == [] and [s["shard"] for s in receipt["shards"]] == [0, 1, 2, 3]
    assert VICTIM not in json.dumps(receipt)
    assert not shop.found()
    took = shop.wait_purged(receipt["receipt"])
    proof = [f"erased and purged within {took:.1f} s: {shop.scan() or 'nothing found'}"]
    assert shop.scan() == {}
    check_others(shop)
    assert program.terminate() == 0
    assert shop.scan() == {}

    # Events of theirs go on coming, new ones and old ones again.
    shop.start()
    for record in [record for record in shop.stream.sent if record.stream == "clicks"][:20]:
        shop.producer.send(record)
    for _ in range(20):
        shop.send_victim()
    shop.wait_applied()
    assert not shop.found() and shop.scan() == {}
    assert program.counters("millrace_events_dropped_total", "reason")["erased",] >= 40
    proof.append(f"40 more events of theirs: {shop.scan() or 'nothing found'}")

    # Replay of the whole topics.
    before = shop.lives()
    code, output, errors = program.command("rebuild", "--quiet")
    assert code == 0, errors
    assert "erased" in output
    shop.wait_live(before)
    assert not shop.found() and shop.scan() == {}
    check_others(shop)
    proof.append(f"rebuilt from the topics: {shop.scan() or 'nothing found'}")

    # The same logs from files, which know of no erasure.
    logs = dump_topics(shop.bootstrap, {shop.topics["clicks"], shop.topics["purchases"]}, shop.producer.ends, shop.directory / "logs.ndjson")
    assert VICTIM in logs.read_text()
    before = shop.lives()
    code, output, errors = program.command("backfill", str(logs), "--quiet")
    assert code == 0, errors
    shop.wait_live(before)
    assert not shop.found() and shop.scan() == {}
    check_others(shop)
    proof.append(f"backfilled from logs: {shop.scan() or 'nothing found'}")
    code, output, errors = program.command("verify", "--quiet")
    assert code == 0, output + errors

    # An old copy of the store, in which the customer still is.
    assert program.terminate() == 0
    shutil.rmtree(program.store)
    shutil.copytree(old, program.store)
    assert set(shop.scan()) == set(NEEDLES)
    program.start()
    answers = 0
    begin = time.monotonic()
    while answers < 50:
        assert time.monotonic() - begin < 60, program.log_tail()
        try:
            status, text = program.request("GET", f"/v1/services/homepage/entities/{VICTIM}")
        except OSError:
            continue
        if status == 200:
            answers += 1
            assert json.loads(text)["results"][0]["found"] is False, "a restored copy served an erased customer"
        else:
            assert status == 503, text
    shop.wait_applied()
    shop.wait_purged(receipt["receipt"])
    assert not shop.found() and shop.scan() == {}
    check_others(shop)
    assert program.command("erase", "--check", receipt["receipt"])[0] == 0
    assert program.terminate() == 0
    assert shop.scan() == {}
    proof.append(f"an old copy restored, 50 answers from its first on without the customer, then purged: {shop.scan() or 'nothing found'}")
    shutil.rmtree(old)
    logs.unlink()
    with capsys.disabled():
        print("\n" + "\n".join(proof))


def test_a_restored_copy_without_a_broker_serves_nobody(shop):
    program = shop.program
    shop.start()
    assert program.terminate() == 0
    address = program.environment["MILLRACE_KAFKA_BROKERS"]
    program.environment["MILLRACE_KAFKA_BROKERS"] = "127.0.0.1:1"
    program.start()
    program.wait_healthy()
    time.sleep(1)
    status, text = program.request("GET", f"/v1/services/homepage/entities/{VICTIM}")
    assert status == 503 and "which erasures are missing" in text, text
    program.kill()
    program.environment["MILLRACE_KAFKA_BROKERS"] = address
    shop.start()
    assert shop.found()


def test_by_command_by_grpc_and_by_record(shop, stubs):
    import grpc

    program = shop.program
    shop.start()
    customers = [key for key in shop.oracle.keys("customer") if key != VICTIM]

    code, output, errors = program.command("erase", customers[0], customers[1])
    assert code == 0, errors
    receipt = json.loads(output)
    assert receipt["outcome"] in ("erased", "purged") and len(receipt["pseudonyms"]) == 2
    assert not shop.found(customers[0]) and not shop.found(customers[1]) and shop.found(customers[2])
    assert program.command("erase", "--check", "nothing")[0] == 1

    pb2, pb2_grpc = stubs[:2]
    with grpc.insecure_channel(program.environment["MILLRACE_GRPC"]) as channel:
        service = pb2_grpc.FeatureServiceStub(channel)
        answer = service.Erase(pb2.EraseRequest(entity="customer", keys=[customers[2]]))
        assert answer.outcome in (pb2.ERASURE_ERASED, pb2.ERASURE_PURGED) and len(answer.shards) == 4 and answer.min_position
        known = service.GetErasure(pb2.GetErasureRequest(receipt=answer.receipt))
        assert known.pseudonyms == answer.pseudonyms and known.entity == "customer" and list(known.missing) == []
        with pytest.raises(grpc.RpcError) as error:
            service.Erase(pb2.EraseRequest(entity="product", keys=["p1"]))
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError) as error:
            service.GetErasure(pb2.GetErasureRequest(receipt="nothing"))
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
    assert not shop.found(customers[2])

    # Somebody else's record, keyed as the events are, in its own partition only.
    producer = Producer({"bootstrap.servers": shop.bootstrap, "partitioner": "murmur2_random"})
    producer.produce(shop.topics["erasures"], key=customers[3], value=json.dumps({"entity": "customer", "key": customers[3]}))
    producer.produce(shop.topics["erasures"], key="x", value=json.dumps({"entity": "shop", "key": "x"}))
    producer.produce(shop.topics["erasures"], key="x", value=b"{}")
    assert producer.flush(10) == 0
    program.wait(lambda: not shop.found(customers[3]), 20, "erased")
    program.wait(lambda: program.counters("millrace_events_dropped_total", "stream", "reason").get(("erasures", "malformed")) == 1, 20, "counted")
    assert program.counters("millrace_events_dropped_total", "stream", "reason")["erasures", "unknown"] == 1
    assert program.counters("millrace_events_applied_total", "stream")["erasures",] == 3 * 4 + 1

    for body, status in (({"entity": "product", "keys": ["p"]}, 404), ({"entity": "customer", "keys": []}, 400), ({"keys": ["x"]}, 400),
                         ({"entity": "customer", "keys": ["x"] * 1001}, 400), ({"entity": "customer", "keys": [""]}, 400),
                         ({"entity": "customer", "keys": ["x"], "why": "?"}, 400)):
        assert program.request("POST", "/v1/erase", body)[0] == status, body
    assert program.request("GET", "/v1/erase")[0] == 405
    assert program.request("GET", "/v1/erasures/nothing")[0] == 404


def test_what_millrace_produced_under_the_id_is_deleted_by_compaction(binary, bootstrap, tmp_path):
    def log_answers(contents):
        contents["services"]["homepage"]["log"] = {"topic": served, "sample": 1}

    served = f"served-{tmp_path.name}-{random.randrange(1 << 30)}"
    with private_shop(binary, bootstrap, tmp_path, settings=[log_answers], events=200) as shop:
        create_topics(bootstrap, served)
        shop.producer.send(Record("clicks", VICTIM.encode(), b'{"customer_id": "' + VICTIM.encode() + b'", "oh', shop.stream.now))
        shop.start()
        assert shop.program.request("GET", f"/v1/services/homepage/entities/{VICTIM}")[0] == 200
        time.sleep(0.5)
        shop.erase(VICTIM)
        for topic in (served, shop.topics["clicks.dlq"]):
            values = read_values(bootstrap, topic, VICTIM, 2)
            assert values[0] is not None and values[1:] == [None], f"{topic}: {values}"
        # Nobody had anything of theirs there, so one tombstone is all there is.
        assert read_values(bootstrap, shop.topics["purchases.dlq"], VICTIM, 1) == [None]


def read_values(bootstrap, topic, key, count):
    """The values of the records of a key, in order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "read", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(4)])
    values, begin = [], time.monotonic()
    while len(values) < count and time.monotonic() - begin < 20:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None and message.key() == key.encode():
            values.append(message.value())
    consumer.close()
    return values


def test_killed_again_and_again_no_erasure_is_lost(shop, capsys):
    """kill -9 at random moments while customers are erased and events of theirs go on coming."""
    program, moments = shop.program, random.Random(8)
    customers = sorted(key for key in shop.oracle.keys("customer") if key != VICTIM)
    producer = Producer({"bootstrap.servers": shop.bootstrap, "partitioner": "murmur2_random"})
    erased = []
    kills = 15
    for n in range(kills):
        program.start()
        end = time.monotonic() + moments.uniform(0.2, 1.6)
        while time.monotonic() < end:
            if len(erased) < 30 and moments.random() < 0.4:
                customer = customers[len(erased)]
                erased.append(customer)
                for partition in range(4):
                    producer.produce(shop.topics["erasures"], key=customer, partition=partition, value=json.dumps({"entity": "customer", "key": customer}))
                producer.flush(10)
            for _ in range(20):
                # The oracle cannot know which came first; it only tells who is left.
                shop.producer.send_unseen(shop.stream.next())
            time.sleep(0.05)
        assert program.process.poll() is None, program.log_tail()
        program.kill()
    assert len(erased) == 30
    shop.start()
    oracle = Oracle(shop.contents)
    for customer in erased:
        oracle.erase("customer", customer)
    for record in shop.stream.sent:
        oracle.offer(record.stream, record.value, record.timestamp)
    answers = program.lookup(service="homepage", keys=erased, as_of=START + DAY)["results"]
    assert not [answer["key"] for answer in answers if answer["found"]]
    left = [key for key in oracle.keys("customer") if key != VICTIM and key not in erased]
    names = sorted(oracle.features("customer", left[0], START))
    compared, differences = compare(program, oracle, "customer", left, names, oracle.newest_event_time() + SECOND)
    assert compared and not differences, "\n".join(differences[:20])
    assert program.counters("millrace_events_applied_total", "stream")["erasures",] == 4 * len(erased)
    program.wait(lambda: program.metrics()["millrace_purge_pending_seconds", frozenset()] == 0, 60, "purged")
    assert [key for key in erased if shop.files_with(key.encode())] == []
    code, output, errors = program.command("verify", "--quiet")
    assert code == 0, output + errors
    with capsys.disabled():
        print(f"\n{kills} kills, {len(erased)} erased, {compared} values of the others compared, 0 differences")


KEY, OTHER_KEY = "000102030405060708090a0b0c0d0e0f", "f0e0d0c0b0a090807060504030201000"


def test_pseudonymous_keys_leave_no_id_in_the_files_and_are_rotated_by_a_rebuild(binary, bootstrap, tmp_path, capsys):
    def pseudonymous(contents):
        contents["entities"]["customer"]["pseudonymous"] = True

    (tmp_path / "p.key").write_text(KEY + "\n")
    with private_shop(binary, bootstrap, tmp_path, settings=[pseudonymous], privacy={"key": {"file": "p.key"}}) as shop:
        program = shop.program
        shop.start()
        customers = shop.oracle.keys("customer")
        assert shop.found() and not shop.found("nobody")
        check_others(shop)
        check_counters(program, shop.oracle)
        explained = program.json("GET", f"/v1/explain/customer/clicks_24h/{VICTIM}")
        assert explained["key"] == VICTIM
        shop.erase(customers[0])
        assert not shop.found(customers[0])
        code, output, errors = program.command("verify", "--quiet")
        assert code == 0, output + errors
        code, output, errors = program.command("get", "--service", "homepage", "--json", VICTIM)
        assert code == 0 and json.loads(output)["results"][0]["found"], errors
        assert program.terminate() == 0
        found = [key for key in customers if shop.files_with(key.encode())]
        assert found == []

        # Another key: a clear error, and a rebuild.
        (tmp_path / "q.key").write_text(OTHER_KEY)
        shop.contents["privacy"]["key"]["file"] = "q.key"
        shop.write()
        program.start()
        program.wait(lambda: "made with another key" in program.log_path.read_text(), 20, "refused")
        program.kill()
        code, output, errors = program.command("rebuild", "--quiet")
        assert code == 0, errors
        shop.start()
        assert shop.found() and not shop.found(customers[0])
        shop.oracle.erase("customer", customers[0])
        check_others(shop)
        assert program.terminate() == 0
        assert [key for key in customers if shop.files_with(key.encode())] == []
        with capsys.disabled():
            print(f"\n{len(customers)} ids looked for in the files of a pseudonymous store, before and after a new key: {found or 'none found'}")


def test_exports_have_nothing_of_erased_customers(shop, binary):
    shop.start()
    other = next(key for key in shop.oracle.keys("customer") if key != VICTIM)
    shop.erase(VICTIM)
    assert shop.program.terminate() == 0
    logs = dump_topics(shop.bootstrap, {shop.topics["clicks"], shop.topics["purchases"]}, shop.producer.ends, shop.directory / "logs.ndjson")
    erasures = shop.directory / "erasures.ndjson"
    erasures.write_text(json.dumps({"topic": shop.topics["erasures"], "key": VICTIM, "ts": START // 1000,
                                    "payload": json.dumps({"entity": "customer", "key": VICTIM})}) + "\n")
    requests = shop.directory / "requests.csv"
    at = START + 30 * DAY
    requests.write_text("customer,as_of\n" + "".join(f"{key},{at}\n" for key in (VICTIM, other)))
    here = shop.path.parent / "with-store.yaml"
    here.write_text(shop.path.read_text().replace("directory: data", f"directory: {shop.program.store}"))
    away = shop.path.parent / "without-store.yaml"
    away.write_text(shop.path.read_text().replace("directory: data", "directory: nowhere"))

    def rows(definitions, *files, succeeds=True):
        errors, output = export(
            binary, definitions, "--feature", "clicks_30d", "--feature", "purchases_lifetime", "--requests", requests, "--key-column", "customer",
            "--time-column", "as_of", "--time-format", "epoch_us", "--output", "-", "--format", "ndjson", "--logs", *files, "--quiet", succeeds=succeeds)
        return [json.loads(line) for line in output.splitlines()] if succeeds else errors

    for found in (rows(here, logs), rows(away, logs, erasures)):
        assert [(row["clicks_30d"], row["purchases_lifetime"]) for row in found][0] == (0, 0), found
        assert found[1]["clicks_30d"] + found[1]["purchases_lifetime"] > 0
    assert "nobody here knows who was erased" in rows(away, logs, succeeds=False)
