"""Clients that mean harm, over real sockets: each is refused or cut off, what the server keeps of them is bounded, and a polite client is answered all the while."""
import http.client
import json
import select
import socket
import struct
import threading
import time

import pytest

import http2
from conftest import ready_program
from http2 import frame, literal

PATH = "/v1/services/homepage/entities/c0000001"
TIMEOUT = 2
HELD_MIB = 16
MIB = 1 << 20


@pytest.fixture(scope="module")
def guarded(binary, bootstrap, tmp_path_factory):
    with ready_program(binary, bootstrap, tmp_path_factory.mktemp("guarded"),
                       MILLRACE_CLIENT_TIMEOUT=f"{TIMEOUT}s", MILLRACE_MAX_HELD_SIZE=f"{HELD_MIB}MiB") as made:
        # Everything that is made once is there: the attacks are measured against this.
        for _ in range(200):
            made.request("GET", PATH)
        yield made


class Watch(threading.Thread):
    """Samples what the process has in memory of its own, and asks politely, as long as the attack goes on."""

    def __init__(self, program, growth_mib):
        super().__init__(daemon=True)
        self.program, self.growth = program, growth_mib * MIB
        self.stopping = threading.Event()
        self.before = self.anonymous()
        self.largest, self.slowest, self.answered, self.faults = self.before, 0, 0, []

    def anonymous(self):
        with open(f"/proc/{self.program.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))

    def run(self):
        while not self.stopping.wait(0.02):
            try:
                self.largest = max(self.largest, self.anonymous())
                begin = time.monotonic()
                status, _ = self.program.request("GET", PATH, timeout=5)
                self.slowest = max(self.slowest, time.monotonic() - begin)
                assert status == 200, status
                self.answered += 1
            except Exception as error:  # noqa: BLE001: told in the end
                self.faults.append(repr(error))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        # Some attacks are over before anybody else has asked: what comes right after them counts as well.
        end = time.monotonic() + 10
        while self.answered < 3 and not self.faults and time.monotonic() < end:
            time.sleep(0.02)
        self.stopping.set()
        self.join(20)
        if kind is None:
            assert self.program.process.poll() is None, self.program.log_tail()
            assert not self.faults, self.faults[:3]
            assert self.answered > 0
            grown = self.largest - self.before
            print(f"polite: {self.answered} answered, slowest {self.slowest * 1000:.0f} ms; memory of its own +{grown / MIB:.1f} MiB")
            assert grown <= self.growth, f"{grown / MIB:.0f} MiB more"


def connect(program):
    return socket.create_connection(("127.0.0.1", program.port), timeout=20)


def http2_port(program):
    return int(program.environment["MILLRACE_GRPC"].rsplit(":", 1)[1])


def drip(sockets, part, every=0.1, seconds=TIMEOUT + 4):
    """Sends the parts of all, one each turn, until the server has closed them: how many are still open in the end."""
    begin, turn = time.monotonic(), 0
    still = dict.fromkeys(sockets)
    while still and time.monotonic() - begin < seconds:
        for client in list(still):
            try:
                client.sendall(part(turn))
            except OSError:
                del still[client]
        closed, _, _ = select.select(list(still), [], [], 0) if still else ([], [], [])
        for client in closed:
            try:
                if client.recv(1 << 16) == b"":
                    del still[client]
            except OSError:
                del still[client]
        turn += 1
        time.sleep(every)
    for client in sockets:
        client.close()
    return len(still)


SLOW = {
    "head": (b"GET /v1/services/homepage HTTP/1.1\r\nHost: a\r\n", lambda n: b"X-%d: y\r\n" % n),
    "head byte by byte": (b"G", lambda n: b"ET /v1/services HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"[n:n + 1] or b"a"),
    "body": (b"POST /v1/lookup HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", lambda n: b"{"),
    "chunked body": (b"POST /v1/lookup HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", lambda n: b"1\r\n{\r\n"),
    "HTTP/2 preface": (http2.PREFACE[:3], lambda n: http2.PREFACE[3 + n:4 + n] if n < 15 else b""),
    "HTTP/2 frame": (http2.PREFACE + frame(http2.SETTINGS) + b"\0\x40\0\0\0\0\0\0\x01", lambda n: b"a"),
    "HTTP/2 header block": (
        http2.PREFACE + frame(http2.SETTINGS) + frame(http2.HEADERS, 0, 1, http2.head()),
        lambda n: frame(http2.CONTINUATION, 0, 1, literal("x", "y")) if n % 5 == 0 else b""),
    "HTTP/2 header block and silence": (http2.PREFACE + frame(http2.SETTINGS) + frame(http2.HEADERS, 0, 1, http2.head()), lambda n: b""),
}


@pytest.mark.parametrize("port", ["http", "grpc"])
@pytest.mark.parametrize("what", SLOW)
def test_slow_clients_are_cut_off(guarded, what, port):
    if port == "grpc" and not what.startswith("HTTP/2"):
        pytest.skip("speaks HTTP/2 only")
    beginning, part = SLOW[what]
    with Watch(guarded, 24):
        sockets = []
        for _ in range(150):
            client = socket.create_connection(("127.0.0.1", guarded.port if port == "http" else http2_port(guarded)), timeout=20)
            client.sendall(beginning)
            sockets.append(client)
        assert drip(sockets, part) == 0, "some are still open"


def test_slow_http2_bodies_are_reset(guarded):
    with Watch(guarded, 24):
        clients = []
        for _ in range(100):
            client = http2.Client(http2_port(guarded))
            client.send(frame(http2.HEADERS, http2.END_HEADERS, 1, http2.head("/v1/lookup", "POST")))
            clients.append(client)
        begin = time.monotonic()
        while time.monotonic() - begin < TIMEOUT + 1.5:
            for client in clients:
                client.send(frame(http2.DATA, 0, 1, b"{"))
            time.sleep(0.2)
        for client in clients:
            assert client.answer()[0] == http2.RESET
            client.close()


def test_all_that_half_requests_hold_is_bounded(guarded):
    """Each body is within its limit; together they would be 200 MiB."""
    body = b" " * (MIB - 1024)
    with Watch(guarded, 4 * HELD_MIB + 32):
        outcomes = {"refused": 0, "kept": 0}
        sockets = []

        def attack(number):
            chunked = number % 2 == 1
            client = connect(guarded)
            sockets.append(client)
            framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (len(body) + 1)
            try:
                client.sendall(b"POST /v1/lookup HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + (b"%x\r\n" % len(body) if chunked else b"") + body)
                client.settimeout(0.3)
                answer = client.recv(20)
                outcomes["refused" if not answer or answer.startswith(b"HTTP/1.1 429") else "kept"] += 1
            except TimeoutError:
                outcomes["kept"] += 1
            except OSError:
                outcomes["refused"] += 1

        threads = [threading.Thread(target=attack, args=(number,)) for number in range(200)]
        for start in range(0, len(threads), 20):
            for thread in threads[start:start + 20]:
                thread.start()
            for thread in threads[start:start + 20]:
                thread.join()
        print(outcomes)
        assert outcomes["refused"] > 50
        time.sleep(TIMEOUT + 1)
        for client in sockets:
            client.close()
        # What they held is free again.
        status, _ = guarded.request("POST", "/v1/lookup", {"service": "homepage", "keys": ["c1"] * 1000, "inputs": {}})
        assert status in (200, 400)
    assert guarded.counters("millrace_requests_refused_total", "reason")[("memory",)] > 0


def test_all_that_half_http2_requests_hold_is_bounded(guarded):
    with Watch(guarded, 4 * HELD_MIB + 32):
        clients = []
        for _ in range(40):
            client = http2.Client(http2_port(guarded))
            try:
                for stream in (1, 3, 5):
                    client.send(frame(http2.HEADERS, http2.END_HEADERS, stream, http2.head("/v1/lookup", "POST")))
                    for _ in range(60):
                        client.send(frame(http2.DATA, 0, stream, b" " * 16_384))
            except OSError:
                pass
            clients.append(client)
        time.sleep(TIMEOUT + 1)
        for client in clients:
            client.close()


def test_answers_that_nobody_reads_are_bounded(guarded):
    message = b"\x0a\x08homepage" + b"".join(b"\x1a\x08c%07d" % key for key in range(1000))
    with Watch(guarded, 4 * HELD_MIB + 64):
        clients = []
        for _ in range(30):
            # A window of nothing.
            client = http2.Client(http2_port(guarded), settings=struct.pack(">HI", 4, 0))
            try:
                for number in range(40):
                    client.send(http2.call("Lookup", message, stream=1 + 2 * number))
            except OSError:
                pass
            clients.append(client)
            time.sleep(0.05)
        time.sleep(TIMEOUT + 1)
        for client in clients:
            client.close()


def test_header_bombs_are_refused(guarded):
    with Watch(guarded, 32):
        for fields in (b"".join(b"X-%d: y\r\n" % n for n in range(20_000)), b"X: " + b"y" * 400_000 + b"\r\n"):
            client = connect(guarded)
            try:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
                answer = client.recv(100)
            except OSError:
                answer = b""
            assert not answer.startswith(b"HTTP/1.1 200"), answer
            client.close()
        # One entry of 4000 bytes in the table, and a block that names it thousands of times.
        for _ in range(20):
            client = http2.Client(http2_port(guarded))
            client.send(frame(http2.HEADERS, 5, 1, http2.indexed_literal("x", "y" * 4000) + http2.head()))
            client.send(frame(http2.HEADERS, 5, 3, http2.head() + b"\xbe" * 16_000))
            assert client.end() == http2.ENHANCE_YOUR_CALM
            client.close()
        # Thousands of small fields; a block without end; one of empty parts.
        client = http2.Client(http2_port(guarded))
        client.send(frame(http2.HEADERS, 5, 1, http2.head() + b"".join(literal("a", "") for _ in range(3_000))))
        assert client.end() == http2.ENHANCE_YOUR_CALM
        for part in (b"", literal("x", "y" * 8_000)):
            client = http2.Client(http2_port(guarded))
            try:
                client.send(frame(http2.HEADERS, 0, 1, http2.head()))
                for _ in range(2_000):
                    client.send(frame(http2.CONTINUATION, 0, 1, part))
            except OSError:
                pass
            assert client.end() in (http2.ENHANCE_YOUR_CALM, -1)
            client.close()
        # A table that is larger than what we allow.
        client = http2.Client(http2_port(guarded))
        client.send(frame(http2.HEADERS, 5, 1, http2.number(1 << 30, 5, 0x20) + http2.head()))
        assert client.end() == 9


def send_all_it_takes(client, data, times):
    """How often the server let us."""
    client.socket.settimeout(3)
    for number in range(times):
        try:
            client.send(data)
        except OSError:
            return number
    return times


@pytest.mark.parametrize("what, part", [
    ("settings", frame(http2.SETTINGS, payload=struct.pack(">HI", 4, 65_535))), ("pings", frame(http2.PING, payload=b"12345678")),
    ("priorities", frame(http2.PRIORITY, stream=1, payload=b"\0\0\0\0\x10")), ("unknown frames", frame(0x77, stream=1, payload=b"x")),
    ("windows byte by byte", frame(http2.WINDOW, payload=b"\0\0\0\x01")),
], ids=lambda value: value if isinstance(value, str) else "")
def test_floods_of_frames_that_bring_nothing_end_the_connection(guarded, what, part):
    with Watch(guarded, 16):
        for _ in range(5):
            client = http2.Client(http2_port(guarded))
            send_all_it_takes(client, part * 500, 200)
            assert client.end() in (http2.ENHANCE_YOUR_CALM, -1)
            client.close()


def test_rapid_resets_end_the_connection(guarded):
    """Streams that the client takes back (CVE-2023-44487), and streams that it makes the server reset."""
    head = http2.head("/v1/lookup", "POST")

    def attacks(stream):
        opened = frame(http2.HEADERS, http2.END_HEADERS, stream, head)
        return {
            "reset": opened + frame(http2.RESET, stream=stream, payload=b"\0\0\0\x08"),
            "window of nothing": opened + frame(http2.WINDOW, stream=stream, payload=b"\0\0\0\0"),
            "window too large": opened + frame(http2.WINDOW, stream=stream, payload=b"\x7f\xff\xff\xff"),
            "wrong length": frame(http2.HEADERS, http2.END_HEADERS, stream, http2.head("/v1/lookup", "POST", [("content-length", "9")]))
            + frame(http2.DATA, http2.END_STREAM, stream, b"1"),
            "malformed": frame(http2.HEADERS, 5, stream, literal(":method", "GET")),
        }

    with Watch(guarded, 24):
        for name in attacks(1):
            client = http2.Client(http2_port(guarded))
            for start in range(0, 20_000, 200):
                if send_all_it_takes(client, b"".join(attacks(1 + 2 * n)[name] for n in range(start, start + 200)), 1) == 0:
                    break
            assert client.end() in (http2.ENHANCE_YOUR_CALM, -1), name
            client.close()


@pytest.mark.parametrize("what, data", [
    ("too long", b"\x01\0\0\0\0\0\0\0\x01"), ("the longest", b"\xff\xff\xff\0\0\0\0\0\x01"), ("HEADERS of no stream", frame(1, 5, 0, http2.head())),
    ("an even stream", frame(1, 5, 2, http2.head())), ("DATA of no stream", frame(0, 0, 0, b"x")), ("DATA of an idle stream", frame(0, 0, 9, b"x")),
    ("padding", frame(0, 8, 1, b"\xff1")), ("settings cut off", frame(4, payload=b"12345")), ("settings of a stream", frame(4, stream=1)),
    ("ENABLE_PUSH of 2", frame(4, payload=struct.pack(">HI", 2, 2))), ("a window setting too large", frame(4, payload=struct.pack(">HI", 4, 1 << 31))),
    ("a frame size too small", frame(4, payload=struct.pack(">HI", 5, 1))), ("a ping of 7 bytes", frame(6, payload=b"1234567")),
    ("a window overflow", frame(8, payload=b"\x7f\xff\xff\xff") * 2), ("a window of 3 bytes", frame(8, payload=b"\0\0\x01")),
    ("a push", frame(5, 4, 1, b"\0\0\0\2")), ("a stray continuation", frame(9, 4, 1, b"")), ("not HPACK", frame(1, 5, 1, b"\xff" * 20)),
    ("Huffman that is none", frame(1, 5, 1, b"\0\x81\xff\x81\0")), ("a reset of an idle stream", frame(3, 0, 7, b"\0\0\0\0")),
    ("a frame inside a header block", frame(1, 0, 1, http2.head()) + frame(6, payload=b"12345678")), ("no preface", None),
], ids=lambda value: value if isinstance(value, str) else "")
def test_malformed_frames_end_the_connection(guarded, what, data):
    with Watch(guarded, 16):
        if data is None:
            client = socket.create_connection(("127.0.0.1", http2_port(guarded)), timeout=20)
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
            while client.recv(1 << 16):
                pass
            client.close()
            return
        client = http2.Client(http2_port(guarded))
        client.send(data)
        assert client.end() > 0
        client.close()


def test_streams_go_over_their_windows_and_the_connection_ends(guarded):
    with Watch(guarded, 64):
        client = http2.Client(http2_port(guarded))
        client.send(frame(http2.HEADERS, http2.END_HEADERS, 1, http2.head("/v1/lookup", "POST")))
        send_all_it_takes(client, frame(http2.DATA, 0, 1, b" " * 16_384), 2_000)
        kind, _, _ = client.answer()
        assert kind in (http2.RESET, http2.GOAWAY, http2.HEADERS, http2.DATA, None)
        client.close()


GOOD = b"\x0a\x08homepage\x1a\x08c0000001"


@pytest.mark.parametrize("what, prefix, message", [
    ("a length that is too long", struct.pack(">BI", 0, 5_000), GOOD), ("one that is too short", struct.pack(">BI", 0, 3), GOOD),
    ("the longest", struct.pack(">BI", 0, 0xffff_ffff), GOOD), ("compressed", struct.pack(">BI", 1, len(GOOD)), GOOD),
    ("flags that there are not", struct.pack(">BI", 0x80, len(GOOD)), GOOD), ("no prefix", b"", b""), ("half a prefix", b"\0\0\0", b""),
    ("two messages", struct.pack(">BI", 0, len(GOOD)), GOOD + struct.pack(">BI", 0, len(GOOD)) + GOOD),
    ("cut off", None, GOOD[:-3]), ("a string that is longer than the message", None, b"\x0a\xff\xff\xff\xff\x0f"),
    ("a varint without end", None, b"\x20" + b"\xff" * 12), ("a group", None, b"\x0b\x0c"), ("field 0", None, b"\x02\0"),
    ("not UTF-8", None, b"\x0a\x02\xff\xfe"), ("a million keys", None, b"\x0a\x08homepage" + b"\x1a\x01a" * 300_000),
], ids=lambda value: value if isinstance(value, str) else "")
def test_malformed_grpc_is_answered_with_a_status_and_the_connection_goes_on(guarded, what, prefix, message):
    with Watch(guarded, 48):
        client = http2.Client(http2_port(guarded))
        body = (struct.pack(">BI", 0, len(message)) if prefix is None else prefix) + message
        block = http2.head("/millrace.serving.v1.FeatureService/Lookup", "POST", [("content-type", "application/grpc"), ("te", "trailers")])
        client.send(frame(http2.HEADERS, http2.END_HEADERS, 1, block))
        parts = [body[at:at + 16_384] for at in range(0, len(body), 16_384)] or [b""]
        for part in parts[:-1]:
            client.send(frame(http2.DATA, 0, 1, part))
        client.send(frame(http2.DATA, http2.END_STREAM, 1, parts[-1]))
        kind, blocks, data = client.answer(1)
        assert kind == http2.HEADERS and data == b"", (what, kind, data)
        # The connection takes a good one.
        client.send(http2.call("Lookup", GOOD, stream=3))
        kind, blocks, data = client.answer(3)
        assert kind == http2.HEADERS and len(data) > 5, (what, kind)
        client.close()


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000000000", b"Content-Length: 99999999999999999999999", b"Content-Length: -1",
                                     b"Content-Length: 5\r\nContent-Length: 6", b"Transfer-Encoding: chunked"])
def test_bodies_without_end_are_refused(guarded, framing):
    with Watch(guarded, 4 * HELD_MIB + 32):
        for path in (b"/v1/lookup", b"/v1/push/nothing"):
            client = connect(guarded)
            client.settimeout(10)
            begin, is_closed = time.monotonic(), False
            try:
                client.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
                piece = b" " * 65_536
                while time.monotonic() - begin < 10:
                    client.sendall(b"10000\r\n" + piece + b"\r\n" if b"chunked" in framing else piece)
            except OSError:
                is_closed = True
            assert is_closed, "it goes on for ever"
            try:
                answer = client.recv(200)
            except OSError:
                answer = b""
            assert not answer.startswith(b"HTTP/1.1 200"), answer
            client.close()


def test_it_is_as_it_was(guarded):
    """After all of that: nothing is held, nothing hangs."""
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=5)
    for _ in range(100):
        connection.request("GET", PATH)
        response = connection.getresponse()
        assert response.status == 200 and json.loads(response.read())
    connection.close()
    assert guarded.counters("millrace_slow_clients_total")[()] > 100
    assert guarded.terminate() == 0
    guarded.start()
    guarded.wait_healthy()
