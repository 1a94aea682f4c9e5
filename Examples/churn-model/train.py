"""`train.py EXPORT MODEL`: a LightGBM classifier of `bought`, trained on the earlier weeks and looked at on the last one."""
import json
import sys

import lightgbm
import numpy

directory, path = sys.argv[1:]
schema = json.load(open(f"{directory}/schema.json"))
dense = [feature for feature in schema["features"] if feature["layout"] == "dense"]
values = numpy.load(f"{directory}/values.npy", mmap_mode="r")
labels = numpy.load(f"{directory}/labels.npy")
label = labels[:, next(x["column"] for x in schema["labels"] if x["name"] == "bought")]
week = numpy.load(f"{directory}/" + next(x["file"] for x in schema["columns"] if x["name"] == "week"))

known = ~numpy.isnan(label)
past, held_out = known & (week < week.max()), known & (week == week.max())
print(f"{past.sum()} rows to train on, {held_out.sum()} held out, {len(dense)} features, {label[known].mean():.0%} bought")
model = lightgbm.train(
    {"objective": "binary", "num_leaves": 15, "learning_rate": 0.1, "verbose": -1, "seed": 1, "deterministic": True, "force_row_wise": True,
     "num_threads": 2},
    lightgbm.Dataset(values[past], label[past], feature_name=[feature["name"] for feature in dense]), num_boost_round=60)
model.save_model(path)

predicted = model.predict(values[held_out])
truth = label[held_out] == 1
# The share of pairs of a buyer and another that are in the right order.
order = predicted.argsort().argsort() + 1
positives, negatives = truth.sum(), (~truth).sum()
auc = (order[truth].sum() - positives * (positives + 1) / 2) / max(1, positives * negatives)
print(f"AUC on the held-out week: {auc:.3f}")
