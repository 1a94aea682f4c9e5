"""Kafka topics as log files, and `millrace export` over them."""
import json
import os
import subprocess

from confluent_kafka import Consumer, TopicPartition


def dump_topics(bootstrap, topics, ends, path):
    """Every record of the topics' partitions up to `ends`, as `kcat -J` prints them; partitions one after another."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "dump", "enable.auto.commit": False})
    with open(path, "w") as log:
        for (topic, partition), end in sorted(ends.items()):
            if topic not in topics:
                continue
            consumer.assign([TopicPartition(topic, partition, 0)])
            offset = 0
            while offset < end:
                message = consumer.poll(30)
                assert message is not None, f"{topic}[{partition}] ends at {offset}, not at {end}"
                assert message.error() is None, message.error()
                offset = message.offset() + 1
                value = message.value()
                log.write(json.dumps({
                    "topic": topic, "partition": partition, "offset": message.offset(), "ts": message.timestamp()[1],
                    "key": message.key().decode(), "payload": None if value is None else value.decode()}) + "\n")
    consumer.close()
    return path


def export(binary, definitions, *arguments, succeeds=True):
    """Runs `millrace export`; what it wrote to standard error, and to standard output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    done = subprocess.run(
        [str(binary), "export", "-d", str(definitions), *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=600)
    assert (done.returncode == 0) == succeeds, f"exit code {done.returncode}\n{done.stderr}"
    return done.stderr, done.stdout
