"""Seeds of the fuzz targets whose inputs are bytes that no editor writes: Tests/Fuzz/seeds.py NAME DIRECTORY"""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Python"))
from http2 import frame, indexed_literal, literal  # noqa: E402


def head(path, kind="application/grpc"):
    return b"".join(literal(name, value) for name, value in [
        (":method", "POST"), (":scheme", "http"), (":path", path), ("content-type", kind), ("te", "trailers")])


LOOKUP = b"\x0a\x08homepage\x1a\x02c1\x1a\x02c2\x20\x80\x80\xa0\xf0\xd0\x81\x92\x03"
CALL = frame(1, 4, 1, head("/millrace.serving.v1.FeatureService/Lookup")) + frame(0, 1, 1, struct.pack(">BI", 0, len(LOOKUP)) + LOOKUP)
SEEDS = {
    "HTTP2": {
        "call": b"\0\1" + CALL,
        "parts": b"\x07\1" + CALL,
        "continued": b"\0\1" + frame(1, 1, 1, head("/x")[:20]) + frame(9, 4, 1, head("/x")[20:]),
        "table": b"\0\1" + frame(1, 5, 1, indexed_literal("x", "y" * 100) + head("/y")) + frame(1, 5, 3, b"\xbe" + head("/y")),
        "static": b"\0\1" + frame(1, 5, 1, b"\x82\x84\x86\x3f\xe1\x1f"),
        "huffman": b"\0\1" + frame(1, 5, 1, b"\x82\x86\x44\x83\x60\xd5\x48"),
        "control": b"\0\1" + frame(4, 0, 0, struct.pack(">HI", 4, 10)) + CALL + frame(8, 0, 0, b"\0\0\1\0") + frame(8, 0, 1, b"\0\0\1\0")
        + frame(6, 0, 0, b"12345678") + frame(3, 0, 1, b"\0\0\0\x08") + frame(2, 0, 1, b"\0\0\0\0\x01") + frame(7, 0, 0, b"\0" * 8),
        "padded": b"\0\1" + frame(1, 12, 1, b"\3" + head("/x") + b"\0\0\0") + frame(0, 9, 1, b"\2abc\0\0"),
        "preface": b"\3\0PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4),
    },
    "GRPC": {
        "lookup": b"\0" + LOOKUP, "packed": b"\1\x0a\x18" + LOOKUP[:24], "explain": b"\3\x0a\x09clicks_5m\x12\x02c1", "whole": b"\x80" + struct.pack(">BI", 0, len(LOOKUP)) + LOOKUP,
        "push": b"\4\x0a\x06scores\x12\x10\x0a\x0e\x0a\x08customer\x12\x02\x0a\x00", "feast": b"\5\x12\x0c\x0a\x0aview:score\x1a\x12\x0a\x08customer\x12\x06\x0a\x04\x12\x02c1",
        "health": b"\x09\x0a\x00", "erase": b"\x0a\x0a\x08customer\x12\x02c1", "receipt": b"\x0b\x0a\x20" + b"5" * 32,
    },
    "Requests": {
        "lookup": b'\0{"service":"homepage","keys":["c1","c\\u00e9"],"as_of":"2026-01-31T12:00:00Z","max_staleness":"5s","inputs":{"device":"mobile","n":1.5}}',
        "features": b'\0{"features":["clicks_5m","spend_1h"],"keys":["c1"],"as_of":1767225600000000,"min_position":"scores/0@17"}',
        "push": b'\1{"rows":[{"customer":"c1","event_time":"2026-01-31T12:00:00Z","score":0.93,"grade":"1.25","name":"x","count":3,"yes":true}]}',
        "feast-push": b'\2{"push_source_name":"scores","df":{"customer":["c1"],"event_timestamp":["2026-01-31T12:00:00Z"],"score":[0.5],"name":["x"]},"to":"online"}',
        "feast": b'\3{"features":["customer:clicks_5m"],"entities":{"customer":["c1","c2"]},"full_feature_names":true}',
        "time": b"\x042026-01-31T12:00:00.123+02:00", "position": b"\4clicks/0@17,purchases/1@4", "duration": b"\0041500ms", "explain": b"\5clicks_5m",
        "erase": b'\6{"entity":"customer","keys":["c1","c\\u00e9"]}',
    },
    "Expressions": {
        str(number): text.encode() for number, text in enumerate([
            'n > 1 and (page == "a" or not member) and price * 2 - 1.5 <= 7', "page in ('a', 'b') or starts_with(page, \"/x\") or n is not null",
            'if(n > 1, get(counts, "a") / max(n, 1), coalesce(price, 0))', "clamp(log1p(n), 0, 10) + size(list) * share(counts, page)"])
    },
}

for name, data in SEEDS[sys.argv[1]].items():
    (pathlib.Path(sys.argv[2]) / name).write_bytes(data)
