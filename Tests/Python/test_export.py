"""`millrace export`: its rows against what a running server answered, its formats against each other, its labels against a count by hand."""
import csv
import json
import os
import subprocess
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from logs import dump_topics, export
from shop_stream import RecordProducer, ShopStream

REPOSITORY = Path(__file__).resolve().parents[2]
SHOP = REPOSITORY / "Examples" / "shop" / "millrace.yaml"
SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 1_764_547_200 * SECOND


class Nobody:
    """For a producer whose records no oracle follows."""

    def offer(self, *_):
        pass


def lines(path):
    return [json.loads(line, parse_float=Decimal) for line in Path(path).read_text().splitlines()]


def test_rows_as_known_are_what_the_server_answered_while_it_streamed(program, definitions, topics, bootstrap, binary, tmp_path):
    program.start()
    program.wait_healthy()
    producer = RecordProducer(bootstrap, topics, Nobody())
    # A few minutes between events: a few weeks in all, with late ones and duplicates.
    stream = ShopStream(seed=11, start=START, customers=40, step_micros=600 * SECOND, malformed=0.01)
    services = ("homepage", "search_ranking", "churn")
    answered = {service: [] for service in services}
    for round_number in range(20):
        for _ in range(60):
            producer.send(stream.next())
        producer.flush()
        program.wait_applied(producer.ends)
        # Caught up, and the next record comes later.
        as_of = stream.now + stream.random.randrange(0, 3_000_000)
        stream.now = max(stream.now, as_of) // 1_000 * 1_000 + 1_000
        keys = [f"c{n:07d}" for n in (0, 1, 2, 5, 9, 20, 33, 39)]
        for service in services:
            answer = program.lookup(keys=keys, as_of=as_of, service=service)
            assert answer["freshness_ms"] == 0
            for entry in answer["results"]:
                answered[service].append((as_of, entry["key"], entry["values"], entry["statuses"]))

    log = dump_topics(bootstrap, (topics["clicks"], topics["purchases"]), producer.ends, tmp_path / "log.ndjson")
    for service, rows in answered.items():
        requests = tmp_path / f"{service}.csv"
        requests.write_text("n,customer,time\n" + "".join(f"{n},{key},{time}\n" for n, (time, key, _, _) in enumerate(rows)))
        output = tmp_path / f"{service}.ndjson"
        export(binary, definitions[0], "--service", service, "--requests", requests, "--time-format", "epoch_us", "--logs", log,
               "--output", output, "--as-known", "--status")
        exported = lines(output)
        assert len(exported) == len(rows)
        present = 0
        for n, (row, (time, key, values, statuses)) in enumerate(zip(exported, rows, strict=True)):
            assert (row["n"], row["customer"], row["time"]) == (n, key, time)
            names = [name for name in row if name not in ("n", "customer", "time") and not name.endswith(".status")]
            got = [(row[name], row[f"{name}.status"]) for name in names]
            assert got == list(zip(values, statuses, strict=True)), (service, n)
            present += statuses.count("present")
        assert present > len(rows), "most values are not missing"


@pytest.fixture(scope="module")
def generated(binary, tmp_path_factory):
    """A log of the generator, and a request list over it with columns of every kind."""
    directory = tmp_path_factory.mktemp("generated")
    log = directory / "events.ndjson"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    subprocess.run(
        [str(binary), "generate", "-d", str(SHOP), "--count", "6000", "--start", "2026-01-01T00:00:00Z", "--rate", "0.004", "--customers",
         "60", "--purchases", "0.2", "--to", str(log), "--quiet"], env=environment, check=True, timeout=120)
    times = defaultdict(list)
    for line in log.read_text().splitlines():
        record = json.loads(line)
        times[record["key"]].append(record["value"].get("event_time"))
    requests = directory / "requests.csv"
    with open(requests, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["plan", "customer", "weight", "time", "is_new"])
        for n, (key, own) in enumerate(sorted(times.items())):
            for i in range(8):
                day = 1 + (n * 7 + i * 2) % 17
                writer.writerow([("gold, \"old\"", "basic", "")[(n + i) % 3], key, n / 4, f"2026-01-{day:02d}T{i:02d}:30:00Z", "true" if i else "false"])
        writer.writerow(["basic", "nobody", "", "2026-01-10T00:00:00Z", "true"])
    return log, requests


LABELS = (
    "--label", "bought=any(purchases) within 2d", "--label", "orders=count(purchases) within 5d where quantity > 1",
    "--label", "spend=sum(purchases.amount) within 5d", "--label", "spend_by=sum(purchases.amount) within 5d by category")


def test_all_formats_say_the_same(generated, binary, tmp_path):
    import fastavro
    import numpy
    import scipy.sparse

    log, requests = generated
    def run(output, *more):
        export(binary, SHOP, "--service", "search_ranking", "--requests", requests, "--logs", log, *LABELS, "--output", output, *more)
        return output

    rows = lines(run(tmp_path / "out.ndjson", "--status"))
    assert len(rows) == len(requests.read_text().splitlines()) - 1
    assert [row["plan"] for row in rows[:3]] == ['gold, "old"', "basic", None]
    features = [name.removesuffix(".status") for name in rows[0] if name.endswith(".status")]
    assert len(features) == 10

    def number(value):
        return float("nan") if value is None else float(value)

    with open(run(tmp_path / "out.csv", "--status", "--threads", "1"), newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(rows)
    for row, other in zip(rows, table, strict=True):
        assert list(row) == list(other)
        for name, value in row.items():
            if value is None:
                assert other[name] == ""
            elif isinstance(value, str):
                assert other[name] == value
            else:
                assert json.loads(other[name], parse_float=Decimal) == value, name

    with open(run(tmp_path / "out.avro", "--status", "--memory", "16MiB"), "rb") as file:
        records = list(fastavro.reader(file))
    assert len(records) == len(rows)
    for row, other in zip(rows, records, strict=True):
        for name, value in row.items():
            found = other[name.replace(".status", "_status")]
            if name == "time":
                value = datetime.fromisoformat(value).astimezone(timezone.utc)
            if isinstance(value, Decimal) and isinstance(found, float):
                value = float(value)
            assert found == value, name

    packed = run(tmp_path / "out.d", "--format", "numpy")
    schema = json.loads((packed / "schema.json").read_text())
    def load(name):
        return numpy.load(packed / name)

    assert schema["rows"] == len(rows) and schema["service"] == "search_ranking"
    assert [key.decode() for key in load("keys.npy")] == [row["customer"] for row in rows]
    assert list(load("found.npy"))[-1] == False  # noqa: E712: a NumPy bool
    times = [int(datetime.fromisoformat(row["time"]).timestamp()) * SECOND for row in rows]
    assert list(load("times.npy")) == times
    columns = {column["name"]: load(column["file"]) for column in schema["columns"]}
    assert [text.decode() or None for text in columns["plan"]] == [row["plan"] for row in rows]
    numpy.testing.assert_array_equal(columns["weight"], [number(row["weight"]) for row in rows])
    numpy.testing.assert_array_equal(columns["is_new"], [number(row["is_new"]) for row in rows])
    names = {number: name for name, number in schema["statuses"].items()}
    status = load("status.npy")
    kinds = set()
    for described in schema["features"] + schema["labels"]:
        name, layout = described["name"], described["layout"]
        kinds.add(layout)
        if "status_column" in described:
            assert [names[code] for code in status[:, described["status_column"]]] == [row[f"{name}.status"] for row in rows]
        expected = [row[name] for row in rows]
        if layout == "dense":
            numpy.testing.assert_array_equal(load(described["file"])[:, described["column"]], [number(value) for value in expected], name)
        elif layout == "codes":
            words = json.loads((packed / described["vocabulary"]).read_text())
            assert [None if code < 0 else words[code] for code in load(described["codes"])] == expected
        elif layout == "csr":
            words = json.loads((packed / described["vocabulary"]).read_text())
            matrix = scipy.sparse.csr_matrix(
                (load(described["data"]), load(described["indices"]), load(described["indptr"])), shape=(len(rows), len(words)))
            for n, value in enumerate(expected):
                row = matrix[n]
                assert {words[i]: x for i, x in zip(row.indices, row.data)} == {key: float(x) for key, x in (value or {}).items()}
    assert kinds == {"dense", "codes", "csr"}


def test_lists_are_ragged_arrays(generated, binary, tmp_path):
    import numpy

    log, requests = generated
    what = ("--feature", "last_products_7d", "--requests", requests, "--logs", log)
    export(binary, SHOP, *what, "--output", tmp_path / "out.ndjson")
    export(binary, SHOP, *what, "--output", tmp_path / "out.d", "--format", "numpy")
    words = json.loads((tmp_path / "out.d" / "last_products_7d.vocabulary.json").read_text())
    bounds = numpy.load(tmp_path / "out.d" / "last_products_7d.indptr.npy")
    codes = numpy.load(tmp_path / "out.d" / "last_products_7d.data.npy")
    rows = lines(tmp_path / "out.ndjson")
    assert any(row["last_products_7d"] for row in rows)
    for n, row in enumerate(rows):
        assert [words[code] for code in codes[bounds[n]:bounds[n + 1]]] == (row["last_products_7d"] or [])


def test_labels_count_what_came_after(generated, binary, tmp_path):
    log, requests = generated
    export(binary, SHOP, "--service", "churn", "--requests", requests, "--logs", log, *LABELS, "--output", tmp_path / "out.ndjson")
    purchases, seen, end = defaultdict(list), set(), 0
    for line in log.read_text().splitlines():
        record = json.loads(line, parse_float=Decimal)
        value = record["value"]
        time = value.get("event_time")
        if time is None:
            time = round(datetime.fromisoformat(value["ordered_at"]).timestamp() * 1_000)
        end = max(end, time)
        if record["topic"] == "purchases" and value["order_id"] not in seen:
            seen.add(value["order_id"])
            purchases[record["key"]].append((time, value))
    day = 86_400_000
    known = 0
    for row in lines(tmp_path / "out.ndjson"):
        time = round(datetime.fromisoformat(row["time"]).timestamp() * 1_000)
        def after(days):
            return [value for at, value in purchases[row["customer"]] if time < at <= time + days * day]
        assert row["bought"] == (None if time + 2 * day > end else bool(after(2)))
        if time + 5 * day > end:
            assert row["orders"] is None and row["spend"] is None and row["spend_by"] is None
            continue
        known += 1
        assert row["orders"] == sum(1 for value in after(5) if value.get("quantity", 0) > 1)
        assert row["spend"] == sum(value.get("amount", 0) for value in after(5))
        by = defaultdict(Decimal)
        for value in after(5):
            if "category" in value and "amount" in value:
                by[value["category"]] += Decimal(value["amount"])
        assert row["spend_by"] == dict(by)
    assert known > 100


@pytest.mark.parametrize("change, arguments, wanted", [
    ("2026-01-05T00:30:00Z", [], "is not a time"),
    (None, ["--service", "chrun"], "did you mean `churn`?"),
    (None, ["--key-column", "custmer"], "did you mean `customer`?"),
    (None, ["--label", "x=any(purchase) within 7d"], "did you mean `purchases`?"),
    (None, ["--label", "x=sum(purchases.amont) within 7d"], "did you mean `amount`?"),
    (None, ["--label", "x=any(purchases) within soon"], "is not a duration"),
    (None, ["--label", "churn=any(purchases) within 7d where amount >"], "where amount >"),
    (None, ["--label", "plan=any(purchases) within 7d"], "has the name of another column"),
    (None, ["--as-known"], "has no broker timestamp"),
    (None, ["--logs", "no-such-file.ndjson"], "no-such-file.ndjson"),
    (None, ["--time-format", "epoch_ms"], "is not a whole number"),
    (None, ["--temporary", "/no/such/directory", "--memory", "16MiB"], None),
])
def test_mistakes_are_named_with_their_place(generated, binary, tmp_path, change, arguments, wanted):
    log, requests = generated
    text = requests.read_text()
    if change:
        rows = text.splitlines()
        rows[17] = rows[17].replace("2026-01", "2026-13")
        text = "\n".join(rows) + "\n"
    path = tmp_path / "requests.csv"
    path.write_text(text)
    usual = ["--requests", path, "--logs", log, "--output", tmp_path / "out.csv"]
    if "--service" not in arguments:
        usual += ["--service", "churn"]
    if "--logs" in arguments:
        usual = [value for value in usual if value not in ("--logs", log)]
    told, _ = export(binary, SHOP, *usual, *arguments, succeeds=wanted is None)
    if wanted is None:
        # Nothing had to be spilled, so the directory was never needed.
        return
    assert wanted in told
    if change:
        assert f"{path}, row 17 (line 18)" in told
    assert sorted(file.name for file in tmp_path.iterdir()) == ["requests.csv"], "a failed export leaves nothing"


def test_the_churn_model_predicts_live_what_it_predicts_on_an_export(binary, bootstrap, tmp_path):
    """Examples/churn-model ends with 0 only when every live prediction is that of the exported row, to the bit."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")} | {
        "KAFKA_BOOTSTRAP": bootstrap, "MILLRACE_BINARY": str(binary), "MILLRACE_EXAMPLE_DIR": str(tmp_path / "example"), "CHURN_EVENTS": "20000"}
    done = subprocess.run([str(REPOSITORY / "Examples" / "churn-model" / "run")], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 differences" in done.stdout
