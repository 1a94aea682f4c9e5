"""Answers of /v1/monitoring, /v1/contracts and /v1/drops as docs/MONITORING.md describes them: a server that has just started has no weeks behind
it. `intercept` puts them in front of a server."""
import datetime
import json
import math
import random
from urllib.parse import parse_qs, urlsplit

HOUR = datetime.timedelta(hours=1)
FEATURES = [("clicks_1h", 3.2, 2.9, 0.004), ("clicks_24h", 14.0, 9.0, 0.002), ("spend_30d", 212.0, 150.0, 0.05), ("basket_90d", 64.0, 31.0, 0.11), ("buy_rate_24h", 0.06, 0.09, 0.01), ("sessions_7d", 5.1, 3.3, 0.003)]


def text(time):
    return time.strftime("%Y-%m-%dT%H:00:00.000000Z")


def summary(mean, deviation, nulls, count):
    return {
        "count": count, "nulls": round(count * nulls), "null_rate": round(nulls, 5), "entities": round(count * 0.78), "mean": round(mean, 4), "deviation": round(deviation, 4), "min": 0, "max": round(mean + 9 * deviation, 2),
        "quantiles": {name: round(max(0, mean + part * deviation), 3) for name, part in {"p01": -1.5, "p05": -1.2, "p25": -0.6, "p50": -0.15, "p75": 0.5, "p95": 1.8, "p99": 3}.items()},
        "distinct": 31, "top_share": 0.34}


def judged(name, mean, usual, deviation, nulls, usual_nulls):
    shift = (mean - usual) / deviation
    values = {"psi": (abs(shift) * 0.21 + 0.01, 0.25), "mean_shift": (shift, 2), "null_rate": (nulls - usual_nulls, 0.1), "range": (max(0, abs(shift) - 2) * 0.02, 0.02)}
    return [{"measure": measure, "value": round(value, 4), "threshold": threshold, "is_alert": abs(value) > threshold} for measure, (value, threshold) in values.items()]


def series(name, hours, now):
    _, mean, deviation, nulls = next(entry for entry in FEATURES if entry[0] == name)
    chosen = random.Random(name)
    made = []
    for back in range(hours - 1, -1, -1):
        hour = now - back * HOUR
        rhythm = 1 + 0.35 * math.sin((hour.hour - 9) / 24 * 2 * math.pi) + (0.12 if hour.weekday() >= 5 else 0)
        usual, value = mean * rhythm, mean * rhythm * (1 + chosen.gauss(0, 0.035))
        rate, usual_rate = max(0, nulls * (1 + chosen.gauss(0, 0.15))), nulls
        if name == "spend_30d" and back < 5:
            value += 3.4 * deviation
        if name == "basket_90d" and back < 3:
            rate += 0.31
        if 90 < back < 94:
            continue
        made.append({
            "hour": text(hour), "summary": summary(value, deviation, rate, round(5200 * rhythm)),
            "comparison": {"kind": "hour_of_week", "hours": 4, "mean": round(usual, 4), "deviation": deviation, "null_rate": usual_rate, "p50": round(usual - 0.15 * deviation, 3)},
            "measures": judged(name, value, usual, deviation, rate, usual_rate)})
    return made


def newest(name, now):
    last = series(name, 24, now)[-1]
    usual = last["comparison"]
    return {
        "entity": "customer", "feature": name, "type": "decimal(2)", "state": "alert" if any(measure["is_alert"] for measure in last["measures"]) else "ok", "hour": last["hour"], "is_open": True,
        "summary": last["summary"], "comparison": {"kind": "hour_of_week", "hours": 4, "summary": summary(usual["mean"], usual["deviation"], usual["null_rate"], 20933)}, "measures": last["measures"]}


def monitoring(now):
    features = [newest(name, now) for name, *_ in FEATURES]
    features.append({"entity": "customer", "feature": "largest_order_90d", "type": "decimal(2)", "state": "warming", "hour": text(now), "is_open": True, "summary": summary(120, 60, 0.2, 5100), "comparison": None, "measures": []})
    alerts = [
        {"entity": "customer", "feature": feature["feature"], "measure": measure["measure"], "value": measure["value"], "threshold": measure["threshold"], "hour": feature["hour"], "since": text(now - 3 * HOUR), "state": "firing"}
        for feature in features for measure in feature["measures"] if measure["is_alert"]]
    alerts.append({"entity": "customer", "feature": "clicks_1h", "measure": "null_rate", "value": 0.19, "threshold": 0.1, "hour": text(now - 40 * HOUR), "since": text(now - 42 * HOUR), "state": "resolved"})
    return {
        "enabled": True, "as_of": text(now), "observed": {"observations": 812_345, "left_out": 0, "per_second_limit": 200, "share": 0.25}, "baseline": {"kind": "recorded", "from": None, "to": None},
        "thresholds": {"psi": 0.25, "mean_shift": 2, "null_rate": 0.1, "range": 0.02, "stuck": 0.95}, "features": features, "alerts": alerts}


def one(name, hours, now):
    answer = newest(name, now)
    summarized, usual = answer["summary"], answer["comparison"]["summary"]
    bounds = [round(usual["mean"] + part * usual["deviation"], 2) for part in (-1.1, -0.8, -0.55, -0.35, -0.15, 0.1, 0.4, 0.8, 1.5)]
    moved = (summarized["mean"] - usual["mean"]) / usual["deviation"]
    shares = [max(0.004, 0.1 + 0.022 * (place - 4.5) * moved) for place in range(10)]
    answer["histogram"] = [
        {"low": None if place == 0 else bounds[place - 1], "high": None if place == 9 else bounds[place], "share": round(share / sum(shares), 4), "compared_share": 0.1}
        for place, share in enumerate(shares)]
    answer["series"] = series(name, hours, now)
    return answer


def contracts(now):
    return {"streams": [{
        "stream": "purchases", "topic": "purchases", "volume": {"min": 10, "max": 50_000, "last_minute": {"minute": text(now), "events": 812}, "below": 0, "above": 0, "state": "ok"},
        "fields": [
            {"field": "amount", "expect": {"nulls": 0.01, "min": 0, "max": 10_000}, "checked": 120_331, "hour": {"checked": 5021, "nulls": 3, "null_rate": 0.0006, "violations": 1}, "violations": {"nulls": 0, "min": 2, "max": 0}, "state": "violated"},
            {"field": "currency", "expect": {"nulls": 0, "values": ["EUR", "USD"], "max_bytes": 3}, "checked": 120_331, "hour": {"checked": 5021, "nulls": 0, "null_rate": 0, "violations": 0}, "violations": {"nulls": 0, "values": 0, "max_bytes": 0}, "state": "ok"}],
        "examples": [{"time": now.strftime("%Y-%m-%dT%H:12:09.000000Z"), "field": "amount", "rule": "min", "value": "-12.5", "partition": 3, "offset": 91_833}]}]}


def drops(now):
    return {"drops": [
        {"stream": "clicks", "topic": "clicks", "reason": "malformed", "count": 17, "dead_letter_topic": "clicks.dead", "examples": [
            {"time": now.strftime("%Y-%m-%dT%H:40:58.120000Z"), "partition": 2, "offset": 18_273, "detail": "the field `price` (product.price) has a value of another type than the stream declares (byte 113)"},
            {"time": now.strftime("%Y-%m-%dT%H:39:02.004000Z"), "partition": 0, "offset": 17_990, "detail": "the key `customer_id` is missing"}]},
        {"stream": "purchases", "topic": "purchases", "reason": "late", "count": 40, "dead_letter_topic": "purchases.dead", "examples": [
            {"time": now.strftime("%Y-%m-%dT%H:31:44.900000Z"), "partition": 1, "offset": 2311, "detail": "2025-11-02T10:00:00Z is more than 7d behind the customer's newest event of the stream"}]}]}


def intercept(page):
    now = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)

    def answer(route):
        parts = urlsplit(route.request.url)
        names = parts.path.split("/v1/")[1].split("/")
        if names[0] == "monitoring" and len(names) == 2:
            made = one(names[1], int(parse_qs(parts.query)["hours"][0]), now)
        else:
            made = {"monitoring": monitoring, "contracts": contracts, "drops": drops}[names[0]](now)
        route.fulfill(status=200, content_type="application/json", body=json.dumps(made))

    for pattern in ("**/v1/monitoring**", "**/v1/contracts", "**/v1/drops"):
        page.route(pattern, answer)
