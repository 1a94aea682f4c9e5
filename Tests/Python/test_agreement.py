"""One engine: the live stream, a backfill, a backfill that the live stream goes on from, and an export say the same, to the bit.

Each store is killed at random moments while it is made. Rows are compared as bytes, exported values with what the first store answers.
"""
import json
import random
import shutil
import time
from decimal import Decimal

import pytest

from differences import compare
from logs import dump_topics, export
from oracle import Oracle
from program import Program
from shop_stream import RecordProducer, ShopStream
from stores import SHARDS, rows

SECOND = 1_000_000
START = 1_764_547_200 * SECOND


def run_live(program, ends, moments, kills):
    """Reads up to `ends`, killed again and again on the way; left stopped."""
    for _ in range(kills):
        program.start()
        time.sleep(moments.uniform(0.05, 0.5))
        program.kill()
    program.start()
    program.wait_healthy()
    program.wait_applied(ends)
    assert program.terminate() == 0


def run_backfill(program, moments, kills, *arguments):
    """Builds all shards, killed again and again on the way."""
    arguments = ["backfill", "--partitions", str(SHARDS), "--round", "1", "--quiet", *map(str, arguments)]
    for _ in range(kills):
        process = program.spawn(*arguments)
        time.sleep(moments.uniform(0.02, 0.3))
        process.kill()
        process.communicate()
    code, output, errors = program.command(*arguments)
    assert code == 0, output + errors
    assert "shards are complete" in output


def cut(log, path, moments, plain):
    """The records of each partition before an offset of its own: with their offsets, or the bare events in files by topic."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    counts = {}
    for line in lines:
        at = (line["topic"], line["partition"])
        counts[at] = max(counts.get(at, 0), line["offset"] + 1)
    limits = {at: moments.randrange(count + 1) for at, count in sorted(counts.items())}
    taken = [line for line in lines if line["offset"] < limits[line["topic"], line["partition"]]]
    if not plain:
        path.write_text("".join(json.dumps(line) + "\n" for line in taken))
        return [path]
    path.mkdir()
    for topic in sorted({topic for topic, _ in counts}):
        (path / f"{topic}.ndjson").write_text(
            "".join(line["payload"] + "\n" for line in taken if line["topic"] == topic and "\n" not in line["payload"]))
    return sorted(path.iterdir())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_ways_give_the_same_rows(seed, binary, definitions, topics, bootstrap, tmp_path):
    moments = random.Random(seed)
    producer = RecordProducer(bootstrap, topics, Oracle(definitions[1]))
    # Weeks of event time with late, future, duplicate and broken events.
    stream = ShopStream(seed=seed, start=START, customers=80, step_micros=300 * SECOND, malformed=0.01)
    for _ in range(6_000):
        producer.send(stream.next())
    producer.flush()
    log = dump_topics(bootstrap, (topics["clicks"], topics["purchases"]), producer.ends, tmp_path / "log.ndjson")

    def program(name):
        (tmp_path / name).mkdir()
        return Program(binary, definitions[0], bootstrap, tmp_path / name)

    live = program("live")
    run_live(live, producer.ends, moments, kills=3)
    expected = rows(live.store)

    whole = program("whole")
    run_backfill(whole, moments, 3, log)
    assert rows(whole.store) == expected

    # Logs with offsets, cut anywhere; the live stream goes on there.
    handed = program("handed")
    part = cut(log, tmp_path / "part.ndjson", moments, plain=False)
    run_backfill(handed, moments, 2, *part)
    run_live(handed, producer.ends, moments, kills=2)
    assert rows(handed.store) == expected

    # From the logs alone, from logs and then topics, and from logs although it was made from topics.
    for store, logs in ((whole, [log]), (handed, part), (live, [log])):
        code, output, errors = store.command("verify", "--logs", *map(str, logs), "--quiet")
        assert code == 0, output + errors
        assert f"{SHARDS} shards compared: 0 differences" in output

    # An export asks for the present of every customer, in both ways; a lookup of the first store does, too.
    customers = producer.oracle.keys("customer")
    as_of = stream.now + 3_600 * SECOND
    names = sorted(producer.oracle.features("customer", customers[0], as_of))
    chosen = [part for name in names for part in ("--feature", name)]
    code, output, errors = live.command("get", *chosen, "--json", "--as-of", str(as_of), *customers)
    assert code == 0, errors
    answers = {result["key"]: list(zip(result["values"], result["statuses"]))
               for result in json.loads(output, parse_float=Decimal)["results"]}
    requests = tmp_path / "requests.csv"
    requests.write_text("customer,time\n" + "".join(f"{key},{as_of}\n" for key in customers))
    for mode in ([], ["--as-known"]):
        path = tmp_path / "exported.ndjson"
        export(binary, definitions[0], *chosen, "--requests", requests, "--time-format", "epoch_us", "--logs", log,
               "--output", path, "--status", *mode)
        exported = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
        assert [row["customer"] for row in exported] == customers
        for row in exported:
            assert [(row[name], row[f"{name}.status"]) for name in names] == answers[row["customer"]], row["customer"]


@pytest.mark.parametrize("seed", [4, 5])
def test_overlapping_logs_are_harmless_where_events_have_ids(seed, binary, definitions, topics, bootstrap, tmp_path):
    """Logs without offsets, cut anywhere; the live stream begins anew, and what both have is told by its id."""
    moments = random.Random(seed)
    producer = RecordProducer(bootstrap, topics, Oracle(definitions[1]))
    stream = ShopStream(seed=seed, start=START, customers=80, step_micros=300 * SECOND, malformed=0)
    for _ in range(5_000):
        record = stream.next()
        # Logs without a broker's timestamp cannot tell events from the future, so there are none.
        record.timestamp += 600 * SECOND
        producer.send(record)
    producer.flush()
    log = dump_topics(bootstrap, (topics["clicks"], topics["purchases"]), producer.ends, tmp_path / "log.ndjson")
    live = Program(binary, definitions[0], bootstrap, tmp_path)
    run_live(live, producer.ends, moments, kills=0)
    expected = rows(live.store)
    shutil.rmtree(live.store)

    part = cut(log, tmp_path / "part", moments, plain=True)
    run_backfill(live, moments, 2, *part)
    run_live(live, producer.ends, moments, kills=2)
    assert rows(live.store) == expected
    code, output, errors = live.command("verify", "--logs", *map(str, part), "--quiet")
    assert code == 0, output + errors


def test_a_running_server_takes_a_backfill_over(binary, definitions, topics, bootstrap, tmp_path):
    """The topics have only the newer half; the server serves that, then a backfill of all brings the history, while events and lookups go on."""
    oracle = Oracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=6, start=START, customers=60, step_micros=300 * SECOND, malformed=0.01)
    older = [stream.next() for _ in range(2_000)]
    for record in older:
        oracle.offer(record.stream, record.value, record.timestamp)
    program = Program(binary, definitions[0], bootstrap, tmp_path)
    program.start()
    program.wait_healthy()
    for _ in range(2_000):
        producer.send(stream.next())
    producer.flush()
    program.wait_applied(producer.ends)
    customer = oracle.keys("customer")[0]
    newest = oracle.newest_event_time()
    name = "purchases_lifetime"
    before = program.lookup(features=[name], keys=[customer], as_of=newest)["results"][0]["values"][0]
    whole = oracle.features("customer", customer, newest)[name]
    assert before < whole

    # What an archive would hold: the older half from elsewhere, then the topics with their offsets.
    archive = tmp_path / "archive"
    archive.mkdir()
    for topic in ("clicks", "purchases"):
        (archive / f"0-{topic}.ndjson").write_text("".join(
            json.dumps({"topic": topics[topic], "key": record.key.decode(), "timestamp_ms": record.timestamp // 1_000,
                        "payload": record.value.decode()}) + "\n" for record in older if record.stream == topic))
    dump_topics(bootstrap, (topics["clicks"], topics["purchases"]), producer.ends, archive / "1-topics.ndjson")
    code, output, errors = program.command("backfill", "--quiet", str(archive))
    assert code == 0, output + errors
    for _ in range(500):
        producer.send(stream.next())
    producer.flush()
    # Until then every lookup answers, with the half or with the whole.
    seen = set()

    def taken_over():
        seen.add(program.lookup(features=[name], keys=[customer], as_of=newest)["results"][0]["values"][0])
        return not list(program.store.glob("*.next")) and not list(program.store.glob("*.old"))
    program.wait(taken_over, 30, "taken over")
    program.wait_applied(producer.ends)
    customers = oracle.keys("customer")
    newest = oracle.newest_event_time()
    names = sorted(oracle.features("customer", customers[0], newest))
    compared, differences = compare(program, oracle, "customer", customers, names, newest)
    assert compared > 0 and not differences, "\n".join(differences[:20])
    assert program.terminate() == 0
    code, output, errors = program.command("verify", "--logs", str(archive), "--quiet")
    assert code == 0, output + errors
