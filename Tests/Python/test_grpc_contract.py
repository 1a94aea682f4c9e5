"""The gRPC contract, checked from outside: stubs are generated from Schemas/ at test time and speak to a running server.

    pip install grpcio grpcio-tools pytest
    MILLRACE_GRPC=127.0.0.1:8081 pytest Tests/Python/test_grpc_contract.py

MILLRACE_SERVICE and MILLRACE_KEY name a service and an entity key to ask for; by default the first service, and a key that nobody has.
Without MILLRACE_GRPC a server is started.
"""

import decimal
import os

import pytest

ADDRESS = os.environ.get("MILLRACE_GRPC")

@pytest.fixture(scope="module")
def address(request):
    """MILLRACE_GRPC, or a program of our own."""
    return ADDRESS or request.getfixturevalue("running").environment["MILLRACE_GRPC"]


@pytest.fixture(scope="module")
def channel(address):
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel(address) as channel:
        yield channel


@pytest.fixture(scope="module")
def client(stubs, channel):
    return stubs[1].FeatureServiceStub(channel)


@pytest.fixture(scope="module")
def contract(stubs, client):
    services = client.ListServices(stubs[0].ListServicesRequest(), timeout=5).services
    assert services, "the server declares no service"
    wanted = os.environ.get("MILLRACE_SERVICE", services[0].service)
    return next(s for s in services if s.service == wanted)


@pytest.fixture(scope="module")
def key():
    return os.environ.get("MILLRACE_KEY", "contract-test-nobody")


def python_value(pb, value):
    """The value as Python has it, and the name of its kind."""
    kind = value.WhichOneof("kind")
    if kind == "decimal_value":
        return decimal.Decimal(value.decimal_value.value), kind
    if kind == "list_value":
        return [python_value(pb, v)[0] for v in value.list_value.values], kind
    if kind == "map_value":
        return {k: python_value(pb, v)[0] for k, v in value.map_value.entries.items()}, kind
    return (getattr(value, kind) if kind else None), kind


KINDS = {"bool": "bool_value", "int64": "int_value", "double": "double_value", "string": "string_value"}


def expected_kind(type_name):
    for prefix, kind in [("decimal", "decimal_value"), ("list", "list_value"), ("map", "map_value")]:
        if type_name.startswith(prefix):
            return kind
    return KINDS[type_name]


def test_a_vector_keeps_its_contract(stubs, client, contract, key):
    pb = stubs[0]
    answer = client.Lookup(pb.LookupRequest(service=contract.service, keys=[key, "contract-test-nobody"]), timeout=5)
    assert answer.service == contract.service
    assert answer.version == contract.version
    assert answer.entity == contract.entity
    assert list(answer.features) == [f.name for f in contract.features]
    assert [v.key for v in answer.vectors] == [key, "contract-test-nobody"]
    assert not answer.vectors[1].found
    assert answer.as_of_us > 1_600_000_000_000_000
    for vector in answer.vectors:
        assert len(vector.values) == len(contract.features)
        for feature, value in zip(contract.features, vector.values):
            assert value.status in pb.FeatureStatus.values() and value.status != pb.FEATURE_STATUS_UNSPECIFIED
            if value.HasField("value"):
                _, kind = python_value(pb, value.value)
                assert kind == expected_kind(feature.type), feature.name
            else:
                assert value.status in (pb.FEATURE_STATUS_MISSING, pb.FEATURE_STATUS_WARMING), feature.name
    if "MILLRACE_KEY" in os.environ:
        assert answer.vectors[0].found
        assert any(v.HasField("newest_event_time_us") for v in answer.vectors[0].values)
        assert answer.positions


def test_features_one_by_one_at_a_time(stubs, client, contract, key):
    pb = stubs[0]
    names = [f.name for f in contract.features][::-1]
    answer = client.Lookup(
        pb.LookupRequest(features=names, keys=[key], as_of_us=1_767_225_600_000_000, max_staleness_us=5_000_000), timeout=5
    )
    assert answer.service == "" and list(answer.features) == names
    assert answer.as_of_us == 1_767_225_600_000_000


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (dict(service="contract-test-none", keys=["a"]), "NOT_FOUND"),
        (dict(features=["contract-test-none"], keys=["a"]), "NOT_FOUND"),
        (dict(keys=["a"]), "INVALID_ARGUMENT"),
        (dict(service="SERVICE", keys=[]), "INVALID_ARGUMENT"),
        (dict(service="SERVICE", keys=[""]), "INVALID_ARGUMENT"),
        (dict(service="SERVICE", keys=["k" * 481]), "INVALID_ARGUMENT"),
        (dict(service="SERVICE", keys=["a"], as_of_us=-1), "INVALID_ARGUMENT"),
        (dict(service="SERVICE", keys=["a"] * 100_001), "INVALID_ARGUMENT"),
    ],
)
def test_errors_are_statuses_with_a_remedy(stubs, client, contract, fields, code):
    grpc = pytest.importorskip("grpc")
    fields = {k: contract.service if v == "SERVICE" else v for k, v in fields.items()}
    with pytest.raises(grpc.RpcError) as error:
        client.Lookup(stubs[0].LookupRequest(**fields), timeout=5)
    assert error.value.code().name == code
    assert len(error.value.details()) > 20
    assert "millrace-problem" in dict(error.value.trailing_metadata())


def test_bytes_that_are_no_message_are_refused(channel):
    grpc = pytest.importorskip("grpc")
    raw = channel.unary_unary("/millrace.serving.v1.FeatureService/Lookup")
    for message in [b"\x0a\x05a", b"\xff" * 20, b"\x0b", b"\x0a\x02\xff\xfe"]:
        with pytest.raises(grpc.RpcError) as error:
            raw(message, timeout=5)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_health(stubs, channel):
    health = stubs[3].HealthStub(channel)
    answer = health.Check(stubs[2].HealthCheckRequest(), timeout=5)
    assert answer.status in (1, 2)
