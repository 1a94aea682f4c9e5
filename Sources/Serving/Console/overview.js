// How the server does at this moment: what comes in, what goes out, how far behind, what was left out and why.
import { h, setText, table, badge, panel, problem } from "./dom.js";
import { bytes, count, counted, duration, none, rate, share, short } from "./format.js";
import { Sparkline } from "./chart.js";
import { growth, perSecond, quantiles, ratio } from "./metrics.js";
import { link } from "./route.js";

export async function open(content, { monitor }) {
  await monitor.begun;
  const cards = {
    applied: new Card("Events applied", rate, (point) => point.applied),
    lookups: new Card("Lookups", rate, (point) => point.lookups),
    latency: new Card("Lookup, p99", duration, (point) => point.p99),
    lag: new Card("Lag", (value) => `${count(value)} events`, (point) => point.lag),
    freshness: new Card("Oldest state", duration, (point) => point.freshness),
    dropped: new Card("Events dropped", rate, (point) => point.dropped),
  };
  const streams = streamTable(), latency = latencyTable(), outcomes = outcomeTable(), dropped = dropTable(), work = workTable();
  const notice = h("div", { class: "notices" });
  content.append(
    h("h1", null, "Overview"), notice,
    h("section", { "aria-label": "Now", class: "cards" }, Object.values(cards).map((card) => card.element)),
    h("div", { class: "columns" }, h("div", { class: "stack" },
      panel("Streams", streams.element, h("p", { class: "note" }, "Totals are part of the state: they survive restarts and count each event once. Rates are of the last two seconds.")),
      panel("Lookups of the last minute", latency.element, outcomes.element)),
    h("div", { class: "stack" },
      panel("Dropped, by reason", dropped.element, h("p", { class: "note" }, h("a", { href: link(["drops"]) }, "What each reason means, and dead letters"))),
      panel("Ingest", work.element))));

  const stop = monitor.listen(() => {
    const { latest, previous, minuteAgo, shards } = monitor;
    notices(notice, monitor);
    if (!latest) return;
    for (const card of Object.values(cards)) card.update(monitor.history);

    const applied = latest.by("millrace_events_applied_total", "stream"), drops = latest.by("millrace_events_dropped_total", "stream");
    const totalDropped = [...drops.values()].reduce((sum, value) => sum + value, 0), totalApplied = [...applied.values()].reduce((sum, value) => sum + value, 0);
    cards.applied.note(`${count(totalApplied)} in all`);
    cards.dropped.note(`${count(totalDropped)} in all, ${share(totalDropped, totalDropped + totalApplied)}`);
    streams.update([...applied].map(([stream, events]) => ({
      stream, events, dropped: drops.get(stream) ?? 0, rate: monitor.history.at(-1).streams.get(stream) ?? null,
      past: monitor.history.map((point) => point.streams.get(stream) ?? null),
    })));

    const lookups = quantiles(minuteAgo, latest, "millrace_lookup_seconds", [0.5, 0.9, 0.99, 0.999]);
    latency.update([{ id: "lookups", name: "Lookups", ...lookups }, { id: "pushes", name: "Pushes", ...quantiles(minuteAgo, latest, "millrace_push_seconds", [0.5, 0.9, 0.99, 0.999]) }]
      .filter((row) => row.total > 0 || row.id === "lookups"));
    cards.latency.note(lookups.total ? `p50 ${duration(lookups.values[0] * 1000)}, of ${count(lookups.total)}` : "none in the last minute");
    cards.lookups.note(`${count(latest.sum("millrace_lookup_keys_total"))} entities so far`);
    outcomes.update(outcomesOf(minuteAgo, latest));
    cards.lag.note(shards.shards.length ? `${shards.shards.length} ${shards.shards.length === 1 ? "shard" : "shards"}` : "no shard yet");
    cards.freshness.note("0 when all is applied");
    dropped.update([...latest.by("millrace_events_dropped_total", "reason")].filter(([, total]) => total > 0).map(([reason, total]) => ({
      reason, total, minute: growth(minuteAgo, latest, "millrace_events_dropped_total", { reason }), of: totalDropped,
    })).sort((a, b) => b.total - a.total));
    work.update(workOf(previous, minuteAgo, latest));
  });
  return { close: stop };
}

function notices(notice, monitor) {
  if (monitor.error && !monitor.latest) {
    if (notice.dataset.said !== monitor.error.title) notice.replaceChildren(problem(monitor.error));
    notice.dataset.said = monitor.error.title;
    return;
  }
  const stopped = monitor.shards?.shards.filter((shard) => shard.state === "stopped") ?? [];
  const text = stopped.map((shard) => `Shard ${shard.shard} is stopped: ${shard.reason ?? "no reason given"}`);
  if (monitor.latest?.sum("millrace_kafka_connected") === 0) text.push("No broker answers. Lookups are answered from what is on the disk; reading goes on when one does.");
  if (monitor.latest && monitor.shards && monitor.shards.shards.length === 0) text.push("No shard yet: the consumer group has given this server none, or no broker is reachable. Lookups are answered once one is open.");
  const said = text.join("\n");
  if (notice.dataset.said === said) return;
  notice.dataset.said = said;
  notice.replaceChildren(...text.map((line) => h("p", { class: "notice" }, line)));
}

class Card {
  constructor(title, text, pick) {
    this.text = text;
    this.pick = pick;
    this.spark = new Sparkline(title, text);
    this.value = h("p", { class: "figure" }, none);
    this.under = h("p", { class: "muted small" }, "\u00a0");
    this.element = h("article", { class: "card" }, h("h2", null, title), this.value, this.under, this.spark.element);
  }

  update(history) {
    const values = history.map(this.pick);
    const last = values.at(-1);
    setText(this.value, last === null || last === undefined ? none : this.text(last));
    this.spark.update(values);
  }

  note(text) { setText(this.under, text); }
}

function streamTable() {
  const sparks = new Map();
  return table("Streams", [
    { title: "Stream", head: true, cell: (row) => row.stream },
    { title: "Applied", number: true, cell: (row) => counted(row.events), same: (row) => `${row.events}` },
    { title: "Rate", number: true, cell: (row) => rate(row.rate) },
    { title: "Dropped", number: true, cell: (row) => counted(row.dropped), same: (row) => `${row.dropped}` },
    { title: "Share", number: true, hint: "Of all that came", cell: (row) => share(row.dropped, row.dropped + row.events) },
    { title: "Last 5 min", same: (row) => {
      sparks.get(row.stream)?.update(row.past);
      return "drawn";
    }, cell: (row) => {
      const spark = new Sparkline(`Events of ${row.stream} applied per second`, rate, { width: 110, height: 24 });
      sparks.set(row.stream, spark);
      spark.update(row.past);
      return spark.element;
    } },
  ], { id: (row) => row.stream, empty: "No streams are declared." });
}

function dropTable() {
  return table("Dropped events by reason", [
    { title: "Reason", head: true, cell: (row) => h("a", { href: link(["drops"], { reason: row.reason }) }, row.reason), same: (row) => row.reason },
    { title: "In all", number: true, cell: (row) => counted(row.total), same: (row) => `${row.total}` },
    { title: "Last minute", number: true, cell: (row) => count(row.minute) },
    { title: "Share of drops", number: true, cell: (row) => share(row.total, row.of) },
  ], { id: (row) => row.reason, empty: "Nothing was dropped: every event that came was applied." });
}

function latencyTable() {
  const at = (index) => (row) => row.values[index] === null ? none : duration(row.values[index] * 1000);
  return table("Time to answer, last minute", [
    { title: "Time to answer", head: true, cell: (row) => row.name },
    { title: "Answers", number: true, cell: (row) => count(row.total) },
    { title: "p50", number: true, cell: at(0) }, { title: "p90", number: true, cell: at(1) },
    { title: "p99", number: true, cell: at(2) }, { title: "p99.9", number: true, cell: at(3) },
  ], { id: (row) => row.id });
}

function outcomeTable() {
  return table("Outcomes, last minute", [
    { title: "Outcome", head: true, cell: (row) => badge(row.kind, row.name), same: (row) => row.name },
    { title: "Last minute", number: true, cell: (row) => count(row.minute) },
    { title: "Since the start", number: true, cell: (row) => counted(row.total), same: (row) => `${row.total}` },
    { title: "What it is", cell: (row) => row.what },
  ], { id: (row) => row.name, empty: "No lookup has come yet." });
}

function outcomesOf(before, latest) {
  const rows = [...latest.by("millrace_lookups_total", "outcome")].filter(([, total]) => total > 0).map(([name, total]) => ({
    name, total, kind: name === "ok" ? "present" : "missing", what: name === "ok" ? "answered" : "refused with this problem",
    minute: growth(before, latest, "millrace_lookups_total", { outcome: name }),
  }));
  const reasons = { late: "refused: waited too long for its turn", batch: "refused: no room for another large request", deadline: "refused: its sender's time was over", memory: "refused: server.max_held_size is used up" };
  for (const [name, total] of latest.by("millrace_requests_refused_total", "reason")) {
    if (total > 0) rows.push({ name, total, kind: "overdue", what: reasons[name] ?? "refused", minute: growth(before, latest, "millrace_requests_refused_total", { reason: name }) });
  }
  for (const [name, total] of latest.by("millrace_degraded_values_total", "status")) {
    if (total > 0) rows.push({ name: `${name} values`, total, kind: "fallback", what: name === "overdue" ? "values not read before a deadline" : "values of another entity", minute: growth(before, latest, "millrace_degraded_values_total", { status: name }) });
  }
  return rows;
}

function workTable() {
  return table("Ingest", [
    { title: "What", head: true, cell: (row) => row.name },
    { title: "Last minute", number: true, cell: (row) => row.value },
    { title: "That is", wide: true, cell: (row) => row.what },
  ], { id: (row) => row.name });
}

function workOf(previous, before, latest) {
  const micro = (part, whole) => {
    const seconds = ratio(before, latest, part, whole);
    return seconds === null ? none : duration(seconds * 1000);
  };
  const held = latest.sum("millrace_ingest_held_bytes"), limit = latest.sum("millrace_ingest_held_bytes_limit");
  const latency = quantiles(before, latest, "millrace_ingest_latency_seconds", [0.5, 0.99]);
  const batch = ratio(before, latest, "millrace_records_consumed_total", "millrace_batches_total");
  return [
    { name: "Records read", value: rate(perSecond(previous, latest, "millrace_records_consumed_total")), what: `${bytes(perSecond(previous, latest, "millrace_bytes_consumed_total"))}/s of keys and values` },
    { name: "Produced to served", value: latency.total ? duration(latency.values[1] * 1000) : none, what: latency.total ? `p99 of ${count(latency.total)} ${latency.total === 1 ? "batch" : "batches"}; p50 ${duration(latency.values[0] * 1000)}` : "no batch in the last minute" },
    { name: "Decoding", value: micro("millrace_decode_seconds_total", "millrace_records_consumed_total"), what: "a record" },
    { name: "Applying", value: micro("millrace_apply_seconds_total", "millrace_records_consumed_total"), what: "a record" },
    { name: "Committing", value: micro("millrace_commit_seconds_total", "millrace_batches_total"), what: batch === null ? "a batch" : `a batch, of ${short(batch)} records` },
    { name: "Waiting or at work", value: bytes(held), what: `of at most ${bytes(limit)}${latest.sum("millrace_ingest_paused_shards") ? `; ${latest.sum("millrace_ingest_paused_shards")} shards paused` : ""}` },
    { name: "Dead letters", value: count(growth(before, latest, "millrace_dead_letters_total")), what: `${count(latest.sum("millrace_dead_letters_total"))} since the start, ${count(latest.sum("millrace_dead_letters_failed_total"))} undelivered` },
    { name: "In another partition", value: count(growth(before, latest, "millrace_partition_mismatch_total")), what: `${count(latest.sum("millrace_partition_mismatch_total"))} since the start` },
  ];
}
