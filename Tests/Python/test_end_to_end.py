"""One life of the program: events in, features out, bad events aside, a clean end."""
import time

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from differences import check_counters, compare, same
from oracle import Oracle
from shop_stream import Record, RecordProducer, ShopStream

SECOND = 1_000_000
START = 1_764_547_200 * SECOND


@pytest.fixture
def served(program, definitions, topics, bootstrap):
    """3,000 events produced and applied: (program, oracle, producer, stream)."""
    oracle = Oracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=7, start=START, customers=80, step_micros=60 * SECOND, malformed=0.02)
    for _ in range(3_000):
        producer.send(stream.next())
    producer.send(Record("clicks", b"c0000001", None, stream.now))
    producer.flush()
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    return program, oracle, producer, stream


def test_values_equal_the_oracle(served):
    program, oracle, _, _ = served
    newest = oracle.newest_event_time()
    customers = oracle.keys("customer")
    names = sorted(oracle.features("customer", customers[0], newest))
    for later in (0, 1, 59 * SECOND, 3_600 * SECOND, 40 * 86_400 * SECOND):
        compared, differences = compare(program, oracle, "customer", customers, names, newest + later)
        assert compared == len(customers) * len(names)
        assert not differences, "\n".join(differences[:20])


def test_one_entity_by_get_says_the_same(served):
    program, oracle, _, _ = served
    as_of = oracle.newest_event_time() + SECOND
    key = oracle.keys("customer")[0]
    expected = oracle.features("customer", key, as_of)
    for service in program.json("GET", "/v1/services")["services"]:
        if service["entity"] != "customer":
            continue
        answer = program.json("GET", f"/v1/services/{service['service']}/entities/{key}?as_of={as_of}")
        result = answer["results"][0] if "results" in answer else answer
        names = [feature["name"] if isinstance(feature, dict) else feature for feature in answer["features"]]
        for name, value in zip(names, result["values"], strict=True):
            assert same(value, expected[name]), name


def test_an_unknown_customer_is_not_an_error(served):
    program, oracle, _, _ = served
    name = sorted(oracle.features("customer", "nobody", START))[0]
    answer = program.lookup(features=[name], keys=["nobody"], as_of=START)
    assert answer["results"][0]["found"] is False


def test_counters_equal_the_oracle(served):
    program, oracle, _, _ = served
    check_counters(program, oracle)


def test_dead_letters_say_what_was_wrong_and_where(served, bootstrap, topics):
    program, oracle, _, _ = served
    expected = sum(count for (_, reason), count in oracle.dropped.items() if reason == "malformed")
    assert expected > 0
    letters = read_all(bootstrap, [topics["clicks.dlq"], topics["purchases.dlq"]], expected)
    assert len(letters) == expected
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers()}
        assert headers["millrace.reason"] == "malformed"
        assert headers["millrace.error"]
        assert headers["millrace.topic"] in (topics["clicks"], topics["purchases"])
        assert letter.topic() == headers["millrace.topic"] + ".dlq"
        assert 0 <= int(headers["millrace.partition"]) < 4
        assert int(headers["millrace.offset"]) >= 0
        assert letter.value()
    places = {tuple(v for n, v in letter.headers() if n in ("millrace.topic", "millrace.partition", "millrace.offset")) for letter in letters}
    assert len(places) == expected


def test_records_in_the_wrong_partition_are_counted(served):
    program, _, producer, stream = served
    before = sum(program.counters("millrace_partition_mismatch_total").values())
    assert before == 0
    record = Record("clicks", b"c9999999", b'{"event_id":"wrong-%d","customer_id":"c9999999","event_time":%d,"page":"home"}', stream.now)
    for partition in range(4):
        producer.send_unseen(
            Record("clicks", record.key, record.value % (partition, stream.now // 1_000), stream.now), partition=partition)
    producer.flush()
    program.wait_applied(producer.ends)
    # One of the four partitions is the right one.
    assert sum(program.counters("millrace_partition_mismatch_total").values()) == 3


def test_live_events_are_served_soon(served):
    program, oracle, producer, stream = served
    for _ in range(200):
        producer.send(stream.next())
    producer.flush()
    took = program.wait_applied(producer.ends, 10)
    customers = oracle.keys("customer")
    names = sorted(oracle.features("customer", customers[0], START))
    _, differences = compare(program, oracle, "customer", customers, names, oracle.newest_event_time())
    assert not differences, "\n".join(differences[:20])
    assert took < 5


def test_sigterm_ends_it_cleanly_and_nothing_is_applied_twice_after(served):
    program, oracle, producer, _ = served
    check_counters(program, oracle)
    assert program.terminate() == 0
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    check_counters(program, oracle)
    assert program.terminate() == 0


def read_all(bootstrap, topics, count, seconds=20):
    """The first `count` records of the topics, and any more that come within a second."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic in topics for partition in range(4)])
    found, deadline = [], time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is None:
                if len(found) >= count:
                    break
            elif message.error() is None:
                found.append(message)
    finally:
        consumer.close()
    return found
