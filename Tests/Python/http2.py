"""HTTP/2 as an attacker writes it: raw frames over a socket, header blocks of literals, nothing checked."""
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
ENHANCE_YOUR_CALM = 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def number(value, bits, first=0):
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out = [first | most]
    value -= most
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes(out + [value])


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return number(len(value), 7) + value


def literal(name, value):
    """Not to be indexed."""
    return b"\0" + text(name) + text(value)


def indexed_literal(name, value):
    """Goes into the dynamic table."""
    return b"\x40" + text(name) + text(value)


def head(path="/healthz", method="GET", more=()):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def call(method, message, service="millrace.serving.v1.FeatureService", stream=1, prefix=None):
    """The frames of a gRPC call; `prefix` in place of the five bytes before the message."""
    body = (struct.pack(">BI", 0, len(message)) if prefix is None else prefix) + message
    block = head(f"/{service}/{method}", "POST", [("content-type", "application/grpc"), ("te", "trailers")])
    return frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, END_STREAM, stream, body)


class Client:
    def __init__(self, port, settings=b"", timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.buffer = b""
        self.send(PREFACE + frame(SETTINGS, payload=settings))

    def send(self, data):
        self.socket.sendall(data)

    def frames(self):
        """Until the server closes the connection or says nothing for the timeout."""
        while True:
            while len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + length:
                    break
                kind, flags, stream = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big")
                payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                yield kind, flags, stream, payload
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return
            if not more:
                return
            self.buffer += more

    def end(self):
        """Reads until the server closes the connection: the code of its GOAWAY, -1 without one."""
        code = -1
        for kind, _, _, payload in self.frames():
            if kind == GOAWAY:
                code = int.from_bytes(payload[4:8], "big")
        return code

    def answer(self, stream=1):
        """The frames of a stream up to its end or reset: (kind of the last, header blocks, data)."""
        blocks, data = [], b""
        for kind, flags, of, payload in self.frames():
            if kind == GOAWAY:
                return GOAWAY, blocks, data
            if of != stream:
                continue
            if kind == HEADERS:
                blocks.append(payload)
            elif kind == DATA:
                data += payload
            elif kind == RESET:
                return RESET, blocks, data
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return kind, blocks, data
        return None, blocks, data

    def close(self):
        self.socket.close()
