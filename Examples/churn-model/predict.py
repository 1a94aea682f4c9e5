"""`predict.py MODEL EXPORT URL`: looks every exported (customer, time) up live and compares vectors and predictions, to the bit."""
import json
import sys
import time
import urllib.request

import lightgbm
import numpy

path, directory, url = sys.argv[1:]
schema = json.load(open(f"{directory}/schema.json"))
dense = [(position, feature) for position, feature in enumerate(schema["features"]) if feature["layout"] == "dense"]
exported = numpy.load(f"{directory}/values.npy")
statuses = numpy.load(f"{directory}/status.npy")
keys = [key.decode() for key in numpy.load(f"{directory}/keys.npy")]
times = numpy.load(f"{directory}/times.npy")


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, {"Content-Type": "application/json"}), timeout=30) as answer:
        return json.load(answer)


deadline = time.monotonic() + 120
while True:
    shards = call("/v1/shards")["shards"]
    if shards and all(shard["lag_events"] == 0 for shard in shards) and sum(p["offset"] for s in shards for p in s["positions"]) > 0:
        break
    assert time.monotonic() < deadline, "the server does not catch up"
    time.sleep(0.1)

live = numpy.full(exported.shape, numpy.nan)
live_statuses = numpy.zeros(statuses.shape, numpy.uint8)
for start in range(0, len(keys), 200):
    part = slice(start, min(start + 200, len(keys)))
    assert (times[part] == times[start]).all()
    answer = call("/v1/lookup", {"service": schema["service"], "keys": keys[part], "as_of": int(times[start])})
    for row, entry in enumerate(answer["results"], start):
        assert entry["key"] == keys[row]
        for position, feature in dense:
            value = entry["values"][position]
            live[row, feature["column"]] = numpy.nan if value is None else float(value)
        live_statuses[row] = [schema["statuses"][status] for status in entry["statuses"]]

model = lightgbm.Booster(model_file=path)
on_export, on_live = model.predict(exported), model.predict(live)
differ = (exported.view(numpy.uint64) != live.view(numpy.uint64)) & ~(numpy.isnan(exported) & numpy.isnan(live))
differences = int(differ.sum()) + int((statuses != live_statuses).sum())
differences += int((on_export.view(numpy.uint64) != on_live.view(numpy.uint64)).sum())
print(f"{len(keys)} customers: predictions from {on_live.min():.4f} to {on_live.max():.4f}; live against exported: {differences} differences")
for row, column in list(zip(*numpy.nonzero(differ)))[:5]:
    print(f"  {keys[row]}, column {column}: exported {exported[row, column]!r}, live {live[row, column]!r}")
sys.exit(0 if differences == 0 and len(set(on_live)) > 10 else 1)
