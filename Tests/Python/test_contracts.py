"""Input contracts and the ring of recent drops of the running program."""
import json

import pytest

from watched import click, now, seeded, watched_shop


@pytest.fixture(scope="module")
def broken(binary, bootstrap, tmp_path_factory):
    random = seeded(30)
    with watched_shop(binary, bootstrap, tmp_path_factory.mktemp("contracts")) as (program, produce):
        at = now()
        rows = [click(random, f"c{n}", at - 1_000_000 * n) for n in range(180)]
        rows += [click(random, "c1", at, price=-12.5), click(random, "c2", at, price=10000.01), click(random, "c3", at, currency="DM"),
                 click(random, "c4", at, currency="secret-text")]
        rows += [click(random, f"n{n}", at) for n in range(20)]
        for _, event, _ in rows[-20:]:
            del event["price"]
        program.rows = rows
        program.offsets = produce(rows)
        twice = rows[5]
        late = click(random, "c1", at - 3 * 86_400_000_000)
        future = click(random, "c9", at + 3_600_000_000)
        bad = ("c7", b'{"customer_id": "c7", "event_time": 1, "secret": "secret-text"', at)
        wrong = ("c8", {"event_id": "x", "customer_id": "c8", "event_time": at // 1000, "price": "secret-text"}, at)
        program.dropped = dict(zip(["duplicate", "late", "future", "malformed", "wrong"], produce(
            [twice, (late[0], late[1], at), (future[0], future[1], at), bad, wrong]), strict=True))
        yield program


def test_violations_are_counted_and_shown_without_texts_and_events_are_applied(broken):
    answer = broken.json("GET", "/v1/contracts")
    (stream,) = answer["streams"]
    fields = {f["field"]: f for f in stream["fields"]}
    assert fields["price"]["violations"] == {"nulls": 1, "min": 1, "max": 1} and fields["price"]["state"] == "violated"
    # The events that were applied or looked at, the future and the duplicate ones too: they were decoded.
    assert fields["price"]["checked"] == fields["currency"]["checked"] == 207
    assert fields["price"]["hour"]["nulls"] == 20
    assert {name: float(value) for name, value in fields["price"]["expect"].items()} == {"nulls": 0.01, "min": 0, "max": 10000}
    assert fields["currency"]["violations"] == {"values": 1, "max_bytes": 1}
    shown = {(e["field"], e["rule"]): e for e in stream["examples"]}
    assert float(shown["price", "min"]["value"]) == -12.5 and shown["price", "min"]["offset"] == broken.offsets[180]
    assert shown["price", "max"]["value"] == "10000.01" and shown["price", "max"]["offset"] == broken.offsets[181]
    assert shown["currency", "values"]["value"] == "a string of 2 bytes" and shown["currency", "values"]["offset"] == broken.offsets[182]
    assert shown["currency", "max_bytes"]["offset"] == broken.offsets[183]
    assert shown["price", "nulls"]["value"] == "null"
    assert "secret" not in json.dumps(answer, default=str)
    looked = broken.lookup(keys=["c1"], as_of=now(), features=["last_price_24h"])
    assert float(looked["results"][0]["values"][0]) == -12.5
    counted = broken.counters("millrace_contract_violations_total", "field", "rule")
    assert counted["price", "min"] == 1 and counted["currency", "values"] == 1


def test_dropped_records_are_shown_where_they_lie_never_what_is_in_them(broken):
    answer = broken.json("GET", "/v1/drops")
    drops = {d["reason"]: d for d in answer["drops"]}
    assert {reason: d["count"] for reason, d in drops.items()} == {"malformed": 2, "late": 1, "future": 1, "duplicate": 1}
    for reason in ("duplicate", "late", "future"):
        (example,) = drops[reason]["examples"]
        assert example["offset"] == broken.dropped[reason] and example["partition"] == 0 and example["detail"], reason
    assert [e["offset"] for e in drops["malformed"]["examples"]] == [broken.dropped["wrong"], broken.dropped["malformed"]]
    assert "price" in drops["malformed"]["examples"][0]["detail"]
    assert drops["malformed"]["dead_letter_topic"].endswith("clicks.dead")
    assert "secret" not in json.dumps(answer)


def test_minutes_with_too_many_events_are_counted(broken):
    """205 events within a minute or two, and 5 a minute are the most."""
    def judged():
        (stream,) = broken.json("GET", "/v1/contracts")["streams"]
        return stream["volume"]["above"] + stream["volume"]["below"] > 0
    broken.wait(judged, 200, "judged")
    (stream,) = broken.json("GET", "/v1/contracts")["streams"]
    assert stream["volume"]["max"] == 5 and stream["volume"]["last_minute"] is not None
