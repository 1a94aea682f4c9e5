#!/usr/bin/env python3
"""produce.py NDJSON - creates the topic and sends every line, keyed by customer. The broker is KAFKA_BOOTSTRAP."""
import json
import os
import sys

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC = "cdnow-purchases"
PARTITIONS = 4


def main():
    address = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP"]}
    # The results live only as long as their client.
    admin = AdminClient(address)
    for created in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]).values():
        try:
            created.result(30)
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise
    failures = []

    def delivered(error, _):
        if error is not None:
            failures.append(error)

    producer = Producer(address | {"enable.idempotence": True, "linger.ms": 20, "partitioner": "murmur2_random"})
    count = 0
    with open(sys.argv[1], "rb") as lines:
        for line in lines:
            event = line.rstrip(b"\n")
            while True:
                try:
                    producer.produce(TOPIC, value=event, key=json.loads(event)["customer_id"], on_delivery=delivered)
                    break
                except BufferError:  # the local queue is full: let some of it go
                    producer.poll(0.1)
            producer.poll(0)
            count += 1
    left = producer.flush(60)
    if failures or left:
        sys.exit(f"{len(failures) + left} of {count} purchases were not delivered: {failures[:1]}")
    print(f"{count} purchases sent to {TOPIC}")


if __name__ == "__main__":
    main()
