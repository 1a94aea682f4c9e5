"""Writes pushed features with Feast's unmodified SDK, and reads them again; prints what it read as JSON.

    writer.py REPOSITORY GRPC_ADDRESS
"""
import importlib.util
import json
import sys
import time

import grpc
import pandas
from feast import FeatureStore
from feast.data_source import PushMode
from feast.protos.feast.serving import GrpcServer_pb2 as messages
from feast.protos.feast.serving import GrpcServer_pb2_grpc as stubs
from feast.protos.feast.types import Value_pb2 as types

repository, address = sys.argv[1:]
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

# Over gRPC there are only stubs: one row a call, as text or typed.
stub = stubs.GrpcFeatureServerStub(grpc.insecure_channel(address))
assert stub.WriteToOnlineStore(messages.WriteToOnlineStoreRequest(feature_view_name="churn_model", typed_features={
    "customer": types.Value(string_val="sdk3"), "event_timestamp": types.Value(unix_timestamp_val=int(at.timestamp())),
    "churn_score": types.Value(double_val=0.1), "segment": types.Value(string_val="typed"), "orders_expected": types.Value(int64_val=7),
    "is_vip": types.Value(bool_val=True), "taste": types.Value(double_list_val=types.DoubleList(val=row["taste"]))}), timeout=20).status
assert stub.Push(messages.PushRequest(stream_feature_view="churn_model", to="online", features={
    "customer": "sdk3", "event_timestamp": str(at + pandas.Timedelta(seconds=1)), "segment": "text", "price_limit": "12.5"}), timeout=20).status
names = [f"churn_model:{name}" for name in row]
for _ in range(200):
    found = store.get_online_features(names, [{"customer": "sdk1"}, {"customer": "sdk2"}, {"customer": "sdk3"}]).to_dict()
    if found["segment"] == ["pushed", "loyal", "text"]:
        break
    time.sleep(0.05)
json.dump({name: [value.tolist() if hasattr(value, "tolist") else value for value in values] for name, values in found.items()}, sys.stdout)
