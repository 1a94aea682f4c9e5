"""Tests of the running program, from outside. How to run:

    swift build -c release                                        # they start .build/release/millrace
    $(deploy/python Tests/Python/requirements.txt) -m pytest Tests/Python

`Tests/Python/test_oracle.py` needs nothing but Python. MILLRACE_CRASHES and MILLRACE_CRASH_SEED vary the crash test.

One broker serves the whole session: the one at KAFKA_BOOTSTRAP, or one that deploy/broker/broker starts on a free loopback port and that
ends with the session. Topics carry a random prefix, so that a broker that lives longer does no harm. MILLRACE_BINARY names another binary.
"""
import contextlib
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ports import free_port  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory):
    """Address of the session's broker."""
    if "KAFKA_BOOTSTRAP" in os.environ:
        yield os.environ["KAFKA_BOOTSTRAP"]
        return
    script = os.environ.get("MILLRACE_BROKER_SCRIPT", str(REPOSITORY / "deploy" / "broker" / "broker"))
    directory = tmp_path_factory.mktemp("broker")
    port = free_port()
    subprocess.run([script, "start", "--port", str(port), "--dir", str(directory)], check=True, timeout=300)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([script, "stop", "--dir", str(directory)], check=True, timeout=60)


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("MILLRACE_BINARY", REPOSITORY / ".build" / "release" / "millrace"))
    if not path.exists():
        pytest.fail(f"{path} does not exist; build it with `swift build -c release`, or set MILLRACE_BINARY")
    return path


def create_topics(bootstrap, *topics, partitions=4):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for created in admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1) for topic in topics]).values():
        created.result(30)


def delete_topics(bootstrap, *topics):
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for deleted in admin.delete_topics(list(topics)).values():
        deleted.result(30)


@contextlib.contextmanager
def fresh_topics(bootstrap, prefix=None):
    """Topics `clicks`, `purchases` and their dead letters, four partitions each: a map of names to topics. Without a prefix they have a random one."""
    prefix = f"t{uuid.uuid4().hex[:8]}-" if prefix is None else prefix
    names = {name: prefix + name for name in ("clicks", "purchases", "clicks.dlq", "purchases.dlq")}
    create_topics(bootstrap, *names.values())
    yield names
    delete_topics(bootstrap, *names.values())


def shop_definitions(topics, directory):
    """The shop's definitions with these topics: (path of the file, its contents)."""
    import yaml

    contents = yaml.safe_load((REPOSITORY / "Examples" / "shop" / "millrace.yaml").read_text())
    for name, stream in contents["streams"].items():
        stream["topic"] = topics[name]
        stream["dead_letter_topic"] = topics[f"{name}.dlq"]
    path = directory / "millrace.yaml"
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    return path, contents


@contextlib.contextmanager
def ready_program(binary, bootstrap, directory, **environment):
    """A `Program` with the shop's definitions and topics without events; ended with the block."""
    from program import Program

    with fresh_topics(bootstrap) as topics:
        path, _ = shop_definitions(topics, directory)
        made = Program(binary, path, bootstrap, directory)
        made.environment |= environment
        made.start()
        try:
            made.wait_healthy()
            made.wait(lambda: made.answers("GET", "/readyz"), 30, "ready")
            yield made
        finally:
            made.kill()


@pytest.fixture
def topics(bootstrap):
    with fresh_topics(bootstrap) as names:
        yield names


@pytest.fixture
def definitions(topics, tmp_path):
    return shop_definitions(topics, tmp_path)


@pytest.fixture
def program(binary, definitions, bootstrap, tmp_path):
    """A `Program` that is not started yet; ended with the test whatever happens."""
    from program import Program

    made = Program(binary, definitions[0], bootstrap, tmp_path)
    yield made
    if made.process is not None:
        made.kill()


@pytest.fixture(scope="module")
def running(binary, bootstrap, tmp_path_factory):
    """A `Program` with 500 applied events, for a whole module of tests that only ask."""
    from oracle import Oracle
    from program import Program
    from shop_stream import RecordProducer, ShopStream

    directory = tmp_path_factory.mktemp("running")
    with fresh_topics(bootstrap) as topics:
        path, contents = shop_definitions(topics, directory)
        producer = RecordProducer(bootstrap, topics, Oracle(contents))
        stream = ShopStream(seed=3, start=1_764_547_200_000_000, customers=20, step_micros=60_000_000)
        for _ in range(500):
            producer.send(stream.next())
        producer.flush()
        made = Program(binary, path, bootstrap, directory)
        made.start()
        try:
            made.wait_healthy()
            made.wait_applied(producer.ends)
            yield made
        finally:
            made.kill()


HEALTH_PROTO = """
syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
"""

@pytest.fixture(scope="session")
def stubs(tmp_path_factory):
    """Modules generated from Schemas/: lookup messages and stubs, health messages and stubs."""
    import importlib

    protoc = pytest.importorskip("grpc_tools.protoc")
    out = tmp_path_factory.mktemp("stubs")
    (out / "health.proto").write_text(HEALTH_PROTO)
    for include, proto in [(REPOSITORY / "Schemas", "millrace/serving/v1/lookup.proto"), (out, "health.proto")]:
        code = protoc.main(
            ["protoc", f"-I{include}", f"--python_out={out}", f"--grpc_python_out={out}", proto]
        )
        assert code == 0
    sys.path.insert(0, str(out))
    names = ["millrace.serving.v1.lookup_pb2", "millrace.serving.v1.lookup_pb2_grpc", "health_pb2", "health_pb2_grpc"]
    yield [importlib.import_module(name) for name in names]
    sys.path.remove(str(out))
