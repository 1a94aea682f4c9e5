"""The oracle against cases worked out by hand. Needs neither a broker nor the program."""
import json
from decimal import Decimal

import pytest
import xxhash
import yaml

from differences import same
from expressions import Expression
from oracle import Near, Oracle, duration, ladder_hop

SECOND = 1_000_000
T0 = 1_764_547_200 * SECOND

DEFINITIONS = yaml.safe_load("""
streams:
  clicks:
    topic: clicks
    keys: {customer: customer_id}
    time: {path: event_time, format: epoch_ms}
    id: event_id
    allowed_lateness: 1h
    max_clock_skew: 1m
    fields:
      category: {path: product.category, type: string}
      price: {path: product.price, type: decimal, scale: 2}
views:
  browsing:
    entity: customer
    stream: clicks
    features:
      clicks: {aggregation: count, windows: [5m, lifetime]}
      spent: {aggregation: sum, field: price, windows: [5m]}
      average: {aggregation: mean, field: price, windows: [5m]}
      cheapest: {aggregation: min, field: price, windows: [5m]}
      dearest: {aggregation: max, field: price, windows: [5m]}
      entry: {aggregation: first, field: category, windows: [lifetime]}
      latest: {aggregation: last, field: category, windows: [lifetime]}
      trail: {aggregation: last_n, field: category, n: 3, windows: [lifetime]}
      visited: {aggregation: last_n, field: category, n: 3, distinct: true, windows: [lifetime]}
      kinds: {aggregation: distinct_count, field: category, windows: [5m]}
      by_category: {aggregation: count_by, by: category, windows: [5m]}
      money: {aggregation: sum_by, field: price, by: category, windows: [5m]}
      idle: {aggregation: time_since_last, windows: [5m]}
      known: {aggregation: time_since_first, windows: [5m]}
      spread: {aggregation: stddev, field: price, windows: [5m]}
      fresh: {aggregation: decayed_count, half_life: 2s, windows: [5m]}
      warm: {aggregation: decayed_sum, field: price, half_life: 2s, windows: [5m]}
      visits: {aggregation: session_count, gap: 1s, windows: [5m]}
      visit: {aggregation: session_length, gap: 1s, windows: [5m]}
      bounced: {aggregation: bounce_rate, gap: 1s, windows: [5m]}
      days: {aggregation: streak, windows: [5m]}
  shoes:
    entity: customer
    stream: clicks
    where: category == "shoes" and price > 10
    features:
      shoe_clicks: {aggregation: count, windows: [5m], default: 0}
derived:
  customer:
    # A derived feature may need one that stands below it.
    twice: {expression: "shoe_share * 2"}
    shoe_share: {expression: "shoe_clicks_5m / max(clicks_5m, 1)"}
    favourite: {expression: "coalesce(get(by_category_5m, latest_lifetime), 0) > 1", default: false}
""")


@pytest.fixture
def oracle():
    return Oracle(DEFINITIONS)


def click(oracle, id_, seconds, category="shoes", price="20.00", customer="c1", arrives=None):
    price = "null" if price is None else price
    payload = (f'{{"event_id":{json.dumps(id_)},"customer_id":"{customer}","event_time":{(T0 + int(seconds * SECOND)) // 1000},'
               f'"product":{{"category":{json.dumps(category)},"price":{price}}}}}')
    return oracle.offer("clicks", payload.encode(), T0 + int((seconds if arrives is None else arrives) * SECOND))


def test_durations_and_the_hop_ladder():
    assert duration("15m") == 900 * SECOND
    assert [ladder_hop(duration(w)) // SECOND for w in ("10s", "5m", "14m", "15m", "1h", "24h", "7d", "30d", "60d")] == [
        5, 5, 5, 15, 60, 900, 3_600, 21_600, 86_400]


def test_left_edge_is_snapped_down_and_closed_and_right_edge_is_exact(oracle):
    for number, seconds in enumerate((0, 0.001, 4.999, 5, 300, 304.999)):
        assert click(oracle, f"e{number}", seconds) == "applied"
    # 304.999 s lies in the hop that begins at 300 s: the window reaches back to second 0, closed.
    assert oracle.features("customer", "c1", T0 + 304_999_000)["clicks_5m"] == 6
    # One hop on it reaches back to second 5.
    assert oracle.features("customer", "c1", T0 + 305 * SECOND)["clicks_5m"] == 3
    assert oracle.features("customer", "c1", T0 + 10_000 * SECOND)["clicks_5m"] == 0
    assert oracle.features("customer", "c1", T0 + 10_000 * SECOND)["clicks_lifetime"] == 6


def test_values(oracle):
    for number, (category, price) in enumerate((("shoes", "0.10"), ("shoes", None), ("toys", "0.01"), ("bags", "0.20"), ("bags", "0.02"))):
        click(oracle, f"e{number}", number, category, price)
    values = oracle.features("customer", "c1", T0 + 6 * SECOND)
    assert values["spent_5m"] == Decimal("0.33")
    assert values["average_5m"] == 0.0825
    assert (values["cheapest_5m"], values["dearest_5m"]) == (Decimal("0.01"), Decimal("0.20"))
    assert (values["entry_lifetime"], values["latest_lifetime"]) == ("shoes", "bags")
    assert values["trail_lifetime"] == ["bags", "bags", "toys"]
    assert values["visited_lifetime"] == ["bags", "toys", "shoes"]
    assert values["kinds_5m"] == 3
    assert values["by_category_5m"] == {"shoes": 2, "bags": 2, "toys": 1}
    assert values["money_5m"] == {"shoes": Decimal("0.10"), "bags": Decimal("0.22"), "toys": Decimal("0.01")}
    assert values["idle_5m"] == Decimal("2")
    assert values["known_5m"] == Decimal("6")
    assert (values["visits_5m"], values["visit_5m"], values["bounced_5m"]) == (1, 4.0, 0.0)
    assert values["days_5m"] == 1
    assert values["fresh_5m"] == sum(2.0 ** (-(6 - n) / 2) for n in range(5))
    assert same(values["warm_5m"], Near(0.1 / 8 + 0.01 / 4 + 0.2 * 2 ** -1.5 + 0.02 / 2))


def test_many_distinct_values_are_estimated(oracle):
    for number in range(1000):
        click(oracle, f"e{number}", number / 10, category=f"kind {number}")
    estimate = oracle.features("customer", "c1", T0 + 100 * SECOND)["kinds_5m"]
    assert estimate != 1000 and abs(estimate - 1000) < 92  # Four standard errors.


def test_standard_deviation_and_sessions_by_hand(oracle):
    for number, (seconds, price) in enumerate(((0, 2), (1, 4), (2, 4), (10, 4), (11, 5), (20, 5), (30, 7), (40, 9))):
        click(oracle, f"e{number}", seconds, price=price)
    values = oracle.features("customer", "c1", T0 + 60 * SECOND)
    assert values["spread_5m"] == 2.0
    assert (values["visits_5m"], values["visit_5m"], values["bounced_5m"]) == (5, 0.6, 0.6)


def test_equal_times_are_ordered_by_the_hash_of_the_id(oracle):
    ids = ["a", "b", "c", "d"]
    for id_ in ids:
        click(oracle, id_, 0, category=id_)
    ordered = sorted(ids, key=lambda i: xxhash.xxh64_intdigest(i.encode()))
    values = oracle.features("customer", "c1", T0)
    assert values["latest_lifetime"] == ordered[-1]
    assert values["entry_lifetime"] == ordered[0]
    assert values["trail_lifetime"] == ordered[::-1][:3]


def test_each_drop_has_its_reason(oracle):
    assert click(oracle, "e1", 0) == "applied"
    assert click(oracle, "e1", 0) == "duplicate"
    assert click(oracle, "e2", 3_600) == "applied"
    # Exactly at the allowance an id is still remembered; one millisecond on it is forgotten, and the event is too late.
    assert click(oracle, "e1", 0, arrives=3_600) == "duplicate"
    assert click(oracle, "e3", 0, arrives=3_600) == "applied"
    assert click(oracle, "e4", -0.001, arrives=3_600) == "late"
    assert click(oracle, "e5", 3_600.001) == "applied"
    assert click(oracle, "e1", 0, arrives=3_600) == "late"
    assert click(oracle, "e6", 3_660.001, arrives=3_600) == "future"
    assert click(oracle, "e6", 3_660, arrives=3_600) == "applied"
    assert oracle.offer("clicks", None, T0) == "empty"
    assert oracle.offer("clicks", b"{", T0) == "malformed"
    assert oracle.offer("clicks", b'{"event_id":"x","event_time":1}', T0) == "malformed"
    assert oracle.applied["clicks"] == 5
    assert oracle.dropped["clicks", "duplicate"] == 2 and oracle.dropped["clicks", "late"] == 2


def test_rows_decide_each_for_themselves(oracle):
    click(oracle, "e1", 10_000, customer="c1")
    assert click(oracle, "e1", 0, customer="c2") == "applied"


def test_filters_and_derived_features(oracle):
    click(oracle, "e1", 0, "shoes", "10.00")
    click(oracle, "e2", 1, "shoes", "10.01")
    click(oracle, "e3", 2, "bags", "99.00")
    values = oracle.features("customer", "c1", T0 + 2 * SECOND)
    assert values["shoe_clicks_5m"] == 1
    assert same(Decimal("0.3333333333333333"), values["shoe_share"])
    nobody = oracle.features("customer", "nobody", T0)
    assert nobody["clicks_5m"] is None and nobody["spent_5m"] is None and nobody["shoe_clicks_5m"] == 0
    assert values["twice"] == values["shoe_share"] * 2 and values["favourite"] is False
    idle = oracle.features("customer", "c1", T0 + 10_000 * SECOND)
    assert (idle["clicks_5m"], idle["spent_5m"], idle["kinds_5m"], idle["by_category_5m"]) == (0, 0, 0, {})
    assert idle["average_5m"] is None and idle["idle_5m"] is None and idle["latest_lifetime"] == "bags"


def test_expressions():
    evaluate = lambda text, **values: Expression(text).evaluate(values)  # noqa: E731
    assert evaluate("a / b", a=1, b=0) is None
    assert evaluate("a + 0.1", a=Decimal("0.2")) == Decimal("0.3")
    assert evaluate("max(a, b) - min(a, b) * 2", a=1, b=5) == 3
    assert evaluate("a == null_value or b > 1", a=1, null_value=None, b=2) is True
    assert evaluate("a == null_value and b > 1", a=1, null_value=None, b=2) is None
    assert evaluate("not (a != 'x')", a="x") is True
    assert evaluate("a is null or a != 'bot'", a=None) is True
    assert evaluate("a != 'bot'", a=None) is None
    assert evaluate("a in ('x', 'y') and b is not null", a="y", b=1) is True
    assert evaluate("a not in ('x')", a="x") is False
    assert evaluate("share(m, 'x')", m={"x": 1, "y": 3}) == evaluate("0.25")
    assert evaluate("floor(a / 86400)", a=Decimal("172800.000000")) == 2
    assert Expression("max(a, 1) + floor(b)").names == ["a", "b"]


def test_comparison_of_values():
    assert same(Decimal("1.10"), Decimal("1.1")) and same(1, Decimal("1.00"))
    assert not same(None, 0) and not same(0, None) and not same(True, 1)
    assert not same(Decimal("0.1"), 0.1 + 1e-17 + 2e-17)
    assert same({"a": 1}, {"a": Decimal(1)}) and not same({"a": 1}, {"a": 1, "b": 0})


def test_an_erased_customer_is_gone_and_stays_gone(oracle):
    assert click(oracle, "a", 0) == "applied"
    oracle.erase("customer", "c1")
    assert oracle.features("customer", "c1", T0 + SECOND) == oracle.features("customer", "nobody", T0 + SECOND)
    # Not even what would have been a duplicate or late.
    assert [click(oracle, id_, seconds) for id_, seconds in (("a", 0), ("b", 90_000), ("c", 1))] == ["erased"] * 3
    assert click(oracle, "d", 2, customer="c2") == "applied"
    assert oracle.features("customer", "c2", T0 + 3 * SECOND)["clicks_lifetime"] == 1
