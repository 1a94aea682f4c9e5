"""Compares what the program serves and counts with what the oracle says."""
import math
from decimal import Decimal
from fractions import Fraction

from oracle import Near


def same(served, expected):
    """Numbers by value: exactly where the definition is exact (integers, decimals), to the bit for doubles, to 1e-12 for derived
    expressions, whose order of rounding the specification leaves open, and to 1e-9 for what it only bounds."""
    if expected is None or served is None:
        return expected is None and served is None
    if isinstance(expected, bool) or isinstance(served, bool):
        return expected is served
    if isinstance(expected, (int, Decimal)) and isinstance(served, (int, Decimal)):
        return Fraction(served) == Fraction(expected)
    if isinstance(expected, Near):
        return isinstance(served, (int, float, Decimal)) and math.isclose(float(served), expected, rel_tol=1e-9)
    if isinstance(expected, float):
        return isinstance(served, (int, float, Decimal)) and float(served) == expected
    if isinstance(expected, Fraction):
        return isinstance(served, (int, float, Decimal)) and math.isclose(float(served), float(expected), rel_tol=1e-12)
    if isinstance(expected, list):
        return isinstance(served, list) and len(served) == len(expected) and all(map(same, served, expected))
    if isinstance(expected, dict):
        return isinstance(served, dict) and served.keys() == expected.keys() and all(
            same(served[key], expected[key]) for key in expected)
    return served == expected


def compare(server, oracle, entity, keys, features, t, batch=200):
    """Looks `keys` up in batches; returns (number of values compared, list of differences as text)."""
    compared, differences = 0, []
    for at in range(0, len(keys), batch):
        part = keys[at:at + batch]
        answer = server.lookup(features=features, keys=part, as_of=t)
        assert answer["features"] == features
        assert [result["key"] for result in answer["results"]] == part
        for result in answer["results"]:
            expected = oracle.features(entity, result["key"], t)
            for name, value, status in zip(features, result["values"], result["statuses"], strict=True):
                compared += 1
                if not same(value, expected[name]):
                    differences.append(f"{result['key']} {name}: served {value!r} ({status}), expected {expected[name]!r}")
    return compared, differences


def check_counters(program, oracle):
    """The program's counts of applied and dropped events are the oracle's, exactly."""
    applied = {stream: n for (stream,), n in program.counters("millrace_events_applied_total", "stream").items() if n}
    assert applied == dict(oracle.applied), f"applied: {applied}, the oracle {dict(oracle.applied)}"
    dropped = {key: n for key, n in program.counters("millrace_events_dropped_total", "stream", "reason").items() if n}
    assert dropped == dict(oracle.dropped), f"dropped: {dropped}, the oracle {dict(oracle.dropped)}"
