"""Feature monitoring of the running program: a drift is flagged in its hour, by webhook, metric, API, log and command; model outputs too."""
import csv
import json
import subprocess

import pytest

from watched import HOUR, Receiver, hour_of_clicks, hour_of_scores, now, seeded, watched_shop

DAYS = 5


@pytest.fixture(scope="module")
def drifted(binary, bootstrap, tmp_path_factory):
    """Five days as usual, then an hour in which prices are tenfold and the model's scores are stuck."""
    random = seeded(20)
    receiver = Receiver(refusals=1)
    directory = tmp_path_factory.mktemp("monitoring")
    with watched_shop(
            binary, bootstrap, directory, webhook=receiver.url, environment={"MILLRACE_LOG_FORMAT": "json"},
            enabled=True, max_per_second=100_000, min_observations=100) as (program, produce):
        program.directory = directory
        program.receiver = receiver
        program.hour = now() // HOUR
        # Each hour is as far as the present one: what counts the events of a day would differ otherwise.
        span = max(now() - program.hour * HOUR, 5_000_000)

        def observe(clicks, scores):
            seen = observations(program)
            produce(clicks)
            program.json("POST", "/v1/push/scores", {"rows": scores})
            program.wait(lambda: observations(program) >= seen + len(clicks) + len(scores) - 20, 20, "observed")

        for hour in range(program.hour - 24 * DAYS, program.hour):
            observe(hour_of_clicks(random, hour, span), hour_of_scores(random, hour, span))
        program.wait(lambda: program.json("GET", "/v1/monitoring")["features"][0]["hour"] == iso(program.hour - 1), 30, "written")
        program.usual = program.json("GET", "/v1/monitoring")
        program.before = list(receiver.bodies)
        observe(
            hour_of_clicks(random, program.hour, span, price=lambda r: round(10 * r.lognormvariate(3, 0.8), 2)),
            hour_of_scores(random, program.hour, span, score=0.5))
        program.wait(lambda: len(receiver.alerts()) >= 3 and len(receiver.alerts()) == firing(program), 60, "alerted")
        yield program
    receiver.close()


def observations(program):
    return program.metrics().get(("millrace_monitoring_observations_total", frozenset()), 0)


def firing(program):
    return program.metrics().get(("millrace_monitoring_alerts_firing", frozenset()), 0)


def feature(answer, name):
    return next(f for f in answer["features"] if f["feature"] == name)


def test_the_usual_days_alert_nobody(drifted):
    assert drifted.before == [] and drifted.usual["alerts"] == []
    assert {f["state"] for f in drifted.usual["features"]} == {"ok"}, drifted.usual
    assert feature(drifted.usual, "last_price_24h")["comparison"]["kind"] == "hour_of_day"


def test_the_webhook_carries_the_evidence_of_the_hour_and_is_tried_again(drifted):
    hour = json.loads(json.dumps(drifted.hour))
    alerts = drifted.receiver.alerts()
    print(json.dumps(alerts["last_price_24h", "psi"]))
    assert drifted.receiver.refusals == 0
    assert {("last_price_24h", "psi"), ("last_price_24h", "mean_shift"), ("churn_score", "stuck")} <= set(alerts)
    for (name, measure), body in alerts.items():
        alert = body["alert"]
        assert body["name"] == "watched" and alert["state"] == "firing" and alert["entity"] == "customer"
        assert abs(alert["value"]) >= alert["threshold"] > 0
        assert alert["hour"] == alert["since"] == iso(hour), (name, measure)
        assert body["summary"]["count"] >= 100 and body["comparison"]["summary"]["count"] >= 300 and body["comparison"]["hours"] >= 3
    shifted = alerts["last_price_24h", "mean_shift"]
    assert 8 < shifted["summary"]["mean"] / shifted["comparison"]["summary"]["mean"] < 12
    assert alerts["churn_score", "stuck"]["summary"]["min"] == alerts["churn_score", "stuck"]["summary"]["max"] == 0.5
    assert all(headers["Authorization"] == "Bearer t0ken" for headers in drifted.receiver.headers)


def iso(hour):
    import datetime
    return datetime.datetime.fromtimestamp(hour * 3600, datetime.timezone.utc).strftime("%Y-%m-%dT%H:00:00.000000Z")


def test_the_api_the_metrics_and_the_log_say_the_same(drifted):
    answer = drifted.json("GET", "/v1/monitoring")
    fired = {(a["feature"], a["measure"]) for a in answer["alerts"] if a["state"] == "firing"}
    assert fired == set(drifted.receiver.alerts())
    assert feature(answer, "last_price_24h")["state"] == "alert" and feature(answer, "clicks_24h")["state"] == "ok"
    metric = {(dict(labels)["feature"], dict(labels)["measure"]) for (name, labels), value in drifted.metrics().items()
              if name == "millrace_monitoring_alert" and value == 1}
    assert metric == fired
    assert drifted.counters("millrace_monitoring_webhooks_total", "outcome")["delivered",] == len(fired)
    lines = [json.loads(line) for line in drifted.log_path.read_text().splitlines()]
    logged = {(line["feature"], line["measure"]) for line in lines if line["event"] == "drift_firing"}
    assert logged == fired
    assert all({"time", "level", "logger", "event", "message"} <= set(line) for line in lines)
    text = drifted.log_path.read_text()
    assert "secret-customer" not in text and "secret-pushed" not in text and "secret-path" not in text and "t0ken" not in text


def test_the_series_of_a_feature_is_there_for_plots(drifted):
    answer = drifted.json("GET", "/v1/monitoring/last_price_24h?hours=48")
    hours = [entry["hour"] for entry in answer["series"]]
    assert hours == sorted(hours) and len(hours) >= 47 and hours[-1] == iso(drifted.hour)
    assert abs(sum(float(b["share"]) for b in answer["histogram"]) - 1) < 1e-6 and abs(sum(float(b["compared_share"]) for b in answer["histogram"]) - 1) < 1e-6
    last = answer["series"][-1]
    assert any(m["measure"] == "psi" and m["is_alert"] for m in last["measures"]) and last["comparison"]["hours"] >= 3
    quantiles = list(last["summary"]["quantiles"].values())
    assert quantiles == sorted(quantiles)
    status, text = drifted.request("GET", "/v1/monitoring/last_price")
    assert status == 404 and "last_price_24h" in text
    assert drifted.request("GET", "/v1/monitoring/last_price_24h?hours=0")[0] == 400
    assert drifted.request("GET", "/v1/monitoring/last_price_24h?hour=2")[0] == 400


def test_the_command_prints_the_same(drifted):
    code, out, errors = drifted.command("monitor")
    assert code == 0, errors
    assert "ALERT    customer last_price_24h: psi" in out and "ok" in out
    code, out, _ = drifted.command("monitor", "churn_score", "--hours", "5")
    assert code == 0 and "stuck 1" in out
    code, out, _ = drifted.command("monitor", "--json")
    answer = json.loads(out)
    assert {(a["feature"], a["measure"]) for a in answer["alerts"]} == {(a["feature"], a["measure"]) for a in drifted.json("GET", "/v1/monitoring")["alerts"]}


def test_hours_and_alerts_survive_kill_9_and_nobody_is_told_twice(drifted):
    drifted.wait(lambda: drifted.json("GET", "/v1/monitoring")["features"][0]["hour"] == iso(drifted.hour), 15, "written")
    before = drifted.json("GET", "/v1/monitoring/last_price_24h")["series"]
    told = len(drifted.receiver.bodies)
    drifted.kill()
    drifted.start()
    drifted.wait_healthy()
    after = drifted.json("GET", "/v1/monitoring/last_price_24h")["series"]
    assert [e["summary"] for e in after] == [e["summary"] for e in before]
    drifted.wait(lambda: drifted.metrics().get(("millrace_uptime_seconds", frozenset()), 0) > 12, 30, "judged again")
    assert len(drifted.receiver.bodies) == told
    assert {a["state"] for a in drifted.json("GET", "/v1/monitoring")["alerts"]} == {"firing"}


def baseline(program, *arguments):
    done = subprocess.run(
        [program.binary, "monitor", "baseline", "--definitions", program.definitions, *arguments], env=program.environment, capture_output=True,
        text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_training_export_and_a_window_are_baselines(drifted, tmp_path):
    random = seeded(21)
    path = tmp_path / "training.csv"
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "time", "clicks_24h", "last_price_24h"])
        for n in range(2000):
            writer.writerow([f"c{n}", "2026-01-01T00:00:00Z", 24, "" if n % 50 == 0 else round(10 * random.lognormvariate(3, 0.8), 2)])
    code, out, errors = baseline(drifted, "--export", str(path))
    assert code == 0 and "2000 rows, 2 features" in out, errors
    answer = drifted.json("GET", "/v1/monitoring")
    assert answer["baseline"] == {"kind": "export", "source": "training.csv"}
    price = feature(answer, "last_price_24h")
    assert price["comparison"]["kind"] == "export" and price["comparison"]["summary"]["nulls"] == 40
    # The tenfold prices are what the model knows.
    assert not any(m["is_alert"] for m in price["measures"] if m["measure"] in ("psi", "mean_shift"))
    begin = iso(drifted.hour - 24 * DAYS)[:19] + "Z"
    code, out, errors = baseline(drifted, "--from", begin, "--to", iso(drifted.hour)[:19] + "Z")
    assert code == 0 and "recorded hours" in out, errors
    answer = drifted.json("GET", "/v1/monitoring")
    assert answer["baseline"]["kind"] == "window" and answer["baseline"]["from"] == iso(drifted.hour - 24 * DAYS)
    assert any(m["is_alert"] for m in feature(answer, "last_price_24h")["measures"] if m["measure"] == "psi")
    for arguments, fault in [(["--from", "2001-01-01", "--to", "2001-01-02"], "nothing was recorded"), (["--export", "/nowhere.csv"], "cannot be read"),
                             (["--from", "yesterday"], "is no time")]:
        code, _, errors = baseline(drifted, *arguments)
        assert code == 1 and fault in errors
    code, out, _ = baseline(drifted, "--clear")
    assert code == 0 and "all that was recorded" in out


def test_off_it_says_so(binary, bootstrap, tmp_path):
    with watched_shop(binary, bootstrap, tmp_path) as (program, _):
        assert program.json("GET", "/v1/monitoring") == {"enabled": False, "features": [], "alerts": []}
        assert program.request("GET", "/v1/monitoring/clicks_24h")[0] == 404
        code, _, errors = program.command("monitor")
        assert code == 1 and "monitoring is off" in errors
        assert not (program.store / "monitoring").exists()
