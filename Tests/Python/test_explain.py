"""`explain`, over HTTP and as a command: it says what a lookup says, adds up, and knows what was dropped of each customer's events."""
import http.client
import json
import subprocess
from collections import Counter
from decimal import Decimal

import pytest

from oracle import Oracle
from shop_stream import Record, RecordProducer, ShopStream

SECOND = 1_000_000
START = 1_764_547_200 * SECOND


def click(customer, event, time, broker=None):
    value = json.dumps({"event_id": event, "customer_id": customer, "event_time": time // 1_000, "page": "home"}).encode()
    return Record("clicks", customer.encode(), value, broker or time)


@pytest.fixture
def served(program, definitions, topics, bootstrap):
    """A shop's events, and customer `x1`: 4 clicks in the last hour, 2 more before, and 3 duplicates, 2 late ones, 1 from the future."""
    oracle = Oracle(definitions[1])
    producer = RecordProducer(bootstrap, topics, oracle)
    stream = ShopStream(seed=11, start=START, customers=30, step_micros=60 * SECOND, malformed=0)
    for _ in range(600):
        producer.send(stream.next())
    now = stream.now + 60 * SECOND
    for i, age in enumerate((3 * 86_400, 90 * 60, 50 * 60, 20 * 60, 20 * 60 - 5, 60)):
        producer.send(click("x1", f"x{i}", now - age * SECOND, now))
    for i in (5, 5, 4):
        producer.send(click("x1", f"x{i}", now, now))
    for i in range(2):
        producer.send(click("x1", f"late{i}", now - 5 * 86_400 * SECOND, now))
    producer.send(click("x1", "future", now + 3_600 * SECOND, now))
    producer.flush()
    program.start()
    program.wait_healthy()
    program.wait_applied(producer.ends)
    program.wait_flushed()
    return program, oracle, now


def explain(program, feature, key, parameters):
    return program.json("GET", f"/v1/explain/customer/{feature}/{key}?{parameters}")


def command(program, definitions, binary, *arguments):
    return subprocess.run(
        [str(binary), "explain", "--definitions", str(definitions[0]), *arguments], env=program.environment, capture_output=True,
        text=True, timeout=60)


def test_every_feature_is_explained_with_the_value_of_a_lookup(served):
    program, oracle, now = served
    statuses, added = Counter(), 0
    for key in ["x1", "nobody", *oracle.keys("customer")[:6]]:
        for as_of in (now, now + 3 * 86_400 * SECOND, now - 3_600 * SECOND):
            names = sorted(oracle.features("customer", "x1", now))
            looked = program.lookup(features=names, keys=[key], as_of=as_of)["results"][0]
            for name, value, status, newest in zip(
                    names, looked["values"], looked["statuses"], looked["newest_event_times"], strict=True):
                explained = explain(program, name, key, f"as_of={as_of}")
                feature = explained["feature"]
                assert (feature["name"], feature["value"], feature["status"], feature["newest_event_time"]) == (name, value, status, newest)
                assert explained["found"] == looked["found"] and feature["reason"]
                statuses[status] += 1
                aggregation = feature.get("view", {}).get("aggregation", "")
                if status == "present" and (aggregation == "count" or aggregation.startswith("sum(") and " by " not in aggregation):
                    assert sum(tile["partial"] for row in feature["view"]["rows"] for tile in row["tiles"]) == value
                    added += 1
    assert {"present", "missing", "defaulted"} <= set(statuses) and added > 100


def test_drops_of_the_row_are_counted_and_stay(served):
    program, _, now = served
    expected = {"stream": "clicks", "duplicate": 3, "late": 2, "future": 1}
    assert expected in explain(program, "clicks_1h", "x1", f"as_of={now}")["shards"][0]["dropped"]
    program.kill()
    program.start()
    program.wait_healthy()
    program.wait(lambda: program.answers("GET", "/v1/explain/customer/clicks_1h/x1"), 30, "serving")
    assert expected in explain(program, "clicks_1h", "x1", f"as_of={now}")["shards"][0]["dropped"]


def test_text_by_parameter_and_by_header(served):
    program, _, now = served
    path = f"/v1/explain/customer/clicks_1h/x1?as_of={now}"
    status, text = program.request("GET", path + "&format=text")
    assert status == 200 and text.startswith("clicks_1h of customer x1, as of ")
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "---- left edge" in text and "of clicks: 3 duplicate, 2 late, 1 future" in text
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=10)
    connection.request("GET", path, headers={"Accept": "text/plain"})
    response = connection.getresponse()
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.read().decode().splitlines()[:5] == text.splitlines()[:5]
    connection.close()


def test_the_command_reads_the_same_store_with_and_without_the_server(served, definitions, binary):
    program, _, now = served
    served_answer = explain(program, "buy_rate_24h", "x1", f"as_of={now}&service=homepage&max_staleness=100000d")
    for running in (True, False):
        if not running:
            program.terminate()
        done = command(program, definitions, binary, "buy_rate_24h", "x1", "--as-of", str(now), "--service", "homepage", "--json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout, parse_float=Decimal)
        # A reader does not hear of the log's end, so it cannot know how far behind it is.
        assert answer["feature"]["value"] == served_answer["feature"]["value"] and answer["version"] == 1
        assert [i["name"] for i in answer["inputs"]] == ["purchases_24h", "clicks_24h"]
        assert [i.get("view") for i in answer["inputs"]] == [i.get("view") for i in served_answer["inputs"]]
        assert answer["shards"][0]["dropped"] == served_answer["shards"][0]["dropped"]
    chart = command(program, definitions, binary, "clicks_7d", "x1", "--as-of", str(now))
    assert chart.returncode == 0 and "---- left edge" in chart.stdout
    print(chart.stdout)


def test_a_name_that_is_nearly_right_gets_the_right_one(served, definitions, binary):
    program, _, _ = served
    wrong = command(program, definitions, binary, "clicks_24", "x1")
    assert wrong.returncode == 1 and 'Did you mean "clicks_24h"?' in wrong.stderr
    elsewhere = command(program, definitions, binary, "spend_24h", "x1", "--service", "homepage")
    assert elsewhere.returncode == 1 and '"homepage" has no feature "spend_24h"' in elsewhere.stderr
    status, text = program.request("GET", "/v1/explain/custome/clicks_24h/x1")
    assert status == 404 and "unknown-entity" in text and 'Did you mean \\"customer\\"?' in text
