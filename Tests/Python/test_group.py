"""Two programs in one consumer group: the shards are divided, positions are seen by the group, and the survivor takes over."""
import pytest
import yaml
from confluent_kafka import Consumer, TopicPartition

from differences import compare
from oracle import Oracle
from program import Program
from shop_stream import RecordProducer, ShopStream

START = 1_764_547_200_000_000


@pytest.fixture
def group(binary, definitions, bootstrap, tmp_path):
    """A function that makes one more member, each with a store of its own."""
    path, contents = definitions
    contents["kafka"] = {**contents.get("kafka", {}), "properties": {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000}}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    members = []

    def member():
        directory = tmp_path / f"member{len(members)}"
        directory.mkdir()
        members.append(Program(binary, path, bootstrap, directory, assignment="group", group=f"g-{tmp_path.name}"))
        members[-1].start()
        members[-1].wait_healthy()
        return members[-1]

    yield member
    for program in members:
        if program.process is not None:
            program.kill()


def shards_of(program):
    return sorted(shard["shard"] for shard in program.json("GET", "/v1/shards")["shards"])


def test_members_share_the_shards_and_the_survivor_takes_over(group, definitions, topics, bootstrap, tmp_path):
    oracle = Oracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=11, start=START, customers=60, step_micros=60_000_000)
    for _ in range(1_000):
        producer.send(stream.next())
    producer.flush()

    first = group()
    first.wait_applied(producer.ends, 60)
    assert shards_of(first) == [0, 1, 2, 3]

    # Lag tools see where the group is.
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"g-{tmp_path.name}"})
    places = [TopicPartition(topic, partition) for topic, partition in producer.ends]

    def committed():
        return {(p.topic, p.partition): p.offset for p in consumer.committed(places, timeout=10)} == producer.ends

    first.wait(committed, 20, "positions committed to the group")
    consumer.close()

    second = group()
    second.wait(lambda: len(shards_of(first)) == 2 and len(shards_of(second)) == 2, 60, "two shards each")
    assert sorted(shards_of(first) + shards_of(second)) == [0, 1, 2, 3]

    # A customer is served by one of them; the other says that it does not host the shard.
    for customer in oracle.keys("customer")[:20]:
        path = f"/v1/services/churn/entities/{customer}"
        assert sorted([first.request("GET", path)[0], second.request("GET", path)[0]]) == [200, 503]

    first.kill()
    for _ in range(300):
        producer.send(stream.next())
    producer.flush()
    second.wait(lambda: shards_of(second) == [0, 1, 2, 3], 60, "all shards with the survivor")
    second.wait_applied(producer.ends, 60)
    customers = oracle.keys("customer")
    names = sorted(oracle.features("customer", customers[0], START))
    compared, differences = compare(second, oracle, "customer", customers, names, oracle.newest_event_time())
    assert compared == len(customers) * len(names)
    assert not differences, "\n".join(differences[:20])
    assert second.terminate() == 0
