"""The running program with more to do than it can, and with clients that misbehave."""
import http.client
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from conftest import ready_program

PATH = "/v1/services/homepage/entities/c0000001"


@pytest.fixture(scope="module")
def tight(binary, bootstrap, tmp_path_factory):
    """A program with narrow limits."""
    with ready_program(
            binary, bootstrap, tmp_path_factory.mktemp("tight"), MILLRACE_MAX_WAIT_MS="1", MILLRACE_MAX_CONNECTIONS="40",
            MILLRACE_CLIENT_TIMEOUT="1s", MILLRACE_BATCH_THREADS="1", MILLRACE_MAX_WAITING_BATCHES="1", MILLRACE_MAX_REQUEST_SIZE="64KiB") as made:
        yield made


def connect(program):
    return socket.create_connection(("127.0.0.1", program.port), timeout=20)


def request(connection, method="GET", path=PATH, body=None, headers={}):
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def test_a_flood_is_refused_in_part_and_forgotten_at_once(tight):
    """Pipelined requests without end: those that wait more than a millisecond get 429, the others their answer."""
    burst = (f"GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n" * 500).encode()
    statuses, failures = {}, []

    def flood():
        try:
            with connect(tight) as client:
                for _ in range(20):
                    client.sendall(burst)
                    reader = client.makefile("rb")
                    for _ in range(500):
                        status = int(reader.readline().split()[1])
                        length = 0
                        while (line := reader.readline()) != b"\r\n":
                            name, value = line.split(b":", 1)
                            if name.lower() == b"content-length":
                                length = int(value)
                            if status == 429 and name.lower() == b"retry-after":
                                assert value.strip() == b"1"
                        body = reader.read(length)
                        if status == 429:
                            assert json.loads(body)["type"] == "urn:millrace:problem:overloaded"
                        statuses[status] = statuses.get(status, 0) + 1
        except Exception as error:  # noqa: BLE001: a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert set(statuses) == {200, 429} and sum(statuses.values()) == 8 * 20 * 500, statuses
    assert tight.counters("millrace_requests_refused_total", "reason")[("late",)] == statuses[429]
    # A refusal now would be the machine's own doing; ten are not.
    connection = http.client.HTTPConnection("127.0.0.1", tight.port, timeout=5)
    assert 200 in [request(connection)[0] for _ in range(10)]
    connection.close()


def test_grpc_clients_see_the_refusal(tight, stubs):
    grpc = pytest.importorskip("grpc")
    codes = {}
    with grpc.insecure_channel(tight.environment["MILLRACE_GRPC"]) as channel:
        client = stubs[1].FeatureServiceStub(channel)
        large = stubs[0].LookupRequest(service="homepage", keys=[f"k{i}" for i in range(900)])
        calls = [client.Lookup.future(large, timeout=20) for _ in range(40)]
        for call in calls:
            code = call.code()
            codes[code.name] = codes.get(code.name, 0) + 1
            if code.name == "RESOURCE_EXHAUSTED":
                assert dict(call.trailing_metadata())["millrace-problem"] == "overloaded"
        assert set(codes) <= {"OK", "RESOURCE_EXHAUSTED"} and codes.get("RESOURCE_EXHAUSTED"), codes
        small = stubs[0].LookupRequest(service="homepage", keys=["c0000001"])
        time.sleep(0.5)
        outcomes = {client.Lookup.future(small, timeout=5).code().name for _ in range(10)}
        assert "OK" in outcomes
        with pytest.raises(grpc.RpcError) as error:
            client.Lookup(stubs[0].LookupRequest(service="homepage", keys=["k" * 400] * 300), timeout=5)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert dict(error.value.trailing_metadata())["millrace-problem"] == "body-too-large"


def test_large_bodies_are_refused(tight):
    connection = http.client.HTTPConnection("127.0.0.1", tight.port, timeout=10)
    status, headers, body = request(connection, "POST", "/v1/lookup", b" " * 65_537)
    assert status == 413 and headers["content-type"] == "application/problem+json", (status, headers)
    assert "server.max_request_size" in json.loads(body)["remedy"]
    connection.close()


def test_a_sender_that_waits_no_longer_is_not_answered(tight):
    body = json.dumps({"service": "homepage", "keys": [f"k{i}" for i in range(1000)]})
    outcomes = set()

    # One thread is there for batches, and each takes longer than a millisecond: whoever comes second is late.
    def work():
        connection = http.client.HTTPConnection("127.0.0.1", tight.port, timeout=20)
        for _ in range(30):
            outcomes.add(request(connection, "POST", "/v1/lookup", body, {"Millrace-Timeout-Ms": "1"})[0])
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 504 in outcomes and outcomes <= {200, 429, 504}
    connection = http.client.HTTPConnection("127.0.0.1", tight.port, timeout=10)
    assert request(connection, "POST", "/v1/lookup", body, {"Millrace-Timeout-Ms": "0"})[0] == 400
    connection.close()



@pytest.mark.parametrize("beginning", [b"GET /v1/serv", b"POST /v1/lookup HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{"])
def test_half_a_request_is_not_waited_for(tight, beginning):
    with connect(tight) as client:
        client.sendall(beginning)
        begin = time.monotonic()
        assert client.recv(1) == b""
        assert 0.9 < time.monotonic() - begin < 5


def test_an_idle_connection_is_left_alone(tight):
    connection = http.client.HTTPConnection("127.0.0.1", tight.port, timeout=10)
    request(connection)
    time.sleep(3)
    assert request(connection)[0] in (200, 429)
    connection.close()


def test_connections_have_a_bound(tight):
    """The program has others open, but never more than 40."""
    kept, refused = [], 0
    try:
        for _ in range(60):
            client = connect(tight)
            client.sendall(f"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            try:
                answered = client.recv(1) == b"H"
            except ConnectionResetError:
                answered = False
            if answered:
                kept.append(client)
            else:
                refused += 1
                client.close()
        assert 30 <= len(kept) <= 40 and refused >= 20
    finally:
        for client in kept:
            client.close()
    tight.wait(lambda: tight.answers("GET", "/healthz"), 5, "answering again")
    assert tight.counters("millrace_connections_refused_total")[()] >= 20


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor only")
def test_lookups_have_a_processor_of_their_own(binary, bootstrap, tmp_path):
    first, *others = sorted(os.sched_getaffinity(0))
    with ready_program(binary, bootstrap, tmp_path, MILLRACE_PROCESSORS=str(first)) as program:
        # Connections after a pause: whatever the loops start meanwhile.
        for _ in range(3):
            time.sleep(1)
            assert connect(program) and program.json("GET", "/v1/shards")["shards"]
        placed = {}
        for thread in Path(f"/proc/{program.process.pid}/task").iterdir():
            placed.setdefault((thread / "comm").read_text().strip(), set()).add(frozenset(os.sched_getaffinity(int(thread.name))))
        loops = {name for name in placed if name.startswith("NIO-SGLTN-")}
        assert len(loops) == 1 and placed[loops.pop()] == {frozenset([first])}, placed
        ingest = {name: where for name, where in placed.items() if name == "poll" or name.startswith(("shard-", "rdk:"))}
        assert len(ingest) >= 3 and set().union(*ingest.values()) == {frozenset(others)}, placed
