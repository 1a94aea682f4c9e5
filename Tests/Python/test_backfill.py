"""History from files: values and counts equal the oracle's, in every format, also after kills; broken files change nothing."""
import csv
import gzip
import io
import json
import os
import random
import shutil
import struct
import subprocess
import time
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest
import yaml

from differences import same
from oracle import Oracle
from shop_stream import ShopStream
from stores import rows

SECOND = 1_000_000
START = 1_764_547_200 * SECOND
PARTITIONS = 4
REPOSITORY = Path(__file__).resolve().parents[2]


class Shop:
    """A directory with definitions, a log as the producer would have sent it, and what the oracle makes of it."""

    def __init__(self, binary, directory, events=4_000, malformed=0.01, seed=11):
        self.binary, self.directory = binary, directory
        self.contents = yaml.safe_load((REPOSITORY / "Examples" / "shop" / "millrace.yaml").read_text())
        self.path = directory / "millrace.yaml"
        self.path.write_text(yaml.safe_dump(self.contents, sort_keys=False))
        self.oracle = Oracle(self.contents)
        stream = ShopStream(seed=seed, start=START, customers=60, step_micros=120 * SECOND, malformed=malformed)
        self.records = [stream.next() for _ in range(events)]
        self.as_of = None

    def offer(self, *, timestamps):
        """Tells the oracle. Without timestamps nothing is `future`."""
        for record in self.records:
            self.oracle.offer(record.stream, record.value, record.timestamp if timestamps else 1 << 60)

    def run(self, *arguments, expect=0, **options):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        environment["MILLRACE_STORE_DIRECTORY"] = str(self.directory / "data")
        done = subprocess.run(
            [str(self.binary), arguments[0], "-d", str(self.path), *map(str, arguments[1:])], env=environment,
            capture_output=True, text=True, timeout=300, **options)
        assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def check_values(self):
        """Every value of every customer, as `millrace get` reads it from the store."""
        keys = self.oracle.keys("customer")
        as_of = self.oracle.newest_event_time() + SECOND
        names = sorted(self.oracle.features("customer", keys[0], as_of))
        features = [part for name in names for part in ("--feature", name)]
        done = self.run("get", *features, "--json", "--as-of", as_of, *keys)
        answer = json.loads(done.stdout, parse_float=Decimal)
        differences = []
        for result in answer["results"]:
            expected = self.oracle.features("customer", result["key"], as_of)
            for name, value in zip(names, result["values"], strict=True):
                if not same(value, expected[name]):
                    differences.append(f"{result['key']} {name}: {value!r}, expected {expected[name]!r}")
        assert len(answer["results"]) == len(keys)
        assert not differences, "\n".join(differences[:20])

    def check_counts(self, output):
        """The table that the backfill prints has the oracle's counts."""
        rows = [line.split() for line in output.splitlines() if line.split() and line.split()[0] in ("stream", "clicks", "purchases")]
        found = {}
        for row in rows[1:]:
            for reason, count in zip(rows[0][1:], row[1:]):
                found[row[0], reason] = int(count.replace(",", ""))
        expected = {(stream, "applied"): count for stream, count in self.oracle.applied.items()}
        expected |= dict(self.oracle.dropped)
        assert {key: count for key, count in found.items() if count} == {key: count for key, count in expected.items() if count}

    # Logs

    def envelopes(self):
        """Lines as `millrace generate --to` writes them."""
        lines = (b'{"topic":"%s","key":"%s","value":%s}\n' % (r.stream.encode(), r.key, r.value) for r in self.records)
        return b"".join(lines)

    def kcat(self, records=None, first=0):
        """Lines as `kcat -J` writes them, with partitions and offsets."""
        offsets, lines = {}, []
        for record in records or self.records:
            at = (record.stream, partition_of(record.key))
            offset = offsets.get(at, first)
            offsets[at] = offset + 1
            lines.append(json.dumps({
                "topic": record.stream, "partition": at[1], "offset": offset, "tstype": "create", "ts": record.timestamp // 1_000, "broker": 1,
                "key": record.key.decode(), "payload": None if record.value is None else record.value.decode()}))
        return ("\n".join(lines) + "\n").encode()

    def write(self, name, data):
        path = self.directory / name
        path.write_bytes(data)
        return path


def partition_of(key):
    """Java's murmur2 over four partitions, written from the published algorithm."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % PARTITIONS


@pytest.fixture
def shop(binary, tmp_path):
    return Shop(binary, tmp_path)


def test_envelopes(shop):
    shop.offer(timestamps=False)
    log = shop.write("events.ndjson", shop.envelopes())
    done = shop.run("backfill", "--partitions", PARTITIONS, log)
    shop.check_counts(done.stdout)
    shop.check_values()
    assert "dropped: " in done.stderr and f"{log}:" in done.stderr


def test_offsets_and_timestamps_come_along(shop):
    shop.offer(timestamps=True)
    done = shop.run("backfill", "--partitions", PARTITIONS, shop.write("dump.json", shop.kcat()))
    shop.check_counts(done.stdout)
    shop.check_values()
    ends = {}
    for record in shop.records:
        at = f"{record.stream}[{partition_of(record.key)}]"
        ends[at] = ends.get(at, 0) + 1
    for at, end in ends.items():
        assert f"{at}@{end}" in done.stdout
    assert "warning:" not in done.stderr


def test_gaps_are_said(shop):
    lines = shop.kcat(first=5).splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if json.loads(line)["partition"] == 2 and n > 100)
    done = shop.run("backfill", "--partitions", PARTITIONS, shop.write("dump.json", b"".join(lines[:at] + lines[at + 1:])))
    topic = json.loads(lines[at])["topic"]
    assert f"1 offsets of {topic}[2] are missing" in done.stderr
    assert f"the logs of {topic}[2] begin at offset 5" in done.stderr


@pytest.mark.parametrize("tool", ["gzip", "zstd"])
def test_compressed_and_from_standard_input(shop, tool):
    shop.offer(timestamps=False)
    data = subprocess.run([tool, "-c"], input=shop.envelopes(), capture_output=True, check=True).stdout
    with open(shop.write("log", data), "rb") as file:
        done = shop.run("backfill", "--partitions", PARTITIONS, "-", stdin=file)
    shop.check_counts(done.stdout)
    shop.check_values()


def well_formed(binary, directory):
    """Without broken events, which other formats cannot express."""
    shop = Shop(binary, directory, malformed=0)
    shop.offer(timestamps=False)
    return shop


def test_csv_gives_the_same(binary, tmp_path):
    shop = well_formed(binary, tmp_path)
    paths = {
        "clicks": ["event_id", "customer_id", "event_time", "page", "product.id", "product.category", "product.price", "session", "device"],
        "purchases": ["order_id", "customer_id", "ordered_at", "product", "category", "quantity", "amount", "currency"],
    }
    files = []
    for stream, columns in paths.items():
        out = io.StringIO()
        writer = csv.writer(out)
        # One column is called otherwise than its path.
        writer.writerow(["who" if path == "customer_id" else path for path in columns] + ["unread"])
        for record in shop.records:
            if record.stream == stream:
                event = json.loads(record.value, parse_float=str)
                cells = []
                for path in columns:
                    value = event
                    for name in path.split("."):
                        value = value.get(name) if isinstance(value, dict) else None
                    cells.append(value)
                writer.writerow(cells + ['a "quoted"\nline'])
        files.append(shop.write(f"{stream}.csv.gz", gzip.compress(out.getvalue().encode())))
    done = shop.run("backfill", "--partitions", PARTITIONS, "--column", "who=customer_id", *files)
    shop.check_counts(done.stdout)
    shop.check_values()


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_avro_gives_the_same(binary, tmp_path, codec):
    shop = well_formed(binary, tmp_path)
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
    schemas = {
        "clicks": {"type": "record", "name": "Click", "fields": [
            {"name": "event_id", "type": "string"}, {"name": "customer_id", "type": "string"},
            {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "page", "type": ["null", "string"]},
            {"name": "product", "type": ["null", {"type": "record", "name": "Product", "fields": [
                {"name": "id", "type": "string"}, {"name": "category", "type": "string"}, {"name": "price", "type": decimal}]}]},
            {"name": "session", "type": ["null", "string"]},
            {"name": "device", "type": ["null", {"type": "enum", "name": "Device", "symbols": ["mobile", "desktop", "tablet", "bot"]}]}]},
        "purchases": {"type": "record", "name": "Purchase", "fields": [
            {"name": "order_id", "type": "string"}, {"name": "customer_id", "type": "string"}, {"name": "ordered_at", "type": "string"},
            {"name": "product", "type": ["null", "string"]}, {"name": "category", "type": ["null", "string"]},
            {"name": "quantity", "type": ["null", "int"]}, {"name": "amount", "type": ["null", decimal]}, {"name": "currency", "type": "string"}]},
    }
    files = []
    for stream, schema in schemas.items():
        events = [json.loads(record.value, parse_float=Decimal) for record in shop.records if record.stream == stream]
        out = io.BytesIO()
        fastavro.writer(out, schema, events, codec=codec)
        files.append(shop.write(f"{stream}.avro", out.getvalue()))
    done = shop.run("backfill", "--partitions", PARTITIONS, *files)
    shop.check_counts(done.stdout)
    shop.check_values()


def test_killed_and_resumed(binary, tmp_path):
    """kill -9 at random moments: in the end the values and counts are those of one quiet run."""
    shop = Shop(binary, tmp_path, events=6_000, malformed=0.01)
    # The same events again and again would be duplicates; others, of other customers, make the log long.
    shop.run("generate", "--count", 150_000, "--start", "2025-11-01T00:00:00Z", "--to", tmp_path / "filler.ndjson", "--quiet")
    log = shop.write("events.ndjson", shop.envelopes())
    arguments = ["backfill", "--partitions", PARTITIONS, "--round", 2, tmp_path / "filler.ndjson", log]
    quiet = shop.run(*arguments)
    digest = rows(shop.directory / "data")
    shutil.rmtree(tmp_path / "data")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    environment["MILLRACE_STORE_DIRECTORY"] = str(tmp_path / "data")
    moments = random.Random(5)
    kills = 0
    for _ in range(6):
        process = subprocess.Popen(
            [str(binary), arguments[0], "-d", str(shop.path), *map(str, arguments[1:])], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # A little further each time, so that each run commits something before its end comes.
        wanted = committed(shop) + moments.randrange(1, 6 << 20)
        deadline = time.monotonic() + 60
        while process.poll() is None and committed(shop) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
        if (tmp_path / "data" / "shard-0000").exists():
            break
    assert kills > 1
    last = shop.run(*arguments)
    assert [line for line in last.stdout.splitlines() if line.startswith(("clicks", "purchases"))] == [
        line for line in quiet.stdout.splitlines() if line.startswith(("clicks", "purchases"))]
    assert rows(shop.directory / "data") == digest


def committed(shop):
    """How far the first shard of the unfinished generation is, in bytes of log."""
    import lmdb

    directory = shop.directory / "data" / "shard-0000.next"
    try:
        with lmdb.open(str(directory), max_dbs=4, readonly=True, create=False) as environment:
            table = environment.open_db(b"meta", create=False)
            with environment.begin() as transaction:
                mark = transaction.get(b"backfill", db=table)
    except lmdb.Error:
        return 0
    file, offset = struct.unpack_from("<qq", mark) if mark else (0, 0)
    return (file << 40) + offset


@pytest.mark.parametrize("name, data, message", [
    ("clicks.ndjson.gz", lambda log: gzip.compress(log)[:-20], "the gzip data ends in the middle"),
    ("clicks.csv", lambda log: b"event_id,customer_id\n1,2\n", "the header has no such column"),
    ("clicks.ndjson", lambda log: log.decode().encode("utf-16"), "the file is not UTF-8"),
    ("clicks.avro", lambda log: b"Obj\x01" + log, "clicks.avro"),
])
def test_broken_files_change_nothing(shop, name, data, message):
    path = shop.write(name, data(shop.envelopes()))
    done = shop.run("backfill", "--partitions", PARTITIONS, path, expect=1)
    assert str(path) in done.stderr and message in done.stderr
    assert not list((shop.directory / "data").glob("shard-????"))
    shop.run("backfill", "--discard")
    assert not list((shop.directory / "data").glob("shard-*"))


def test_wrong_usage_says_what_is_right(shop):
    assert "--partitions" in shop.run("backfill", shop.write("events.ndjson", shop.envelopes()), expect=1).stderr
    assert "name files" in shop.run("backfill", expect=64).stderr
    assert "NAME=PATH" in shop.run("backfill", "x", "--column", "y", expect=64).stderr
