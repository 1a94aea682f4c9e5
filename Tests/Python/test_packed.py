"""Packed answers, opened by NumPy and held against the same lookup in JSON."""
import http.client
import json
from decimal import Decimal

import grpc
import numpy
import pytest
import xxhash

KEYS = ["c0000000", "c0000003", "nobody", "c0000001", "c0000000"]
PACKED = "application/vnd.millrace.packed"
STATUSES = {"present": 1, "missing": 2, "stale": 3, "defaulted": 4, "warming": 5}


def ask(program, method, path, accept, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {"Accept": accept} if accept else {})
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()


def unpack(body):
    """By the table in docs/API.md."""
    assert body[:4] == b"MRP2" and body[7:8] == b"\0" and body[56:64] == bytes(8)
    width, kind = body[4], "fi"[body[5]]
    rows, columns = map(int, numpy.frombuffer(body, "<u4", 2, 16))
    features, dimension = map(int, numpy.frombuffer(body, "<u4", 2, 40))
    values = int(numpy.frombuffer(body, "<u8", 1, 48)[0])
    read = {"schema": int(numpy.frombuffer(body, "<u8", 1, 8)[0]), "as_of": int(numpy.frombuffer(body, "<i8", 1, 24)[0]),
            "freshness": int(numpy.frombuffer(body, "<i8", 1, 32)[0])}
    at = 64

    def take(dtype, count):
        nonlocal at
        array = numpy.frombuffer(body, dtype, count, at)
        at += array.nbytes
        return array

    read["matrix"] = take(f"<{kind}{width}", rows * columns).reshape(rows, columns)
    if dimension:
        assert not any(body[at:(at + 7) // 8 * 8])
        at = (at + 7) // 8 * 8
        indptr, data, indices = take("<i8", rows + 1), take(f"<{kind}{width}", values), take("<i4", values)
        sparse = numpy.zeros((rows, dimension), data.dtype)
        for row in range(rows):
            own = slice(indptr[row], indptr[row + 1])
            assert (numpy.diff(indices[own]) > 0).all()
            sparse[row, indices[own]] = data[own]
        assert indptr[-1] == values
        read["sparse"] = sparse
    read["status"] = take("u1", rows * features).reshape(rows, features)
    read["found"] = take("u1", rows)
    if body[6]:
        read["levels"] = take("u1", rows * features).reshape(rows, features)
    assert at == len(body)
    return read


def number(value):
    if value is None:
        return float("nan")
    return float(value)


@pytest.mark.parametrize("service", ["homepage", "search_ranking", "churn"])
def test_a_service_packed_is_the_service_in_json(running, service):
    program = running
    as_of = 1_764_600_000_000_000
    contract = program.json("GET", f"/v1/services/{service}")
    columns = contract["packed"]["columns"]
    assert contract["packed"]["features"] == columns and contract["packed"]["sparse"] is None
    types = {feature["name"]: feature["type"] for feature in contract["features"]}
    numbers = [name for name in types if types[name] in ("bool", "int64", "double") or types[name].startswith("decimal")]
    assert columns == numbers and 0 < len(columns)
    digest = xxhash.xxh64("".join(f"{name}:{types[name]}\n" for name in columns).encode()).hexdigest()
    assert contract["packed"]["schema"] == digest

    answer = program.lookup(service=service, keys=KEYS, as_of=as_of)
    status, kind, body = ask(program, "POST", "/v1/lookup", PACKED, {"service": service, "keys": KEYS, "as_of": as_of})
    assert (status, kind) == (200, PACKED)
    got = unpack(body)
    assert got["schema"] == int(digest, 16) and got["as_of"] == as_of and got["freshness"] == 0
    places = [answer["features"].index(name) for name in columns]
    wanted = numpy.array([[number(result["values"][at]) for at in places] for result in answer["results"]])
    assert numpy.array_equal(got["matrix"], wanted, equal_nan=True)
    assert got["status"].tolist() == [[STATUSES[result["statuses"][at]] for at in places] for result in answer["results"]]
    assert got["found"].tolist() == [int(result["found"]) for result in answer["results"]]
    assert (got["matrix"][0] > 0).any()

    half = unpack(ask(program, "POST", "/v1/lookup", f"text/html, {PACKED}; element=float32; q=0.9",
                      {"service": service, "keys": KEYS, "as_of": as_of})[2])
    assert numpy.array_equal(half["matrix"], wanted.astype("<f4"), equal_nan=True)
    one = unpack(ask(program, "GET", f"/v1/services/{service}/entities/{KEYS[1]}?as_of={as_of}", PACKED)[2])
    assert numpy.array_equal(one["matrix"], wanted[1:2], equal_nan=True)


def test_chosen_features_must_be_numbers(running):
    status, kind, body = ask(running, "POST", "/v1/lookup", PACKED, {"features": ["clicks_24h", "spend_lifetime"], "keys": KEYS})
    assert (status, kind) == (200, PACKED) and unpack(body)["matrix"].shape == (5, 2)
    status, kind, body = ask(running, "POST", "/v1/lookup", PACKED, {"features": ["last_products_7d"], "keys": KEYS})
    assert (status, kind) == (400, "application/problem+json") and "last_products_7d" in json.loads(body)["detail"]
    status, _, body = ask(running, "POST", "/v1/lookup", PACKED + ";element=int8", {"service": "churn", "keys": KEYS})
    assert status == 400 and "element" in json.loads(body)["remedy"]
    # Whoever does not ask for it gets JSON.
    for accept in (None, "*/*", "application/json"):
        assert ask(running, "POST", "/v1/lookup", accept, {"service": "churn", "keys": KEYS})[1] == "application/json"


def test_over_grpc_the_bytes_are_the_same(running, stubs):
    messages, services = stubs[:2]
    stub = services.FeatureServiceStub(grpc.insecure_channel(running.environment["MILLRACE_GRPC"]))
    as_of = 1_764_600_000_000_000
    request = messages.LookupPackedRequest(
        lookup=messages.LookupRequest(service="churn", keys=KEYS, as_of_us=as_of), element=messages.LookupPackedRequest.FLOAT32)
    body = stub.LookupPacked(request, timeout=20).body
    assert body == ask(running, "POST", "/v1/lookup", PACKED + "; element=float32", {"service": "churn", "keys": KEYS, "as_of": as_of})[2]
    with pytest.raises(grpc.RpcError) as refused:
        stub.LookupPacked(messages.LookupPackedRequest(lookup=messages.LookupRequest(service="none", keys=KEYS)), timeout=20)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
