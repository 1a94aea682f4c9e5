"""Feast's protocol: its own SDK and its gRPC stubs against a running server, and the answers and errors on the wire."""
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SHOP = REPOSITORY / "Examples" / "shop" / "millrace.yaml"
SECOND = 1_000_000
KEYS = ["c0000000", "c0000003", "nobody", "c0000000"]
NOT_FOUND, PRESENT = 3, 1


def views():
    """{feature: (Feast's view, entity)} of the shop, from its definitions and `feast-repo`'s rule for derived features."""
    contents = yaml.safe_load(SHOP.read_text())
    found = {}
    for name, view in contents["views"].items():
        for feature, definition in view["features"].items():
            windows = definition.get("windows", view.get("windows", []))
            for window in windows:
                suffix = window if isinstance(window, str) else window["length"]
                found[f"{feature}_{suffix}"] = (name, view["entity"])
    for entity, derived in contents["derived"].items():
        for feature in derived:
            found[feature] = (f"{entity}_derived", entity)
    return contents, found


def expect(value):
    """A value as lookups answer it, in the form that Feast's client gives."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [expect(part) for part in value] or None
    if isinstance(value, dict):
        return {key: expect(part) for key, part in value.items()} or None
    return value


def close(value):
    """Numbers as numbers: a decimal without a fraction is an int in one form and a float in the other."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, list):
        return [close(part) for part in value]
    return {key: close(part) for key, part in value.items()}


@pytest.fixture(scope="module")
def feast(running, binary, tmp_path_factory):
    """What the SDK got, and what lookups answer for the same."""
    program = running[0] if isinstance(running, tuple) else running
    directory = tmp_path_factory.mktemp("feast") / "repo"
    done = subprocess.run(
        [str(binary), "feast-repo", "-d", str(SHOP), "--url", f"http://127.0.0.1:{program.port}/", str(directory)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = subprocess.run([str(binary), "feast-repo", "-d", str(SHOP), str(directory)], capture_output=True, text=True)
    assert again.returncode == 1 and "--force" in again.stderr
    python = subprocess.run(
        [REPOSITORY / "deploy" / "python", REPOSITORY / "Tests" / "Python" / "feast" / "requirements.txt", ".venv-feast"],
        capture_output=True, text=True, check=True, timeout=900).stdout.strip()
    contents, owners = views()
    # The events are old, and Feast has no `as_of`: what counts is what has no end.
    names = ["clicks_24h", "spend_lifetime", "purchases_lifetime", "last_category_lifetime", "since_click_lifetime", "log_spend"]
    question = {"keys": KEYS, "features": [f"{owners[name][0]}:{name}" for name in names], "service": "churn"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "FEAST"))}
    done = subprocess.run(
        [python, str(REPOSITORY / "Tests" / "Python" / "feast" / "client.py"), str(directory), program.environment["MILLRACE_GRPC"]],
        input=json.dumps(question), env=environment | {"FEAST_USAGE": "False"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return program, json.loads(done.stdout.strip().splitlines()[-1]), names, owners, contents


def steady(names):
    """Without those that depend on the very moment of the question."""
    return [name for name in names if "since" not in name and name != "is_lapsing"]


def test_the_sdk_gets_what_lookups_answer(feast):
    program, got, names, _, _ = feast
    answer = program.json("POST", "/v1/lookup", {"features": names, "keys": KEYS})
    assert list(got["features"])[0] == "customer" and got["features"]["customer"] == KEYS
    for at, name in enumerate(names):
        wanted = [close(expect(result["values"][at])) for result in answer["results"]]
        if name in steady(names):
            assert [close(value) for value in got["features"][name]] == wanted, name
        else:
            assert [value is None for value in got["features"][name]] == [value is None for value in wanted]
    assert any(value not in (None, 0) for value in got["features"]["spend_lifetime"])


def test_full_names_have_their_view(feast):
    _, got, names, owners, _ = feast
    assert set(got["full_names"]) == {"customer"} | {f"{owners[name][0]}__{name}" for name in names}


def test_services_over_http_and_grpc_are_the_same(feast):
    program, got, _, _, contents = feast
    features = contents["services"]["churn"]["features"]
    answer = program.json("POST", "/v1/lookup", {"service": "churn", "keys": KEYS})
    assert set(got["service"]) == {"customer", *features}
    assert list(got["grpc"]) == ["customer", *answer["features"]]
    for at, name in enumerate(answer["features"]):
        results = answer["results"]
        if name in steady([name]):
            wanted = [close(expect(result["values"][at])) for result in results]
            assert [close(value) for value in got["service"][name]] == wanted, name
            assert [close(value) for value in got["grpc"][name]] == wanted, name
        statuses = [result["statuses"][at] for result in results]
        codes = [{"present": PRESENT, "defaulted": PRESENT, "missing": NOT_FOUND}[status] for status in statuses]
        assert got["service_statuses"][name] == codes == got["grpc_statuses"][name], name
        times = [result["newest_event_times"][at] for result in results]
        assert [time == 0 for time in got["grpc_times"][at + 1]] == [time is None for time in times]
    assert got["version"] == "millrace"


def test_errors_are_feasts_own(feast):
    _, got, _, _, _ = feast
    assert got["unknown_view"][:2] == ["feast.errors", "FeatureViewNotFoundException"]
    assert "nowhere" in got["unknown_view"][2]
    assert "not found in feature view" in got["unknown_feature"][2] and "did you mean" in got["unknown_feature"][2]
    assert "Missing join key" in got["missing_key"][2]
    assert got["grpc_error"][0] == "NOT_FOUND" and "none" in got["grpc_error"][1]


def post(program, body, path="/get-online-features"):
    status, text = program.request("POST", path, body)
    return status, json.loads(text, parse_float=Decimal)


def test_answers_on_the_wire(feast):
    program, _, _, owners, _ = feast
    status, answer = post(program, {
        "entities": {"customer": ["c0000000", "nobody"]}, "features": ["customer_clicks:clicks_24h", "customer_value@v1:spend_lifetime"],
        "include_feature_view_version_metadata": True, "full_feature_names": False, "something": {"else": [1]}})
    assert status == 200
    assert answer["metadata"]["feature_names"] == ["customer", "clicks_24h", "spend_lifetime"]
    assert answer["metadata"]["feature_view_metadata"] == [{"name": "customer_clicks"}, {"name": "customer_value"}]
    assert answer["results"][0] == {
        "values": ["c0000000", "nobody"], "statuses": ["PRESENT"] * 2, "event_timestamps": ["1970-01-01T00:00:00Z"] * 2}
    assert answer["results"][2]["event_timestamps"][0].startswith("2025-") and answer["results"][2]["event_timestamps"][0].endswith("Z")
    # Decimals have a point, also where they are whole: a client would take them for ints.
    raw = program.request("POST", "/get-online-features", {"entities": {"customer": ["nobody"]}, "features": ["customer_purchases:spend_30d"]})[1]
    assert '"values":[0.0]' in raw
    # Two slashes, as a client writes whose path ends in one.
    assert post(program, {"entities": {"customer": ["c0000000"]}, "features": ["customer_clicks:clicks_24h"]}, "//get-online-features")[0] == 200
    assert program.request("GET", "/health") == (200, "")
    assert program.request("POST", "/materialize-incremental", {"end_ts": "2026-01-01T00:00:00"}) == (200, "null")


@pytest.mark.parametrize("body, status, wanted", [
    ({"features": ["customer_clicks:clicks_24h"]}, 422, '"loc":["body","entities"]'),
    ({"entities": [1], "features": ["customer_clicks:clicks_24h"]}, 422, "dict_type"),
    ({"entities": {"customer": "c1"}, "features": ["customer_clicks:clicks_24h"]}, 422, "list_type"),
    ({"entities": {"customer": []}, "features": ["customer_clicks:clicks_24h"]}, 422, "has no keys"),
    ({"entities": {"customer": ["a"], "other": []}, "features": ["customer_clicks:clicks_24h"]}, 422, "same number"),
    ({"entities": {"customer": ["a"]}, "features": []}, 422, "no features"),
    ({"entities": {"customer": ["a"]}, "features": ["clicks_24h"]}, 422, "view:feature"),
    ({"entities": {"customer": ["a"]}, "features": ["customer_clicks:clicks_24h", "customer_clicks:clicks_24h"]}, 422, "FeatureNameCollisionError"),
    ({"entities": {"customer": ["a"]}, "feature_service": "none"}, 404, "FeatureServiceNotFoundException"),
    ({"entities": {"customer": ["a"]}, "features": ["none:x"]}, 404, "FeatureViewNotFoundException"),
    ({"entities": {"customer": [{"a": 1}]}, "features": ["customer_clicks:clicks_24h"]}, 422, "a string or a number"),
    ({"entities": {"customer": ["a" * 500]}, "features": ["customer_clicks:clicks_24h"]}, 422, "500 bytes"),
    ({"entities": {"customer": ["a"]}, "features": 5}, 422, "list_type"),
    ({"entities": {"customer": ["a"]}, "feature_service": 5}, 422, "string_type"),
])
def test_mistakes_are_told_in_json(feast, body, status, wanted):
    got, text = feast[0].request("POST", "/get-online-features", body)
    assert got == status, text
    json.loads(text)
    assert wanted in text


def test_a_body_that_is_no_json(feast):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", feast[0].port, timeout=10)
    connection.request("POST", "/get-online-features", b'{"entities": {', {"Content-Type": "application/json"})
    response = connection.getresponse()
    body = json.loads(response.read())
    assert response.status == 422 and body["detail"][0]["type"] == "json_invalid" and body["detail"][0]["loc"] == ["body", 14]
    connection.request("GET", "/get-online-features")
    response = connection.getresponse()
    assert response.status == 405 and response.headers["Allow"] == "POST" and "detail" in json.loads(response.read())
    connection.close()
