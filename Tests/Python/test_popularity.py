"""Examples/popularity run, and held against the oracle: vectors as models read them, inputs, levels, other entities, the export."""
import csv
import json
import random
import subprocess
import time
import uuid

import grpc
import numpy
import pytest
import yaml

from conftest import REPOSITORY, create_topics, delete_topics
from differences import same
from oracle import Oracle
from served import Served
from test_packed import PACKED, ask, unpack

SECOND = 1_000_000
CATEGORIES = ["shoes", "bags", "toys", "books"]
INPUTS = {"basket_value": 80.5, "device": "mobile", "page_category": "shoes"}


@pytest.fixture(scope="module")
def shop(binary, bootstrap, tmp_path_factory):
    """A program with 1,500 applied events of the last hours: (program, oracle, definitions, log file, time of the newest)."""
    from confluent_kafka import Producer
    from program import Program

    directory = tmp_path_factory.mktemp("popularity")
    topic = f"t{uuid.uuid4().hex[:8]}-events"
    create_topics(bootstrap, topic)
    definitions = yaml.safe_load((REPOSITORY / "Examples" / "popularity" / "millrace.yaml").read_text())
    definitions["streams"]["events"]["topic"] = topic
    path = directory / "millrace.yaml"
    path.write_text(yaml.safe_dump(definitions, sort_keys=False))
    oracle, choose = Oracle(definitions), random.Random(11)
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    ends, events = {}, []

    def delivered(error, message):
        assert error is None, error
        at = (topic, message.partition())
        ends[at] = max(ends.get(at, 0), message.offset() + 1)

    begin = int(time.time() - 3 * 3_600) * 1_000
    for number in range(1_500):
        product = int(40 * choose.random() ** 2)
        event = {
            "id": f"e{number}", "time": begin + number * 7_000 - choose.choice([0, 0, 90_000]),
            "customer": f"c{int(30 * choose.random() ** 2)}", "product": f"p{product}", "category": CATEGORIES[product % 4],
            "kind": choose.choice(["view", "view", "purchase"]), "device": choose.choice(["mobile", "desktop", "tv", None]),
            "amount": None if choose.random() < 0.1 else round(choose.random() * 400, 2)}
        if events and choose.random() < 0.03:
            event = choose.choice(events[-10:])
        events.append(event)
        value = json.dumps(event).encode()
        oracle.offer("events", value, event["time"] * 1_000)
        producer.produce(topic, value, key=event["customer"].encode(), timestamp=event["time"], on_delivery=delivered)
    assert producer.flush(60) == 0
    file = directory / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    program = Program(binary, path, bootstrap, directory)
    program.start()
    try:
        program.wait_healthy()
        program.wait_applied(ends)
        yield program, oracle, definitions, file, oracle.newest_event_time()
    finally:
        program.kill()
        delete_topics(bootstrap, topic)


def own(oracle, definitions, key, t, inputs):
    """The features' values, without any default as None, and those that are only defaults of the features."""
    values = oracle.features("customer", key, t, inputs)
    if oracle.rows.get(("customer", key)) is None:
        defaults = {name: value for name, value in values.items() if name not in inputs}
        return {name: inputs.get(name) for name in values}, defaults
    return values, {}


def test_merged_entities_equal_the_oracle(shop):
    program, oracle, definitions, _, t = shop
    for service, entity in [("product_page", "product"), ("category_page", "category"), ("trending", "shop")]:
        keys = oracle.keys(entity)
        assert keys and (entity != "shop" or keys == ["shop"])
        names = [f if isinstance(f, str) else f["name"] for f in definitions["services"][service]["features"]]
        for later in (0, 1_800 * SECOND):
            answer = program.lookup(service=service, keys=keys, as_of=t + later)
            for result in answer["results"]:
                expected = oracle.features(entity, result["key"], t + later)
                for name, value in zip(names, result["values"], strict=True):
                    assert same(value, expected[name]), (result["key"], name, value, expected[name])
    # Read from all four shards, and counted once.
    assert len({p["partition"] for p in program.lookup(service="trending", keys=["shop"], as_of=t)["positions"]}) == 4
    assert program.counters("millrace_events_applied_total", "stream")["events",] == oracle.applied["events"]
    assert program.counters("millrace_events_dropped_total", "stream", "reason").get(("events", "duplicate"), 0) == oracle.dropped["events", "duplicate"] > 5


def test_vectors_are_encoded_as_declared(shop):
    program, oracle, definitions, _, t = shop
    contract = program.json("GET", "/v1/services/ranking")
    types = {feature["name"]: feature["type"] for feature in contract["features"]}
    model = Served(definitions, "ranking", types)
    packed = contract["packed"]
    assert packed["features"] == model.encoded and packed["columns"] == model.columns and packed["schema"] == model.schema
    assert packed["sparse"] == {
        "dimension": 64, "features": [{"name": "spend_by_product_30d", "offset": 0, "dimension": 64, "vocabulary": None}]}
    assert [i["name"] for i in contract["inputs"]] == ["basket_value", "device"]

    inputs = {name: INPUTS[name] for name in ("basket_value", "device")}
    keys = oracle.keys("customer") + ["nobody"]
    body = {"service": "ranking", "keys": keys, "as_of": t, "inputs": inputs}
    named = program.json("POST", "/v1/lookup", body)
    status, kind, answer = ask(program, "POST", "/v1/lookup", PACKED, body)
    assert (status, kind) == (200, PACKED)
    got = unpack(answer)
    assert f"{got['schema']:016x}" == model.schema and got["matrix"].shape == (len(keys), len(model.columns))
    for row, (key, result) in enumerate(zip(keys, named["results"], strict=True)):
        values, defaults = own(oracle, definitions, key, t, inputs)
        served = {}
        for name, shown in zip(named["features"], result["values"], strict=True):
            value = model.value(name, values[name])
            served[name] = defaults.get(name) if value is None else value
            assert same(shown, served[name]), (key, name, shown, served[name])
        dense, sparse = model.encode(served)
        assert numpy.allclose(got["matrix"][row], dense, rtol=1e-12, atol=0, equal_nan=True), (key, dict(zip(model.columns, zip(got["matrix"][row], dense))))
        expected = numpy.zeros(64)
        for column, number in sparse.items():
            expected[column] = number
        assert (got["sparse"][row] == expected).all()
    assert got["status"].shape == (len(keys), len(model.encoded))
    half = unpack(ask(program, "POST", "/v1/lookup", PACKED + "; element=float32", body)[2])
    assert numpy.array_equal(half["matrix"], got["matrix"].astype("<f4"), equal_nan=True) and numpy.array_equal(half["sparse"], got["sparse"].astype("<f4"))


def test_every_schema_is_what_the_definitions_say(shop):
    program, _, definitions, _, _ = shop
    for contract in program.json("GET", "/v1/services")["services"]:
        types = {feature["name"]: feature["type"] for feature in contract["features"]}
        assert contract["packed"]["schema"] == Served(definitions, contract["service"], types).schema, contract["service"]


def test_whole_numbers(shop):
    program, oracle, definitions, _, t = shop
    keys = oracle.keys("customer") + ["nobody"]
    body = {"service": "counts", "keys": keys, "as_of": t}
    got = unpack(ask(program, "POST", "/v1/lookup", PACKED + "; element=int64", body)[2])
    assert got["matrix"].dtype == numpy.int64 and got["sparse"].dtype == numpy.int64
    for row, key in enumerate(keys):
        values = oracle.features("customer", key, t)
        assert got["matrix"][row].tolist() == [values["seen_1h"], values["seen_30d"]]
        counts = values["by_category_30d"] or {}
        assert got["sparse"][row].tolist() == [counts.get("shoes", 0), counts.get("bags", 0)]
    status, _, text = ask(program, "POST", "/v1/lookup", PACKED + "; element=int64", {"service": "ranking", "keys": keys, "as_of": t})
    assert status == 400 and "mean_price_30d" in json.loads(text)["detail"]


def test_inputs_are_checked(shop):
    program = shop[0]
    for inputs, part in [({"basket": 1}, "no input"), ({"basket_value": "much"}, "not a decimal"), ({"device": 7}, "not a string"),
                         ({"page_category": "shoes"}, "no input"), ({"basket_value": [1]}, "not a number")]:
        status, text = program.request("POST", "/v1/lookup", {"service": "ranking", "keys": ["c1"], "inputs": inputs})
        problem = json.loads(text)
        assert status == 400 and part in problem["detail"] and problem["remedy"], problem


def test_levels_take_the_place_of_what_is_missing(shop):
    program, oracle, definitions, _, t = shop
    later = t + 2 * 3_600 * SECOND  # Nobody has seen anything for an hour.
    keys = oracle.keys("customer")[:12] + ["nobody"]
    shoes, everyone = oracle.features("category", "shoes", later), oracle.features("shop", "shop", later)

    def expect(key, page):
        values = oracle.features("customer", key, later, {})
        liked = values["last_category_30d"] and oracle.features("category", values["last_category_30d"], later)
        sources = [("page", shoes)] if page else []
        sources += [("category", liked)] if liked else []
        price = next(((name, source["category_price_24h"]) for name, source in sources), ("everyone", everyone["price_24h"]))
        cheapest = next(((name, source["category_cheapest_24h"]) for name, source in sources), ("default", 9.99))
        return (price[0], min(max(price[1], 5), 250)), cheapest

    for inputs in ({}, {"page_category": "shoes"}, {"page_category": "nothing"}):
        answer = program.json("POST", "/v1/lookup", {"service": "offers", "keys": keys, "as_of": later, "inputs": inputs})
        assert answer["features"] == ["seen_30d", "mean_price_1h", "cheapest_1h", "basket_vs_usual"]
        for result in answer["results"]:
            (level, price), (cheapest_level, cheapest) = expect(result["key"], inputs.get("page_category") == "shoes")
            assert result["levels"][1:3] == [level, cheapest_level], result
            assert same(result["values"][1], price) and same(result["values"][2], cheapest), result
            assert result["statuses"][1:3] == ["fallback", "defaulted" if cheapest_level == "default" else "fallback"]
            assert result["levels"][0] == ("default" if result["key"] == "nobody" else "customer")
    now = program.json("POST", "/v1/lookup", {"service": "offers", "keys": keys[:1], "as_of": t})["results"][0]
    assert now["levels"][0] == "customer" and now["statuses"][0] == "present"
    packed = unpack(ask(program, "POST", "/v1/lookup", PACKED, {"service": "offers", "keys": ["nobody"], "as_of": later})[2])
    assert packed["levels"].tolist() == [[255, 3, 255, 255]] and packed["status"].tolist() == [[4, 6, 4, 4]]


def test_kept_values_say_how_old_they_are(shop):
    program = shop[0]
    ages = []
    for _ in range(60):
        answer = program.json("GET", "/v1/services/trending/entities/shop")
        ages.append(float(answer["results"][0]["age_ms"]))
        assert float(answer["freshness_ms"]) >= ages[-1]
        time.sleep(0.02)
    assert ages[0] == 0 or max(ages) > 0
    assert max(ages) <= 1_000 and sum(1 for a, b in zip(ages, ages[1:]) if b > a) > 20
    answer = program.json("GET", "/v1/services/trending/entities/shop?max_staleness=1d")
    assert answer["results"][0]["age_ms"] == 0
    status, text = program.request("GET", "/v1/services/trending/entities/all")
    assert status == 400 and json.loads(text)["remedy"] == 'Give the key "shop".'


def test_over_grpc(shop, stubs):
    program, oracle, _, _, t = shop
    messages, services = stubs[:2]
    stub = services.FeatureServiceStub(grpc.insecure_channel(program.environment["MILLRACE_GRPC"]))
    inputs = {"basket_value": messages.Value(decimal_value=messages.Decimal(value="80.5")), "device": messages.Value(string_value="mobile")}
    keys = oracle.keys("customer")[:5] + ["nobody"]
    request = messages.LookupRequest(service="ranking", keys=keys, as_of_us=t, inputs=inputs)
    body = stub.LookupPacked(messages.LookupPackedRequest(lookup=request, element=messages.LookupPackedRequest.FLOAT32), timeout=20).body
    same_inputs = {"basket_value": 80.5, "device": "mobile"}
    assert body == ask(program, "POST", "/v1/lookup", PACKED + "; element=float32", {"service": "ranking", "keys": keys, "as_of": t, "inputs": same_inputs})[2]
    counts = messages.LookupPackedRequest(lookup=messages.LookupRequest(service="counts", keys=keys, as_of_us=t), element=messages.LookupPackedRequest.INT64)
    assert unpack(stub.LookupPacked(counts, timeout=20).body)["matrix"].dtype == numpy.int64
    later = t + 2 * 3_600 * SECOND
    offers = stub.Lookup(messages.LookupRequest(service="offers", keys=["nobody"], as_of_us=later), timeout=20)
    vector = offers.vectors[0]
    assert list(vector.levels) == ["default", "everyone", "default", "default"] and vector.HasField("age_us")
    assert vector.values[1].status == messages.FEATURE_STATUS_FALLBACK
    contract = next(s for s in stub.ListServices(messages.ListServicesRequest(), timeout=20).services if s.service == "ranking")
    assert contract.packed.sparse_columns == 64 and [i.name for i in contract.inputs] == ["basket_value", "device"]
    assert contract.packed.schema == program.json("GET", "/v1/services/ranking")["packed"]["schema"]
    with pytest.raises(grpc.RpcError) as refused:
        stub.Lookup(messages.LookupRequest(service="ranking", keys=keys, inputs={"device": messages.Value(list_value=messages.ListValue())}), timeout=20)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_training_vectors_are_the_served_ones(shop, binary, tmp_path):
    program, oracle, definitions, file, t = shop
    keys = oracle.keys("customer") + ["nobody"]
    requests = tmp_path / "requests.csv"
    with open(requests, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["customer", "time", "basket_value", "device", "note"])
        for key in keys:
            writer.writerow([key, t, "80.5", "mobile", "x"])

    def export(output, *more):
        done = subprocess.run(
            [str(binary), "export", "-d", program.definitions, "--service", "ranking", "--requests", str(requests), "--time-format", "epoch_us",
             "--logs", str(file), "--log-stream", "events", "--output", str(output), "--quiet", *more], env=program.environment, capture_output=True, text=True, timeout=120)
        return done

    done = export(tmp_path / "x.npy.d", "--format", "numpy")
    assert done.returncode == 0, done.stderr
    directory = tmp_path / "x.npy.d"
    schema = json.loads((directory / "schema.json").read_text())
    contract = program.json("GET", "/v1/services/ranking")
    assert schema["schema"] == contract["packed"]["schema"] and schema["dense_columns"] == contract["packed"]["columns"]
    body = {"service": "ranking", "keys": keys, "as_of": t, "inputs": {"basket_value": 80.5, "device": "mobile"}}
    served = unpack(ask(program, "POST", "/v1/lookup", PACKED, body)[2])
    assert numpy.array_equal(numpy.load(directory / "values.npy"), served["matrix"], equal_nan=True)
    indptr, indices, data = (numpy.load(directory / f"values.sparse.{part}.npy") for part in ("indptr", "indices", "data"))
    assert schema["sparse"]["dimension"] == 64
    for row in range(len(keys)):
        part = slice(indptr[row], indptr[row + 1])
        assert (served["sparse"][row][indices[part]] == data[part]).all() and numpy.count_nonzero(served["sparse"][row]) == numpy.count_nonzero(data[part])
    status = numpy.load(directory / "status.npy")
    assert numpy.array_equal(status, served["status"])
    assert sorted(p.name for p in (directory / "columns").iterdir()) == ["basket_value.npy", "note.npy"]

    done = export(tmp_path / "x.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(open(tmp_path / "x.csv")))
    named = program.json("POST", "/v1/lookup", body)
    assert list(rows[0]) == ["customer", "time", "basket_value", "note", *named["features"]]
    at = named["features"].index("mean_price_30d")
    assert [float(row["mean_price_30d"]) for row in rows] == [float(result["values"][at]) for result in named["results"]]
    assert rows[-1]["mean_price_30d"] == "0.0" and rows[-1]["device"] == "mobile"

    requests.write_text("customer,time\nc1,1\n")
    done = export(tmp_path / "y.csv")
    assert done.returncode != 0 and "no column `basket_value`" in done.stderr
    requests.write_text(f"customer,time,basket_value,device\nc1,{t},much,mobile\n")
    done = export(tmp_path / "y.csv")
    assert done.returncode != 0 and "`much` in the column `basket_value` is no decimal(2)" in done.stderr


def test_what_is_read_anew_is_the_same(shop):
    """Singletons, too: the log in other batches gives the same rows."""
    code, output, errors = shop[0].command("verify")
    assert code == 0, output + errors
    assert "shop" in output
