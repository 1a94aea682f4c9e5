"""What Millrace must answer, computed naively: every accepted event is kept, every value is computed from scratch by definition.

Written from docs/SEMANTICS.md and never from the engine, so that the two can only agree by being right (or by the specification being wrong). It takes the records of each topic in their order and answers the features of one entity at a time `t` that is not before the newest
event of each of its streams:

    oracle = Oracle(yaml.safe_load(open("millrace.yaml")))
    oracle.offer("clicks", b'{"customer_id": ...}', broker_timestamp=1_764_547_200_000_000)     # "applied", or the reason for the drop
    oracle.features("customer", "c0000123", t=1_764_547_300_000_000)                            # {"clicks_1h": 3, ...}, None: no value

All times are µs since the epoch. Not modelled: the bounds on ids per row and on keys of a map; tests stay below them.
"""
import json
import math
import re
from collections import Counter, defaultdict
from datetime import datetime, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import xxhash

from expressions import Expression

SECOND = 1_000_000
EARLIEST, LATEST = 86_400 * SECOND, (1 << 32) * SECOND - 1
LADDER = [n * SECOND for n in (86_400, 21_600, 3_600, 900, 300, 60, 15, 5)]
_UNITS = {"us": 1, "ms": 1_000, "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND, "w": 604_800 * SECOND}


def duration(text):
    """`90s`, `15m`, `30d` in µs."""
    match = re.fullmatch(r"(\d+)\s*(us|ms|s|m|h|d|w)", str(text).strip())
    if not match:
        raise ValueError(f"not a duration: {text!r}")
    return int(match[1]) * _UNITS[match[2]]


def ladder_hop(window):
    """The largest hop of the ladder that is at most 1/60 of the window, and at least 5 s."""
    return next((hop for hop in LADDER if hop <= window / 60), LADDER[-1])


class Stream:
    def __init__(self, name, spec):
        self.name = name
        self.topic = spec.get("topic", name)
        self.keys = list(spec["keys"].items())
        self.time_path = spec["time"].get("path")
        self.time_format = spec["time"]["format"]
        self.id_path = spec.get("id")
        self.allowed_lateness = duration(spec.get("allowed_lateness", "2d"))
        self.max_clock_skew = duration(spec.get("max_clock_skew", "5m"))
        self.fields = {}
        for field, type_ in spec.get("fields", {}).items():
            entry = type_ if isinstance(type_, dict) else {"type": type_}
            self.fields[field] = (entry.get("path", field), entry.get("type", "string"), entry.get("scale", 6))


class Feature:
    def __init__(self, name, spec, window):
        self.name = name
        self.aggregation = spec["aggregation"]
        self.field = spec.get("field")
        self.by = spec.get("by")
        self.n = spec.get("n")
        self.k = spec.get("k")
        self.half_life = duration(spec["half_life"]) if "half_life" in spec else None
        self.gap = duration(spec.get("gap", "30m"))
        self.distinct = bool(spec.get("distinct", False))
        self.default = spec.get("default")
        self.lifetime = window == "lifetime"
        if not self.lifetime:
            self.length = duration(window)
            self.hop = duration(spec["hop"]) if "hop" in spec else ladder_hop(self.length)


class View:
    def __init__(self, name, spec):
        self.name = name
        self.entity = spec["entity"]
        self.stream = spec["stream"]
        where = spec.get("where", spec.get("filter"))
        self.where = Expression(where) if where else None
        # A feature's own windows, or else those of the view.
        self.features = [
            Feature(f"{base}_{window}", feature, window)
            for base, feature in spec["features"].items() for window in feature.get("windows", spec.get("windows"))]


class Event:
    __slots__ = ("time", "rank", "identity", "values")

    def __init__(self, time, identity, values):
        self.time = time
        self.identity = identity
        # Ties on equal times: the larger hash of the id is later.
        self.rank = (time, xxhash.xxh64_intdigest(identity.encode()) if identity is not None else 0)
        self.values = values


class Malformed(Exception):
    pass


class Oracle:
    def __init__(self, definitions):
        self.streams = {name: Stream(name, spec) for name, spec in definitions["streams"].items()}
        self.views = [View(name, spec) for name, spec in definitions["views"].items()]
        # By entity, then by name.
        self.derived = definitions.get("derived", {})
        # Entities of which there is one, and every event describes it.
        self.singletons = [name for name, spec in definitions.get("entities", {}).items() if spec and spec.get("singleton")]
        self.inputs = {name: spec if isinstance(spec, dict) else {"type": spec} for name, spec in definitions.get("inputs", {}).items()}
        self.described = {(view.stream, view.entity) for view in self.views}
        # (entity, key) -> stream name -> accepted events in arrival order
        self.rows = defaultdict(lambda: defaultdict(list))
        self.newest = {}
        self.remembered = defaultdict(dict)
        self.erased = set()
        self.applied = Counter()
        self.dropped = Counter()

    # Ingest

    def offer(self, stream_name, value, broker_timestamp):
        """Takes one record; returns "applied" or the reason why not, and counts it."""
        stream = self.streams[stream_name]
        outcome = self._offer(stream, value, broker_timestamp)
        if outcome == "applied":
            self.applied[stream_name] += 1
        else:
            self.dropped[stream_name, outcome] += 1
        return outcome

    def erase(self, entity, key):
        """From now on, and for all events before, there is nothing of it. Rows of others stay as they are."""
        row = (entity, key)
        self.erased.add(row)
        self.rows.pop(row, None)
        for stream in self.streams:
            self.newest.pop((row, stream), None)
            self.remembered.pop((row, stream), None)

    def _offer(self, stream, value, broker_timestamp):
        if value is None:
            return "empty"
        try:
            keys, event = self._decode(stream, value, broker_timestamp)
        except Malformed:
            return "malformed"
        if event.time > broker_timestamp + stream.max_clock_skew:
            return "future"
        outcomes = [self._accept(stream, row, event) for row in keys if (stream.name, row[0]) in self.described]
        singletons = [(name, name) for name in self.singletons if (stream.name, name) in self.described]
        if not outcomes:
            outcomes = [self._accept(stream, row, event) for row in singletons]
        elif outcomes[0] == "applied":
            for row in singletons:
                self.rows[row][stream.name].append(event)
        # The first row decides what is counted, and what singletons take.
        return outcomes[0] if outcomes else "applied"

    def _accept(self, stream, row, event):
        if row in self.erased:
            return "erased"
        slot = (row, stream.name)
        newest = self.newest.get(slot)
        ids = self.remembered[slot]
        if event.identity is not None:
            if newest is not None:
                horizon = newest - stream.allowed_lateness
                if event.time < horizon:
                    return "late"
                if event.identity in ids and ids[event.identity] // SECOND >= horizon // SECOND:
                    return "duplicate"
            ids[event.identity] = event.time
        self.rows[row][stream.name].append(event)
        self.newest[slot] = event.time if newest is None else max(newest, event.time)
        return "applied"

    def _decode(self, stream, value, broker_timestamp):
        try:
            root = json.loads(value, parse_float=Decimal)
        except (ValueError, UnicodeDecodeError, RecursionError):
            raise Malformed
        if not isinstance(root, dict):
            raise Malformed
        keys = []
        for entity, path in stream.keys:
            key = _at(root, path)
            if isinstance(key, int) and not isinstance(key, bool):
                key = str(key)
            if not isinstance(key, str) or key == "" or len(key.encode()) > 480:
                raise Malformed
            keys.append((entity, key))
        time = broker_timestamp if stream.time_format == "kafka" else _time(_at(root, stream.time_path), stream.time_format)
        if not EARLIEST <= time <= LATEST:
            raise Malformed
        identity = None
        if stream.id_path:
            identity = _at(root, stream.id_path)
            if isinstance(identity, int) and not isinstance(identity, bool):
                identity = str(identity)
            if not isinstance(identity, str) or identity == "":
                raise Malformed
        values = {name: _value(_at(root, path), type_, scale) for name, (path, type_, scale) in stream.fields.items()}
        return keys, Event(time, identity, values)

    # Lookup

    def keys(self, entity):
        """Every key of the entity that has an accepted event."""
        return sorted(key for row_entity, key in self.rows if row_entity == entity)

    def newest_event_time(self):
        return max(self.newest.values())

    def features(self, entity, key, t, inputs={}):
        """All features of one entity, by name; None where there is no value. `inputs` come with the request, of their types."""
        row = self.rows.get((entity, key))
        values = {name: spec.get("default") if inputs.get(name) is None else inputs[name] for name, spec in self.inputs.items()}
        for view in self.views:
            if view.entity != entity:
                continue
            events = row.get(view.stream, []) if row is not None else []
            if view.where:
                events = [e for e in events if view.where.accepts(e.values)]
            for feature in view.features:
                # An entity without a row has no values; one with a row has counts of 0.
                value = None if row is None else _aggregate(feature, _in_window(feature, events, t), t)
                values[feature.name] = feature.default if value is None else value
        for name in self.derived.get(entity, {}):
            self._derive(entity, name, values)
        return values

    def _derive(self, entity, name, values):
        """Adds a derived feature to `values`, and those that it needs."""
        spec = self.derived[entity][name]
        expression = Expression(spec["expression"])
        for part in expression.names:
            if part not in values:
                self._derive(entity, part, values)
        inputs = {part: values[part] for part in expression.names}
        value = None if inputs and all(v is None for v in inputs.values()) else expression.evaluate(inputs)
        values[name] = spec.get("default") if value is None else value


def _at(root, path):
    for part in path.split("."):
        if not isinstance(root, dict):
            return None
        root = root.get(part)
    return root


def _time(value, format_):
    scale = {"epoch_s": SECOND, "epoch_ms": 1_000, "epoch_us": 1}.get(format_)
    if scale:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed
        return value * scale
    if format_ != "rfc3339" or not isinstance(value, str):
        raise Malformed
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", value)
    if not match:
        raise Malformed
    try:
        whole = datetime.strptime(f"{match[1]}T{match[2]}", "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Malformed
    micros = int((whole - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()) * SECOND
    micros += int(((match[3] or "") + "000000")[:6])
    if match[4] not in "Zz":
        sign = 1 if match[4][0] == "+" else -1
        micros -= sign * (int(match[4][1:3]) * 3_600 + int(match[4][4:6]) * 60) * SECOND
    return micros


def _value(value, type_, scale):
    if value is None:
        return None
    if type_ == "decimal":
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise Malformed
        return Decimal(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN)
    if type_ == "int64":
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed
        return value
    if type_ == "bool":
        if not isinstance(value, bool):
            raise Malformed
        return value
    if not isinstance(value, str) or len(value.encode()) > 1_024:
        raise Malformed
    return value


def _in_window(feature, events, t):
    if feature.lifetime:
        return [e for e in events if e.time <= t]
    left = t // feature.hop * feature.hop - feature.length
    return [e for e in events if left <= e.time <= t]


def _aggregate(feature, events, t):
    if feature.aggregation == "count":
        return sum(1 for e in events if feature.field is None or e.values[feature.field] is not None)
    if feature.aggregation == "time_since_last":
        return Decimal(t - max(e.time for e in events)) / SECOND if events else None
    if feature.aggregation == "time_since_first":
        return Decimal(t - min(e.time for e in events)) / SECOND if events else None
    if feature.aggregation in ("session_count", "session_length", "bounce_rate"):
        return _sessions(feature, sorted(e.time for e in events))
    if feature.aggregation == "streak":
        days = {e.time // (86_400 * SECOND) for e in events}
        day = t // (86_400 * SECOND)
        day = day if day in days else day - 1
        return next(n for n in range(len(days) + 1) if day - n not in days)
    if feature.aggregation == "decayed_count":
        return Near(sum(
            2.0 ** (-(t - e.time) / feature.half_life) for e in events
            if feature.field is None or e.values[feature.field] is not None))
    if feature.aggregation in ("count_by", "sum_by"):
        totals = {}
        for event in events:
            key = event.values[feature.by]
            amount = 1 if feature.aggregation == "count_by" else event.values[feature.field]
            if key is not None and amount is not None:
                totals[_map_key(key)] = totals.get(_map_key(key), 0) + amount
        return totals
    events = [e for e in events if e.values[feature.field] is not None]
    values = [e.values[feature.field] for e in events]
    match feature.aggregation:
        case "sum":
            return sum(values)
        case "decayed_sum":
            return Near(sum(float(e.values[feature.field]) * 2.0 ** (-(t - e.time) / feature.half_life) for e in events))
        case "distinct_count":
            return _distinct(set(values))
        case "last_n":
            ordered = [e.values[feature.field] for e in sorted(events, key=lambda e: e.rank, reverse=True)]
            if feature.distinct:
                ordered = list(dict.fromkeys(ordered))
            return ordered[:feature.n]
        case "top_k":
            counts = Counter(map(_map_key, values))
            ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0].encode()))[:feature.k]
            return [{"count": count, "share": count / len(values), "value": value} for value, count in ranked]
    if not values:
        return None
    match feature.aggregation:
        case "mean":
            mean = sum(map(Fraction, values)) / len(values)
            return mean.numerator / mean.denominator  # Python rounds the quotient of integers to the nearest double.
        case "stddev":
            exact = [Fraction(value) for value in values]
            mean = sum(exact) / len(exact)
            return _root(sum((x - mean) ** 2 for x in exact) / len(exact))
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "first":
            return min(events, key=lambda e: e.rank).values[feature.field]
        case "last":
            return max(events, key=lambda e: e.rank).values[feature.field]
    raise ValueError(f"the oracle does not know the aggregation {feature.aggregation}")


class Near(float):
    """A value that the specification gives only up to an error: decayed sums, to 2^-32."""


def _root(square):
    """The double nearest to the root of a fraction: from 120 bits of it."""
    shift = max(0, 240 + square.denominator.bit_length() - square.numerator.bit_length()) // 2 * 2
    root = math.isqrt((square.numerator << shift) // square.denominator)
    return float(Fraction(root, 1 << shift // 2))


def _distinct(values):
    """Exact up to 256, then HyperLogLog with Ertl's estimator."""
    if len(values) <= 256:
        return len(values)
    registers = [0] * 2048
    for value in values:
        hash_ = xxhash.xxh64_intdigest(_hashed(value))
        index, rest = hash_ >> 53, hash_ & ((1 << 53) - 1)
        registers[index] = max(registers[index], 53 - rest.bit_length() + 1)
    share = Counter(registers)
    share = [share[k] / 2048 for k in range(55)]
    sigma = share[0] + sum(share[0] ** 2**k * 2 ** (k - 1) for k in range(1, 40))
    x = 1 - share[54]
    tau = (1 - x - sum((1 - x ** 2**-k) ** 2 * 2**-k for k in range(1, 60))) / 3
    middle = sum(share[k] * 2**-k for k in range(1, 54))
    return round(2048 / (2 * math.log(2)) / (sigma + middle + tau * 2**-53))


def _hashed(value):
    """The bytes of a string; of anything else the 8 of its integer, of a decimal its units."""
    if isinstance(value, str):
        return value.encode()
    units = int(value.scaleb(-value.as_tuple().exponent)) if isinstance(value, Decimal) else int(value)
    return units.to_bytes(8, "little", signed=True)


def _sessions(feature, times):
    sessions = []
    for time in times:
        if sessions and time - sessions[-1][-1] <= feature.gap:
            sessions[-1].append(time)
        else:
            sessions.append([time])
    if feature.aggregation == "session_count":
        return len(sessions)
    if not sessions:
        return None
    if feature.aggregation == "bounce_rate":
        return sum(1 for s in sessions if len(s) == 1) / len(sessions)
    return float(Fraction(sum(s[-1] - s[0] for s in sessions), len(sessions) * SECOND))


def _map_key(key):
    if isinstance(key, bool):
        return "1" if key else "0"
    return str(key)
