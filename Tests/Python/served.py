"""What a service makes of values, from docs/DEFINITIONS.md and docs/API.md: defaults, bounds and the columns of models. Shares no code with
the program.

    model = Served(definitions, "ranking", types)          # types by feature, of GET /v1/services/ranking
    value = model.value("mean_price_30d", None)            # the service's default
    model.columns, model.dimension                         # names of the dense columns, how many sparse ones
    dense, sparse = model.encode(values)                   # a row, and {column: number}
"""
import json
import math
from decimal import Decimal

import xxhash


class Served:
    def __init__(self, definitions, service, types):
        self.types = types
        entries = definitions["services"][service]["features"]
        self.said = {entry["name"]: entry for entry in (e if isinstance(e, dict) else {"name": e} for e in entries)}
        self.features = list(self.said)

    def value(self, name, value):
        """`value` is the feature's own, without any default as None."""
        said = self.said[name]
        if value is None:
            return said.get("default")
        low, high = said.get("clip", (None, None))
        if low is not None and value < low:
            return low
        return high if high is not None and value > high else value

    def _kind(self, name):
        return next((kind for kind in ("one_hot", "vocabulary", "hashed") if kind in self.said[name]), None)

    def _words(self, name):
        said = self.said[name]
        words = [str(word) for word in said.get("one_hot", said.get("vocabulary", []))]
        return words + (["__other__"] if said.get("other") else [])

    def _is_number(self, name):
        return self.types[name] in ("bool", "int64", "double") or self.types[name].startswith("decimal")

    def _is_sparse(self, name):
        return self._kind(name) == "hashed" or bool(self.said[name].get("sparse"))

    @property
    def encoded(self):
        return [name for name in self.features if self._kind(name) or self._is_number(name)]

    @property
    def columns(self):
        names = []
        for name in self.encoded:
            if not self._is_sparse(name):
                names += [name] if self._kind(name) is None else [f"{name}={word}" for word in self._words(name)]
        return names

    def _dimension(self, name):
        return self.said[name]["hashed"] if self._kind(name) == "hashed" else len(self._words(name))

    @property
    def dimension(self):
        return sum(self._dimension(name) for name in self.encoded if self._is_sparse(name))

    @property
    def schema(self):
        def compact(value):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        text = ""
        for name in self.encoded:
            said, kind = self.said[name], self._kind(name)
            text += f"{name}:{self.types[name]}"
            if kind == "hashed":
                text += f" hashed={said['hashed']}"
            elif kind:
                text += f" {kind}={compact([str(word) for word in said[kind]])}"
            for flag in ("other", "sparse"):
                text += f" {flag}" if said.get(flag) else ""
            typed = float if self.types[name] == "double" else lambda value: value
            text += f" default={compact(typed(said['default']))}" if "default" in said else ""
            text += f" clip={compact([None if bound is None else typed(bound) for bound in said['clip']])}" if "clip" in said else ""
            text += f" fallback={compact(dict(sorted(said['fallback'].items())))}" if "fallback" in said else ""
            text += "\n"
        return xxhash.xxh64(text.encode()).hexdigest()

    def encode(self, values):
        dense, sparse, offset = [], {}, 0
        for name in self.encoded:
            value, kind = values[name], self._kind(name)
            if kind is None:
                dense.append(math.nan if value is None else float(value))
                continue
            counts = _counts(value)
            if kind == "hashed":
                weights = {}
                for word, weight in counts.items():
                    column = xxhash.xxh64_intdigest(word.encode()) % self.said[name]["hashed"]
                    weights[column] = weights.get(column, Decimal(0)) + weight
            else:
                words = self._words(name)
                known = words[:-1] if self.said[name].get("other") else words
                weights = {known.index(word): weight for word, weight in counts.items() if word in known}
                rest = [weight for word, weight in counts.items() if word not in known]
                if rest and self.said[name].get("other"):
                    weights[len(known)] = sum(rest)
                if kind == "one_hot":
                    weights = {column: 1 for column in weights}
            if self._is_sparse(name):
                sparse |= {offset + column: float(weight) for column, weight in weights.items()}
                offset += self._dimension(name)
            else:
                dense += [float(weights.get(column, 0)) for column in range(len(self._words(name)))]
        return dense, sparse


def _counts(value):
    """The words of a value with what each counts."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {word: Decimal(weight) for word, weight in value.items()}
    if isinstance(value, list):
        return {entry["value"] if isinstance(entry, dict) else str(entry): Decimal(entry["count"] if isinstance(entry, dict) else 1) for entry in value}
    return {str(value): Decimal(1)}
