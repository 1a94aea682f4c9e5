"""Pushed features: through Kafka, HTTP, Feast's paths and files; newest event time wins; read your writes; TTL; one vector with rolling features."""
import base64
import gzip
import json
import os
import random
import struct
import subprocess
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from conftest import REPOSITORY
from pushed_shop import NOW, PUSHED, SECOND, pushing_program

@pytest.fixture(scope="module")
def pushing(binary, bootstrap, tmp_path_factory):
    with pushing_program(binary, bootstrap, tmp_path_factory.mktemp("pushing")) as program:
        yield program


def push(program, view, *rows):
    return program.json("POST", f"/v1/push/{view}", {"rows": list(rows)})


def values(program, key, *features, service=None, entity_as_of=NOW, token=None):
    question = {"keys": [key], "as_of": entity_as_of} | ({"service": service} if service else {"features": list(features)})
    if token:
        question["min_position"] = token
    answer = program.json("POST", "/v1/lookup", question)
    result = answer["results"][0]
    return {name: (value, status) for name, value, status in zip(answer["features"], result["values"], result["statuses"], strict=True)}


def test_a_push_is_seen_by_a_lookup_with_its_position(pushing):
    for n in range(30):
        score = random.Random(n).random()
        answer = push(pushing, "churn_model", {"customer": f"ryw{n}", "event_time": NOW - n, "churn_score": score})
        assert answer["rows"] == 1 and len(answer["positions"]) == 1
        seen = values(pushing, f"ryw{n}", "churn_score", token=answer["min_position"])
        assert float(seen["churn_score"][0]) == score and seen["churn_score"][1] == "present"
        position = answer["positions"][0]
        assert answer["min_position"] == f"{position['topic']}/{position['partition']}@{position['offset']}"


def test_every_type_comes_back_to_the_bit(pushing):
    blob = base64.b64encode(bytes(range(256)) * 40).decode()
    row = {"customer": "typed", "event_time": NOW, "churn_score": 5e-324, "segment": "löyal \"x\"", "taste": [0.1, -1e300, 3, 1 / 3],
           "price_limit": 12.34, "orders_expected": -(2**63) + 1, "is_vip": True, "profile": blob}
    token = push(pushing, "churn_model", row)["min_position"]
    seen = values(pushing, "typed", *[name for name in row if name not in ("customer", "event_time")], token=token)
    assert {status for _, status in seen.values()} == {"present"}
    assert float(seen["churn_score"][0]) == 5e-324 and seen["segment"][0] == row["segment"]
    assert [float(x) for x in seen["taste"][0]] == [0.1, -1e300, 3.0, 1 / 3]
    assert seen["price_limit"][0] == Decimal("12.34") and seen["orders_expected"][0] == -(2**63) + 1
    assert seen["is_vip"][0] is True and seen["profile"][0] == blob


def test_the_newest_event_time_wins_per_feature_whatever_the_order(pushing):
    """Random partial pushes, each at a time of its own, pushed in random order and some twice."""
    names = ["churn_score", "segment", "orders_expected"]
    make = {"churn_score": lambda r: r.random(), "segment": lambda r: r.choice("abc"), "orders_expected": lambda r: r.randrange(100)}
    for seed in range(8):
        r = random.Random(seed)
        rows = []
        for n in range(12):
            chosen = r.sample(names, r.randrange(1, 4))
            rows.append({"customer": f"order{seed}", "event_time": NOW - r.randrange(10**6) * 1000 - n} | {x: make[x](r) for x in chosen})
        rows[3]["segment"] = None
        expected = {}
        for row in sorted(rows, key=lambda row: row["event_time"]):
            expected |= {name: row[name] for name in names if row.get(name) is not None}
        sent = rows + r.sample(rows, 4)
        r.shuffle(sent)
        for row in sent[:-3]:
            push(pushing, "churn_model", row)
        token = push(pushing, "churn_model", *sent[-3:])["min_position"]
        seen = values(pushing, f"order{seed}", *names, token=token)
        for name in names:
            value = seen[name][0]
            assert (float(value) if name == "churn_score" else value) == expected.get(name, "unknown" if name == "segment" else None)
        # Without a time, the server's: newer than all of them.
        token = push(pushing, "churn_model", {"customer": f"order{seed}", "segment": "now"})["min_position"]
        assert values(pushing, f"order{seed}", "segment", entity_as_of=2_000_000_000 * SECOND, token=token)["segment"] == ("now", "stale")


def test_ttl_is_by_the_time_of_each_value(pushing):
    token = push(pushing, "churn_model",
                 {"customer": "old", "event_time": NOW - 8 * 86_400 * SECOND, "churn_score": 0.25},
                 {"customer": "old", "event_time": NOW - 6 * 86_400 * SECOND, "segment": "loyal"})["min_position"]
    seen = values(pushing, "old", "churn_score", "segment", "taste", token=token)
    assert seen["churn_score"][1] == "stale" and seen["segment"] == ("loyal", "present") and seen["taste"] == (None, "missing")
    assert values(pushing, "nobody", "segment")["segment"] == ("unknown", "defaulted")


def test_another_entity_with_its_own_names_and_time(pushing):
    token = push(pushing, "product_model", {"sku": "p1", "at": "2025-12-01T14:39:59.000001Z", "quality": 0.875})["min_position"]
    assert values(pushing, "p1", "quality", token=token)["quality"] == (Decimal("0.875"), "present")
    later = values(pushing, "p1", "quality", entity_as_of=NOW + 2 * 3_600 * SECOND)
    assert later["quality"] == (Decimal("0.875"), "stale")
    assert values(pushing, "p2", "quality")["quality"] == (Decimal("0.5"), "defaulted")


def test_one_vector_with_rolling_and_derived_features_and_a_service_of_its_own(pushing):
    customer = "c0000000"
    token = push(pushing, "churn_model", {"customer": customer, "event_time": NOW - SECOND, "churn_score": 0.125, "taste": [1, 2, 3, 4]})["min_position"]
    seen = values(pushing, customer, service="ranking", token=token)
    assert seen["clicks_24h"][0] > 0 and seen["churn_score"][0] == Decimal("0.125") and seen["calm"][0] is True
    assert [float(x) for x in seen["taste"][0]] == [1, 2, 3, 4] and seen["segment"] == ("unknown", "defaulted")
    contract = pushing.json("GET", "/v1/services/churn_model")
    assert [feature["name"] for feature in contract["features"]] == list(PUSHED["churn_model"]["features"])
    assert contract["description"] == "Computed each night"
    assert values(pushing, customer, service="churn_model")["churn_score"][0] == Decimal("0.125")
    status, text = pushing.request("GET", f"/v1/services/churn_model/entities/{customer}?min_position={token}")
    assert status == 200 and json.loads(text)["results"][0]["values"][0] == 0.125


def test_records_that_others_produce(pushing):
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": pushing.bootstrap, "partitioner": "murmur2_random"})
    done = []
    producer.produce(pushing.topics["churn_model"], key="ext", value=json.dumps({"customer": "ext", "event_time": NOW, "churn_score": 0.5}),
                     on_delivery=lambda error, message: done.append((error, message.partition(), message.offset())))
    producer.flush(10)
    error, partition, offset = done[0]
    assert error is None
    token = f"{pushing.topics['churn_model']}/{partition}@{offset}"
    assert values(pushing, "ext", "churn_score", token=token)["churn_score"] == (Decimal("0.5"), "present")


@pytest.mark.parametrize("rows, detail", [
    ([{"customer": "x", "churn_scor": 1}], "churn_scor"),
    ([{"customer": "x", "churn_score": 1}, {"customer": "x", "churn_score": "high"}], "rows[1]: field `churn_score`"),
    ([{"churn_score": 1}], "rows[0]: key `customer`"),
    ([{"customer": "x", "taste": [1, 2, 3]}], "rows[0]: field `taste`"),
    ([{"customer": "x", "price_limit": 1e30}], "rows[0]: field `price_limit`"),
    ([{"customer": "x", "event_time": NOW + 10**15, "churn_score": 1}], "future"),
    ([{"customer": "x", "profile": "a" * 20_000}], "rows[0]: field `profile` (profile) has more than 16384 bytes"),
    ([{"customer": "x", "churn_score": "1e999"}], "rows[0]: field `churn_score`"),
    ([], "no rows"), ([7], "rows[0] is not an object"),
])
def test_a_wrong_row_is_refused_and_nothing_of_it_pushed(pushing, rows, detail):
    status, text = pushing.request("POST", "/v1/push/churn_model", {"rows": rows})
    problem = json.loads(text)
    assert status == 400 and detail in problem["detail"] and problem["remedy"], text
    assert values(pushing, "x", "churn_score")["churn_score"] == (None, "missing")


def test_wrong_requests(pushing):
    assert pushing.request("POST", "/v1/push/churn_modle", {"rows": [{"customer": "x"}]})[0] == 404
    assert "churn_model" in json.loads(pushing.request("POST", "/v1/push/churn_modle", {"rows": []})[1])["remedy"]
    assert pushing.request("GET", "/v1/push/churn_model")[0] == 405
    assert pushing.request("POST", "/v1/push/customer_clicks", {"rows": [{}]})[0] == 404
    status, text = pushing.request("POST", "/v1/lookup", {"features": ["churn_score"], "keys": ["x"], "min_position": "scores"})
    assert status == 400 and "min_position" in json.loads(text)["detail"]
    far = pushing.topics["churn_model"] + "/1@1000000"
    begin = time.monotonic()
    status, text = pushing.request("POST", "/v1/lookup", {"features": ["churn_score"], "keys": ["x"], "min_position": far})
    assert status == 503 and json.loads(text)["type"].endswith("position-not-reached") and 1.5 < time.monotonic() - begin < 6


def test_many_pushes_at_once(pushing):
    failures = []

    def work(n):
        try:
            for i in range(20):
                score = n + i / 32
                token = push(pushing, "churn_model", {"customer": f"many{n}", "event_time": NOW - 1000 + i, "churn_score": score})["min_position"]
                assert float(values(pushing, f"many{n}", "churn_score", token=token)["churn_score"][0]) >= score
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    metrics = pushing.request("GET", "/metrics")[1]
    assert 'millrace_pushes_total{outcome="ok"}' in metrics and "millrace_push_seconds_bucket" in metrics


def test_feast_writes(pushing):
    times = ["2025-12-01T14:39:58.000001", "2025-12-01T14:39:58"]
    body = {"feature_view_name": "churn_model", "allow_registry_cache": False,
            "df": {"customer": ["f1", "f2"], "churn_score": [0.5, None], "orders_expected": [7, 8], "event_timestamp": times, "created": [None, None]}}
    assert pushing.request("POST", "/write-to-online-store", body) == (200, "null")
    push_body = {"push_source_name": "churn_model", "df": {"customer": ["f1"], "segment": ["loyal"], "event_timestamp": times[:1]}, "to": "online"}
    assert pushing.request("POST", "/push", push_body) == (200, "null")
    pushing.wait(lambda: values(pushing, "f1", "segment")["segment"][0] == "loyal", 10, "applied")
    pushing.wait(lambda: values(pushing, "f2", "orders_expected")["orders_expected"][0] == 8, 10, "applied")
    assert values(pushing, "f1", "churn_score")["churn_score"] == (Decimal("0.5"), "present")
    assert values(pushing, "f2", "churn_score")["churn_score"] == (None, "missing")
    answer = pushing.json("POST", "/get-online-features", {"features": ["churn_model:churn_score", "churn_model:segment"], "entities": {"customer": ["f1"]}})
    assert answer["results"][1]["event_timestamps"] == ["2025-12-01T14:39:58.000001Z"]
    for wrong, status, text in [
        (body | {"feature_view_name": "nope"}, 404, "FeastObjectNotFoundException"),
        (push_body | {"push_source_name": "nope"}, 422, "PushSourceNotFoundException"),
        (body | {"feature_view_name": "customer_clicks"}, 422, "computed from its stream"),
        (body | {"df": {"customer": ["a"], "churn_scor": [1]}}, 422, "did you mean churn_score"),
        (body | {"df": {"customer": ["a", "b"], "churn_score": [1]}}, 422, "same number"),
        (body | {"df": {"churn_score": [1]}}, 422, "join key"),
        (push_body | {"to": "offline"}, 422, "online"),
        ({"df": {}}, 422, "feature_view_name"),
    ]:
        got, answer = pushing.request("POST", "/push", wrong)
        assert got == status and text in answer, answer


def test_the_feast_sdk_writes_and_reads(pushing, tmp_path):
    repository = tmp_path / "repository"
    code, _, errors = pushing.command("feast-repo", "--url", f"http://127.0.0.1:{pushing.port}", str(repository))
    assert code == 0, errors
    python = subprocess.run(
        [REPOSITORY / "deploy" / "python", REPOSITORY / "Tests" / "Python" / "feast" / "requirements.txt", ".venv-feast"],
        capture_output=True, text=True, check=True, timeout=900).stdout.strip()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "FEAST"))}
    done = subprocess.run(
        [python, str(REPOSITORY / "Tests" / "Python" / "feast" / "writer.py"), str(repository), pushing.environment["MILLRACE_GRPC"]], env=environment | {"FEAST_USAGE": "False"},
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["customer"] == ["sdk1", "sdk2", "sdk3"] and found["segment"] == ["pushed", "loyal", "text"]
    assert found["churn_score"] == [0.1] * 3 and found["taste"] == [[0.5, 1.5, 2.5, 1 / 3]] * 3
    assert found["price_limit"] == [12.5] * 3 and found["orders_expected"] == [7] * 3 and found["is_vip"] == [True] * 3


def test_grpc_pushes_and_waits(pushing, stubs):
    import grpc

    messages, services = stubs[0], stubs[1]
    with grpc.insecure_channel(pushing.environment["MILLRACE_GRPC"]) as channel:
        client = services.FeatureServiceStub(channel)
        values_of = {
            "churn_score": messages.Value(double_value=0.1), "segment": messages.Value(string_value="loyal"), "is_vip": messages.Value(bool_value=True),
            "orders_expected": messages.Value(int_value=-7), "price_limit": messages.Value(decimal_value=messages.Decimal(value="12.5")),
            "taste": messages.Value(list_value=messages.ListValue(values=[messages.Value(double_value=x) for x in (0.5, -1e300, 3, 1 / 3)]))}
        row = messages.PushRow(key="grpc1", event_time_us=NOW, values=values_of)
        answer = client.Push(messages.PushRequest(view="churn_model", rows=[row, messages.PushRow(key="grpc2", values=values_of)]), timeout=20)
        assert answer.min_position == ",".join(f"{p.topic}/{p.partition}@{p.offset}" for p in answer.positions) and answer.positions
        request = messages.LookupRequest(features=list(values_of), keys=["grpc1"], as_of_us=NOW, min_position=answer.min_position)
        vector = client.Lookup(request, timeout=20).vectors[0]
        assert [value.status for value in vector.values] == [messages.FEATURE_STATUS_PRESENT] * 6
        assert [value.value for value in vector.values] == list(values_of.values())
        request.features[:] = ["churn_score", "orders_expected"]
        packed = client.LookupPacked(messages.LookupPackedRequest(lookup=request), timeout=20).body
        assert struct.unpack_from("<2d", packed, 64) == (0.1, -7)
        # Another entity, with its own names of key and time.
        token = client.Push(messages.PushRequest(view="product_model", rows=[
            messages.PushRow(key="g1", event_time_us=NOW, values={"quality": messages.Value(double_value=0.25)})]), timeout=20).min_position
        assert values(pushing, "g1", "quality", token=token)["quality"] == (Decimal("0.25"), "present")
        for wrong, code in [
            (messages.PushRequest(view="none", rows=[row]), grpc.StatusCode.NOT_FOUND),
            (messages.PushRequest(view="churn_model"), grpc.StatusCode.INVALID_ARGUMENT),
            (messages.PushRequest(view="churn_model", rows=[messages.PushRow(key="x", values={"none": messages.Value(int_value=1)})]),
             grpc.StatusCode.INVALID_ARGUMENT),
            (messages.PushRequest(view="churn_model", rows=[messages.PushRow(key="x", values={"taste": messages.Value(string_value="x")})]),
             grpc.StatusCode.INVALID_ARGUMENT),
        ]:
            with pytest.raises(grpc.RpcError) as problem:
                client.Push(wrong, timeout=20)
            assert problem.value.code() == code and problem.value.details()
        with pytest.raises(grpc.RpcError) as problem:
            client.Lookup(messages.LookupRequest(features=["churn_score"], keys=["x"], min_position="x"), timeout=20)
        assert problem.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        far = pushing.topics["churn_model"] + "/1@1000000"
        with pytest.raises(grpc.RpcError) as problem:
            client.Lookup(messages.LookupRequest(features=["churn_score"], keys=["x"], min_position=far), timeout=20)
        assert problem.value.code() == grpc.StatusCode.UNAVAILABLE


def test_files_are_pushed(pushing, tmp_path):
    rows = [{"customer": f"file{n}", "event_time": NOW - n, "churn_score": n / 64, "segment": f"s{n % 3}"} for n in range(3000)]
    path = tmp_path / "scores.ndjson.gz"
    with gzip.open(path, "wt") as file:
        for n, row in enumerate(rows):
            file.write(json.dumps(row) + "\n")
            if n == 1500:
                file.write('{"customer":"bad","event_time":5}\n')
    for _ in range(2):
        code, output, errors = pushing.command("load", "churn_model", str(path))
        assert code == 0 and "3,000 rows pushed, dropped: 1 malformed" in output and "scores.ndjson.gz:1502" in errors, output + errors
        token = output.split("min_position ")[1].strip()
        for n in (0, 1, 1501, 2999):
            seen = values(pushing, f"file{n}", "churn_score", "segment", token=token)
            assert float(seen["churn_score"][0]) == n / 64 and seen["segment"][0] == f"s{n % 3}"
    table = tmp_path / "scores.csv"
    table.write_text("user,churn_score,taste\n" + "".join(f"csv{n},{n / 8},\"[1,2,3,{n}]\"\n" for n in range(50)))
    code, output, errors = pushing.command(
        "load", "churn_model", str(table), "--column", "user=customer", "--at", "2025-12-01T14:00:00Z", "--missing-fields-null")
    assert code == 0 and "50 rows pushed" in output, errors
    token = output.split("min_position ")[1].strip()
    seen = values(pushing, "csv49", "churn_score", "taste", token=token)
    assert float(seen["churn_score"][0]) == 49 / 8 and [float(x) for x in seen["taste"][0]] == [1, 2, 3, 49]
    import fastavro

    container = tmp_path / "scores.avro"
    schema = {"type": "record", "name": "Score", "fields": [
        {"name": "customer", "type": "string"}, {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "churn_score", "type": ["null", "double"]}, {"name": "is_vip", "type": "boolean"}, {"name": "profile", "type": "string"}]}
    profile = "ä" * 5_000
    with open(container, "wb") as file:
        fastavro.writer(file, schema, [
            {"customer": f"avro{n}", "event_time": NOW - n, "churn_score": None if n % 2 else n / 3, "is_vip": n > 5, "profile": profile}
            for n in range(40)], codec="deflate")
    code, output, errors = pushing.command("load", "churn_model", str(container), "--missing-fields-null")
    assert code == 0 and "40 rows pushed" in output, output + errors
    token = output.split("min_position ")[1].strip()
    assert values(pushing, "avro39", "profile", token=token)["profile"] == (profile, "present")
    assert values(pushing, "avro39", "churn_score", "is_vip", token=token) == {"churn_score": (None, "missing"), "is_vip": (True, "present")}
    assert float(values(pushing, "avro38", "churn_score", token=token)["churn_score"][0]) == 38 / 3
    for arguments, text in [(["churn_modle", str(table)], "churn_model"), (["churn_model", str(tmp_path / "none.csv")], "none.csv"),
                            (["churn_model", str(table)], "customer")]:
        code, output, errors = pushing.command("load", *arguments)
        assert code == 1 and text in errors, errors


def test_pushed_values_survive_a_kill_and_a_rebuild(pushing):
    token = push(pushing, "churn_model", {"customer": "kept", "event_time": NOW, "churn_score": 0.75})["min_position"]
    assert values(pushing, "kept", "churn_score", token=token)["churn_score"][0] == Decimal("0.75")
    pushing.kill()
    pushing.start()
    pushing.wait_healthy()
    assert values(pushing, "kept", "churn_score", token=token)["churn_score"][0] == Decimal("0.75")
    code, output, errors = pushing.command("verify")
    assert code == 0, output + errors


def test_a_sample_of_the_entities_is_logged_as_it_was_answered(pushing):
    from confluent_kafka import Consumer, TopicPartition

    keys = [f"c{n:07}" for n in range(20)] + [f"logged{n}" for n in range(180)]
    alone = {}
    for key in keys:
        status, text = pushing.request("GET", f"/v1/services/ranking/entities/{key}")
        assert status == 200
        alone[key] = json.loads(text)
    batch = pushing.json("POST", "/v1/lookup", {"service": "ranking", "keys": keys, "as_of": NOW})
    pushing.json("POST", "/get-online-features", {"feature_service": "ranking", "entities": {"customer": keys[:20]}})
    pushing.json("POST", "/v1/lookup", {"features": ["churn_score"], "keys": keys})  # no service: not logged
    metric = 'millrace_served_log_total{outcome="queued"} '
    queued = int(pushing.request("GET", "/metrics")[1].split(metric)[1].split()[0])
    consumer = Consumer({"bootstrap.servers": pushing.bootstrap, "group.id": "served", "enable.auto.commit": False})
    consumer.assign([TopicPartition(pushing.topics["served"], partition, 0) for partition in range(4)])
    logged, deadline = [], time.monotonic() + 20
    while len(logged) < queued and time.monotonic() < deadline:
        logged += [message for message in consumer.consume(500, 0.5) if not message.error()]
    consumer.close()
    assert len(logged) == queued
    by_key = {}
    for message in logged:
        by_key.setdefault(message.key().decode(), []).append(json.loads(message.value()))
    sampled = [key for key in keys if key in by_key]
    assert 60 < len(sampled) < 140, "half of 200"
    for key in sampled:
        # Other tests of this module may have asked for the service before.
        records = by_key[key]
        assert len(records) >= (3 if key in keys[:20] else 2)
        assert alone[key] in records
        of_batch = [record for record in records if record["as_of"] == batch["as_of"]]
        assert json.dumps(of_batch[-1]["results"], sort_keys=True) == json.dumps(
            [json.loads(json.dumps(result, default=float)) for result in batch["results"] if result["key"] == key], sort_keys=True)
        assert all(len(record["results"]) == 1 and record["positions"] for record in records)


def test_curl_over_http1_and_http2(pushing):
    base = f"http://127.0.0.1:{pushing.port}"
    for options in ([], ["--http2-prior-knowledge"]):
        def curl(*arguments):
            done = subprocess.run(["curl", "-sS", "--max-time", "20", *options, *arguments], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        answer = curl(f"{base}/v1/push/churn_model", "-d", json.dumps({"rows": [{"customer": "curl", "event_time": NOW, "churn_score": 0.5}]}))
        seen = curl(f"{base}/v1/services/churn_model/entities/curl?min_position={answer['min_position']}")
        assert seen["results"][0]["values"][0] == 0.5
        both = curl(f"{base}/v1/lookup", "-d", json.dumps({"service": "churn_model", "keys": ["curl", "nobody"], "min_position": answer["min_position"]}))
        assert [result["found"] for result in both["results"]] == [True, False]
        assert curl(f"{base}/v1/services/none/entities/x")["status"] == 404


def test_a_new_model_needs_a_definition_and_no_more(binary, bootstrap, tmp_path):
    """A store that has run without pushed features takes them in at its next start: nothing is rebuilt, and nothing is `warming`."""
    with pushing_program(binary, bootstrap, tmp_path) as program:
        contents = yaml.safe_load(Path(program.definitions).read_text())
        program.terminate()
        pushed = contents["pushed"].pop("product_model") and contents.pop("pushed")["churn_model"]
        del contents["services"]["ranking"], contents["derived"]["customer"]["calm"]
        without = tmp_path / "without.yaml"
        without.write_text(yaml.safe_dump(contents, sort_keys=False))
        program.store = tmp_path / "fresh"
        program.environment["MILLRACE_STORE_DIRECTORY"] = str(program.store)
        program.start(without)
        program.wait_healthy()
        program.wait(lambda: program.answers("GET", "/readyz"), 30, "ready")
        program.wait(lambda: values(program, "c0000000", "clicks_24h")["clicks_24h"][1] == "present"
                     and all(shard["lag_events"] == 0 for shard in program.json("GET", "/v1/shards")["shards"]), 30, "caught up")
        before = values(program, "c0000000", "clicks_24h")
        assert program.request("POST", "/v1/push/churn_model", {"rows": [{"customer": "c0000000", "churn_score": 1}]})[0] == 404
        program.terminate()
        contents["pushed"] = {"churn_model": pushed}
        after = tmp_path / "after.yaml"
        after.write_text(yaml.safe_dump(contents, sort_keys=False))
        program.start(after)
        program.wait_healthy()
        program.wait(lambda: program.answers("GET", "/readyz"), 30, "ready")
        assert values(program, "c0000000", "churn_score")["churn_score"] == (None, "missing")
        token = push(program, "churn_model", {"customer": "c0000000", "event_time": NOW, "churn_score": 0.25})["min_position"]
        seen = values(program, "c0000000", service="churn_model", token=token)
        assert seen["churn_score"] == (Decimal("0.25"), "present")
        assert values(program, "c0000000", "clicks_24h") == before
