"""kill -9 at random moments, again and again, while events keep coming: nothing may be lost and nothing counted twice. Commits that
were in memory only are undone by each kill, so shards go back.

MILLRACE_CRASHES sets how many kills (default 50), MILLRACE_CRASH_SEED the moments and the events.
"""
import os
import random
import statistics
import time

from differences import check_counters, compare
from feed import Feed
from oracle import Oracle
from shop_stream import RecordProducer, ShopStream
from stores import positions

SECOND = 1_000_000
START = 1_764_547_200 * SECOND
EVENTS_PER_SECOND = 500
RESTART_LIMIT_SECONDS = 1.0


def test_killed_again_and_again(program, definitions, topics, bootstrap, capsys):
    crashes = int(os.environ.get("MILLRACE_CRASHES", "50"))
    seed = int(os.environ.get("MILLRACE_CRASH_SEED", "1"))
    moments = random.Random(seed)
    oracle = Oracle(definitions[1])
    # Ten seconds of event time for each event: the run spans days, so that windows slide, tiles go and ids are forgotten.
    stream = ShopStream(seed=seed, start=START, customers=300, step_micros=10 * SECOND)
    feed = Feed(stream, RecordProducer(bootstrap, topics, oracle), EVENTS_PER_SECOND, stop_seconds=120)
    feed.start()
    name = sorted(Oracle(definitions[1]).features("customer", "nobody", START))[0]
    probe = {"features": [name], "keys": ["c0000000"], "as_of": START}

    to_health, to_lookup = [], []
    went_back = 0
    for crash in range(crashes):
        life = moments.uniform(0.3, 2)
        begin = time.monotonic()
        program.start()
        # Kills hit the start-up too: a life that is shorter than it ends there.
        for measured, request in ((to_health, ("GET", "/healthz")), (to_lookup, ("POST", "/v1/lookup", probe))):
            while time.monotonic() - begin < life:
                assert program.process.poll() is None, f"ended by itself with {program.process.returncode}:\n{program.log_tail()}"
                if program.answers(*request):
                    measured.append(time.monotonic() - begin)
                    break
                time.sleep(0.005)
        time.sleep(max(0, begin + life - time.monotonic()))
        assert program.process.poll() is None, f"ended by itself with {program.process.returncode}:\n{program.log_tail()}"
        served = program.positions()
        program.kill()
        left = positions(program.store)
        went_back += sum(offset > left.get(at, 0) for at, offset in served.items())
    feed.stop()

    program.start()
    program.wait_healthy()
    program.wait_applied(feed.producer.ends, seconds=120)

    total = sum(oracle.applied.values()) + sum(oracle.dropped.values())
    customers = oracle.keys("customer")
    names = sorted(oracle.features("customer", customers[0], START))
    compared, differences = compare(program, oracle, "customer", customers, names, oracle.newest_event_time() + 90 * SECOND)
    with capsys.disabled():
        print(f"\n{crashes} kills, {total} events ({dict(oracle.applied)} applied, {dict(oracle.dropped)} dropped), "
              f"{compared} values compared, {len(differences)} differences; {went_back} times a shard went back")
        for what, times in (("healthy", to_health), ("first lookup", to_lookup)):
            if times:
                print(f"start to {what}: median {statistics.median(times):.3f} s, largest {max(times):.3f} s, of {len(times)} starts")
    assert not differences, "\n".join(differences[:20])
    assert went_back > crashes // 10, "hardly any shard had commits that were not in its file"
    check_counters(program, oracle)
    for reason in ("duplicate", "late", "future", "malformed"):
        assert any(r == reason for _, r in oracle.dropped), f"the stream had no {reason} event: the test proves too little"
    # Lives shorter than the limit cannot say whether it is kept; most are longer.
    assert len(to_lookup) >= crashes // 2, "most starts did not get to a lookup before they were killed"
    assert sorted(to_lookup)[int(len(to_lookup) * 0.95)] < RESTART_LIMIT_SECONDS
    assert program.terminate() == 0
