"""Snapshots of the running program: taken while it ingests, restored elsewhere and caught up, killed while restoring, scheduled."""
import json
import random
import subprocess
import time

import pytest
import yaml

from differences import check_counters, compare
from feed import Feed
from oracle import Oracle
from program import Program
from shop_stream import RecordProducer, ShopStream
from stores import rows

SECOND = 1_000_000
START = 1_764_547_200 * SECOND


@pytest.fixture
def fed(program, definitions, topics, bootstrap):
    """(program, oracle, producer, stream) with 3,000 events produced; the program is not started."""
    oracle = Oracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=31, start=START, customers=80, step_micros=60 * SECOND)
    for _ in range(3_000):
        producer.send(stream.next())
    producer.flush()
    return program, oracle, producer, stream


def start(program, producer):
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    program.wait_flushed()


def taken(program, *arguments):
    code, output, errors = program.command("snapshot", *arguments)
    assert code == 0, errors
    return output


# The shop is monitored.
WHOLE_STORE = ["monitoring", "shard-0000", "shard-0001", "shard-0002", "shard-0003"]


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def manifest(path):
    return json.loads((path / "manifest.json").read_text().splitlines()[0])


def check_everything(program, oracle):
    customers = oracle.keys("customer")
    newest = oracle.newest_event_time()
    features = sorted(oracle.features("customer", customers[0], newest))
    compared, differences = compare(program, oracle, "customer", customers, features, newest)
    assert compared == len(customers) * len(features)
    assert not differences, "\n".join(differences[:20])
    check_counters(program, oracle)


def test_taken_under_ingest_restored_elsewhere_and_caught_up_it_is_the_same_to_the_byte(fed, binary, bootstrap, tmp_path, capsys):
    program, oracle, producer, stream = fed
    program.start()
    program.wait_healthy()
    feed = Feed(stream, producer, 2_000, stop_seconds=60)
    feed.start()
    time.sleep(1)
    places = []
    for number in range(4):
        place = tmp_path / f"snapshot-{number}"
        if number % 2:
            with open(place, "wb") as file:
                process = subprocess.run(
                    [program.binary, "snapshot", "-d", program.definitions, "-"], env=program.environment, stdout=file, stderr=subprocess.PIPE)
            assert process.returncode == 0, process.stderr.decode()
        else:
            output = taken(program, str(place))
            assert "4 shards" in output
        places.append(place)
        time.sleep(0.5)
    feed.stop()
    program.wait_applied(producer.ends)
    program.wait_flushed()
    check_everything(program, oracle)
    assert program.terminate() == 0
    original = rows(program.store)

    behind = []
    for number, place in enumerate(places):
        code, output, errors = program.command("snapshot", "--verify", str(place))
        assert code == 0 and "whole" in output, errors
        directory = tmp_path / f"other-{number}"
        directory.mkdir()
        other = Program(binary, program.definitions, bootstrap, directory)
        code, output, errors = other.command("restore", str(place))
        assert code == 0 and "restored shards 0, 1, 2, 3" in output, errors
        before = rows(other.store)
        behind.append(sum(before[shard] != original[shard] for shard in original))
        try:
            start(other, producer)
            check_everything(other, oracle)
            assert other.terminate() == 0
        finally:
            if other.process is not None:
                other.kill()
        assert rows(other.store) == original
        code, output, errors = other.command("verify", "--quiet")
        assert code == 0, output + errors
    with capsys.disabled():
        print(f"\nrestore + tail: {sum(len(shard) for shard in original.values())} rows byte-equal from each of {len(places)} snapshots, "
              f"shards that had a tail to read: {behind}")
    assert any(behind), "no snapshot was behind the end: the test proves too little"


def test_killed_again_and_again_while_it_restores(fed, tmp_path, capsys):
    program, oracle, producer, stream = fed
    start(program, producer)
    place = tmp_path / "snapshot"
    taken(program, str(place))
    assert program.terminate() == 0
    old = rows(program.store)
    start(program, producer)
    for _ in range(500):
        producer.send(stream.next())
    producer.flush()
    program.wait_applied(producer.ends)
    program.wait_flushed()
    assert program.terminate() == 0
    new = rows(program.store)
    assert all(old[shard] != new[shard] for shard in old)

    began = time.monotonic()
    whole = program.command("restore", str(place))
    took = time.monotonic() - began
    assert whole[0] == 0, whole[2]
    assert rows(program.store) == old
    start(program, producer)
    assert program.terminate() == 0
    assert rows(program.store) == new

    moments = random.Random(5)
    states = {"old": 0, "mixed": 0, "new": 0}
    for _ in range(40):
        process = program.spawn("restore", str(place), "--quiet")
        time.sleep(moments.uniform(0, took * 1.2))
        process.kill()
        process.communicate()
        now = rows(program.store)
        restored = [now[shard] == old[shard] for shard in sorted(now)]
        for shard, is_restored in zip(sorted(now), restored):
            assert is_restored or now[shard] == new[shard], f"{shard} is neither the old one nor the new one"
        states["new" if all(restored) else "mixed" if any(restored) else "old"] += 1
        # Whatever it was, a server goes on from there.
        start(program, producer)
        assert program.terminate() == 0
        assert rows(program.store) == new
    with capsys.disabled():
        print(f"\n40 kills within {took * 1.2:.2f} s of a restore: {states}; each shard was the old or the new one, and the tail made all the same again")
    assert program.command("restore", str(place))[0] == 0
    assert rows(program.store) == old
    assert names(program.store) == WHOLE_STORE


def test_a_running_server_is_not_restored_over(fed, tmp_path):
    program, oracle, producer, stream = fed
    start(program, producer)
    place = tmp_path / "snapshot"
    taken(program, str(place))
    code, _, errors = program.command("restore", str(place))
    assert code == 1 and "a server has the store open" in errors
    check_everything(program, oracle)
    # The same for one that waits for its brokers.
    assert program.terminate() == 0
    program.environment["MILLRACE_KAFKA_BROKERS"] = "127.0.0.1:1"
    program.start()
    program.wait_healthy()
    program.wait(lambda: len(program.json("GET", "/v1/shards")["shards"]) == 4, 10, "serving what lies there")
    code, _, errors = program.command("restore", str(place))
    assert code == 1 and "a server has the store open" in errors
    assert program.terminate() == 0


def test_a_cut_off_stream_changes_nothing(fed, tmp_path):
    program, oracle, producer, stream = fed
    start(program, producer)
    assert program.terminate() == 0
    original = rows(program.store)
    whole = subprocess.run([program.binary, "snapshot", "-d", program.definitions, "-"], env=program.environment, capture_output=True).stdout
    for cut in (0, 30, len(whole) // 3, len(whole) - 1):
        process = subprocess.run(
            [program.binary, "restore", "-d", program.definitions, "-"], env=program.environment, input=whole[:cut], capture_output=True)
        assert process.returncode == 1
        assert b"standard input is damaged" in process.stderr
        assert rows(program.store) == original
        assert names(program.store) == WHOLE_STORE
    process = subprocess.run(
        [program.binary, "restore", "-d", program.definitions, "-"], env=program.environment, input=whole, capture_output=True)
    assert process.returncode == 0, process.stderr
    assert rows(program.store) == original
    # A reader that goes away is an error, not a snapshot.
    process = subprocess.run(
        f"'{program.binary}' snapshot -d '{program.definitions}' - | true; exit ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
        env=program.environment, capture_output=True)
    assert process.returncode in (0, 1)


def test_scheduled_ones_come_and_go_and_failures_show(fed, definitions, tmp_path):
    program, oracle, producer, stream = fed
    path, contents = definitions
    place = tmp_path / "backups"
    contents["snapshots"] = {"directory": "backups", "every": "1s", "keep": 2}
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    start(program, producer)

    def count(name):
        return program.counters(f"millrace_snapshot{name}").get((), 0)

    program.wait(lambda: count("s_taken_total") >= 4, 60, "taking snapshots")
    kept = [name for name in names(place) if not name.endswith(".partial")]
    assert 2 <= len(kept) <= 3
    assert count("s_kept") == 2
    assert abs(count("_last_success_timestamp_seconds") - time.time()) < 30
    assert count("_bytes") > 0 and count("_failures_total") == 0
    # It cannot be written where a file is in the way.
    moved = tmp_path / "moved"
    for name in range(20):
        try:
            place.rename(moved)
            place.write_text("in the way")
            break
        except OSError:
            time.sleep(0.05)
    program.wait(lambda: count("_failures_total") >= 2, 60, "failing")
    assert "failed and is tried again" in program.log_tail(200)
    place.unlink()
    moved.rename(place)
    before = count("s_taken_total")
    program.wait(lambda: count("s_taken_total") > before, 60, "taking snapshots again")
    assert program.terminate() == 0
    newest = [name for name in names(place) if (place / name / "manifest.json").exists()][-1]
    code, output, errors = program.command("snapshot", "--verify", str(place / newest))
    assert code == 0, errors
    assert sum(shard["rows"] for shard in manifest(place / newest)["shards"]) == sum(len(shard) for shard in rows(program.store).values())
