"""`produce.py LOG`: the log's events to the broker at KAFKA_BOOTSTRAP, each with its event time as the timestamp."""
import json
import os
import sys
from datetime import datetime

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap = os.environ["KAFKA_BOOTSTRAP"]
producer = Producer({
    "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 1_000_000})
admin = AdminClient({"bootstrap.servers": bootstrap})
topics = set()
newest = 0
count = 0
with open(sys.argv[1]) as log:
    for line in log:
        record = json.loads(line)
        topic, value = record["topic"], record["value"]
        if topic not in topics:
            topics.add(topic)
            for created in admin.create_topics([NewTopic(topic, num_partitions=4, replication_factor=1)]).values():
                created.result(30)
        time = value["event_time"] if "event_time" in value else int(datetime.fromisoformat(value["ordered_at"]).timestamp() * 1_000)
        newest = max(newest, time)
        producer.produce(topic, key=record["key"], value=json.dumps(value), timestamp=newest)
        producer.poll(0)
        count += 1
left = producer.flush(120)
assert left == 0, f"{left} events were not delivered"
print(f"{count} events produced")
