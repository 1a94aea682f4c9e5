"""Reads features with Feast's unmodified SDK, and over gRPC with the stubs that it ships; prints what it got as JSON.

    client.py REPOSITORY GRPC_ADDRESS < questions.json
"""
import importlib.util
import json
import sys

import grpc
from feast import FeatureStore
from feast.protos.feast.serving import ServingService_pb2 as messages
from feast.protos.feast.serving import ServingService_pb2_grpc as stubs
from feast.protos.feast.types import Value_pb2 as types

repository, address = sys.argv[1:]
questions = json.load(sys.stdin)
store = FeatureStore(repo_path=repository)


def plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    return value


def answer(response):
    columns = response.to_dict()
    return {name: [plain(value) for value in values] for name, values in columns.items()}


def statuses(response):
    names = response.proto.metadata.feature_names.val
    return {name: list(column.statuses) for name, column in zip(names, response.proto.results)}


def error(call):
    try:
        call()
    except Exception as problem:  # told to the test
        return [type(problem).__module__, type(problem).__name__, str(problem)]
    return None


rows = [{"customer": key} for key in questions["keys"]]
found = {
    "features": answer(store.get_online_features(questions["features"], rows)),
    "full_names": answer(store.get_online_features(questions["features"], rows, full_feature_names=True)),
    "unknown_view": error(lambda: store.get_online_features(["nowhere:clicks_24h"], rows)),
    "unknown_feature": error(lambda: store.get_online_features([questions["features"][0] + "x"], rows)),
    "missing_key": error(lambda: store.get_online_features(questions["features"], [{"client": "c1"}])),
}

# What `feast apply` does: everything in features.py goes to the local registry.
spec = importlib.util.spec_from_file_location("features", f"{repository}/features.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
objects = [value for name, value in vars(module).items() if name.startswith(("entity_", "view_", "service_"))]
store.apply(objects)
service = store.get_online_features(store.get_feature_service(questions["service"]), rows)
found["service"] = answer(service)
found["service_statuses"] = statuses(service)

stub = stubs.ServingServiceStub(grpc.insecure_channel(address))
request = messages.GetOnlineFeaturesRequest(feature_service=questions["service"])
request.entities["customer"].CopyFrom(types.RepeatedValue(val=[types.Value(string_val=key) for key in questions["keys"]]))
response = stub.GetOnlineFeatures(request, timeout=20)


def python(value):
    kind = value.WhichOneof("val")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "map_val":
        return {key: python(part) for key, part in inner.val.items()}
    if kind == "map_list_val":
        return [{key: python(part) for key, part in entry.val.items()} for entry in inner.val]
    return list(inner.val) if kind.endswith("_list_val") else inner


found["grpc"] = {name: [python(value) for value in column.values]
                 for name, column in zip(response.metadata.feature_names.val, response.results)}
found["grpc_statuses"] = {name: list(column.statuses) for name, column in zip(response.metadata.feature_names.val, response.results)}
found["grpc_times"] = [[time.ToMicroseconds() for time in column.event_timestamps] for column in response.results]
try:
    stub.GetOnlineFeatures(messages.GetOnlineFeaturesRequest(feature_service="none"), timeout=20)
except grpc.RpcError as problem:
    found["grpc_error"] = [problem.code().name, problem.details()]
found["version"] = stub.GetFeastServingInfo(messages.GetFeastServingInfoRequest()).version
json.dump(found, sys.stdout)
