"""Writes pushed features with Feast's unmodified SDK, and reads them again; prints what it read as JSON.

    writer.py REPOSITORY
"""
import importlib.util
import json
import sys
import time

import pandas
from feast import FeatureStore
from feast.data_source import PushMode

repository = sys.argv[1]
store = FeatureStore(repo_path=repository)
spec = importlib.util.spec_from_file_location("features", f"{repository}/features.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
store.apply([value for name, value in vars(module).items() if name.startswith(("entity_", "push_", "view_"))])

at = pandas.Timestamp("2025-12-01T14:39:58.000001", tz="UTC")
row = {"churn_score": 0.1, "segment": "loyal", "taste": [0.5, 1.5, 2.5, 1 / 3], "price_limit": 12.5, "orders_expected": 7, "is_vip": True, "profile": "x"}
table = pandas.DataFrame({"customer": ["sdk1", "sdk2"], "event_timestamp": [at, at]} | {name: [value, value] for name, value in row.items()})
store.write_to_online_store("churn_model", table)
later = table.assign(event_timestamp=at + pandas.Timedelta(seconds=1), segment="pushed").iloc[:1]
store.push("churn_model", later, to=PushMode.ONLINE)
names = [f"churn_model:{name}" for name in row]
for _ in range(200):
    found = store.get_online_features(names, [{"customer": "sdk1"}, {"customer": "sdk2"}]).to_dict()
    if found["segment"] == ["pushed", "loyal"]:
        break
    time.sleep(0.05)
json.dump({name: [value.tolist() if hasattr(value, "tolist") else value for value in values] for name, values in found.items()}, sys.stdout)
