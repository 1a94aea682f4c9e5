// What was not applied and why, and where broken records went.
import { badge, facts, h, panel, table, replace, problem } from "./dom.js";
import { count, counted, none, share, short, time } from "./format.js";
import { getIfThere } from "./api.js";
import { growth } from "./metrics.js";

const reasons = {
  malformed: ["It could not be decoded, has no key or no time, or a value is out of range.", "Look at the dead-letter topic: each record says in its headers what is wrong and where it came from. Correct the producer."],
  unknown: ["A schema that the stream does not declare.", "Declare it, or keep such records out of the topic."],
  future: ["Its time is later than the broker's by more than max_clock_skew.", "Set the producer's clock, or raise max_clock_skew if such events are right."],
  late: ["Older than the stream's allowed lateness, or than every tile that is kept.", "Raise allowed_lateness, or find out what held the events up."],
  duplicate: ["An event with its id was applied before.", "Nothing: it is counted once, as it should be. Many of them mean that a producer sends again and again."],
  empty: ["A record without a value: a tombstone.", "Nothing: there is nothing to apply."],
  before_cutover: ["From before the time that a backfill took over.", "Nothing: the backfill has applied it from the logs."],
  erased: ["Of an entity that was erased.", "Nothing: an erasure is for ever. Who comes back needs a new id."],
};

export async function open(content, { monitor, catalogue, query }) {
  const [{ streams }] = await Promise.all([catalogue(), monitor.begun]);
  const [lately, contracts] = await Promise.all([getIfThere("v1/drops"), getIfThere("v1/contracts")]);
  const body = h("div"), blank = h("p", { class: "empty" }, "Nothing was dropped: every event that came was applied. What is not applied is counted here by its reason, and kept in a dead-letter topic where the stream names one.");
  const totals = table("Dropped events by stream and reason", [
    { title: "Stream", head: true, cell: (row) => row.stream },
    { title: "Reason", cell: (row) => row.reason },
    { title: "In all", number: true, cell: (row) => counted(row.total), same: (row) => `${row.total}` },
    { title: "Last minute", number: true, cell: (row) => count(row.minute) },
    { title: "Share of the stream", number: true, cell: (row) => share(row.total, row.of) },
  ], { id: (row) => `${row.stream}\n${row.reason}`, rowClass: (row) => row.reason === query.reason ? "chosen" : "" });
  const letters = table("Dead-letter topics", [
    { title: "Stream", head: true, cell: (row) => row.name },
    { title: "Topic", cell: (row) => h("code", null, row.topic), same: (row) => row.topic },
    { title: "Dead letters go to", cell: (row) => row.dead_letter_topic === null ? "nowhere: they are counted only" : h("code", null, row.dead_letter_topic), same: (row) => `${row.dead_letter_topic}` },
  ], { id: (row) => row.name });
  letters.update(streams);
  const sent = h("div"), meanings = h("div");
  replace(content, h("h1", null, "Drops and dead letters"), panel("Dropped events", body, meanings),
    examples(lately), agreed(contracts),
    panel("Dead letters", sent, letters.element,
      h("p", { class: "note" }, "A dead letter is the record as it came, with headers that name the reason, its topic, partition and offset. ", h("code", null, "kcat -C -t TOPIC -f '%h %s\\n'"), " shows them.")));

  const stop = monitor.listen(() => {
    const { latest, minuteAgo } = monitor;
    if (!latest) { if (monitor.error) replace(body, problem(monitor.error)); return; }
    const rows = latest.samples("millrace_events_dropped_total").filter((sample) => sample.value > 0).map(({ labels, value }) => ({
      ...labels, total: value, minute: growth(minuteAgo, latest, "millrace_events_dropped_total", labels),
      of: (latest.sum("millrace_events_applied_total", { stream: labels.stream }) ?? 0) + (latest.sum("millrace_events_dropped_total", { stream: labels.stream }) ?? 0),
    }));
    const wanted = rows.length ? totals.element : blank;
    if (!wanted.isConnected) replace(body, wanted);
    totals.update(rows);
    const present = Object.keys(reasons).filter((reason) => rows.some((row) => row.reason === reason));
    if (meanings.dataset.said !== present.join()) {
      meanings.dataset.said = present.join();
      replace(meanings, facts(present.map((reason) => [reason, [reasons[reason][0], " ", h("span", { class: "muted" }, reasons[reason][1])]])));
    }
    const failed = latest.sum("millrace_dead_letters_failed_total");
    const said = `${count(latest.sum("millrace_dead_letters_total"))} sent since the server started`;
    if (sent.dataset.said !== said + failed) {
      sent.dataset.said = said + failed;
      replace(sent, h("p", { class: "lead" }, said, failed ? h("strong", null, `; ${count(failed)} could not be delivered`) : ", all of them delivered", "."));
    }
  });
  return { close: stop };
}

/** Where the newest dropped records lie, and what is wrong with each. */
function examples(lately) {
  const rows = (lately?.drops ?? []).flatMap((entry) => entry.examples.map((example, at) => ({ ...entry, ...example, at })))
    .sort((a, b) => b.time.localeCompare(a.time));
  if (rows.length === 0) return null;
  const shown = table("Examples, newest first", [
    { title: "When", head: true, cell: (row) => time(row.time) }, { title: "Stream", cell: (row) => row.stream }, { title: "Reason", cell: (row) => row.reason },
    { title: "What is wrong", wide: true, cell: (row) => row.detail },
    { title: "Record", cell: (row) => h("code", null, `${row.topic}[${row.partition}] ${row.offset}`) },
  ], { id: (row) => `${row.topic}\n${row.partition}\n${row.offset}\n${row.reason}` });
  shown.update(rows);
  return panel("Examples", h("div", { class: "tall" }, shown.element), h("p", { class: "note" }, "The newest of each reason since the server started: where the record lies, never what it holds."));
}

/** What the definitions expect of the streams' fields, and how it is kept to. */
function agreed(contracts) {
  const streams = contracts?.streams ?? [];
  const rows = streams.flatMap((stream) => [
    ...(stream.volume ? [{ stream: stream.stream, what: "events a minute", expect: `${stream.volume.min ?? "any"} to ${stream.volume.max ?? "any"}`, now: stream.volume.last_minute ? count(stream.volume.last_minute.events) : none, broken: `${count(stream.volume.below)} below, ${count(stream.volume.above)} above`, state: stream.volume.state }] : []),
    ...stream.fields.map((field) => ({
      stream: stream.stream, what: field.field, expect: Object.entries(field.expect).map(([rule, bound]) => `${rule} ${Array.isArray(bound) ? bound.join(", ") : bound}`).join("; "),
      now: field.hour ? `${count(field.hour.violations)} of ${count(field.hour.checked)}` : none,
      broken: Object.entries(field.violations).map(([rule, number]) => `${short(number)} ${rule}`).join(", "), state: field.state,
    })),
  ]);
  if (rows.length === 0) return null;
  const shown = table("Contracts", [
    { title: "Stream", head: true, cell: (row) => row.stream }, { title: "Of", cell: (row) => row.what }, { title: "Expected", wide: true, cell: (row) => row.expect },
    { title: "State", cell: (row) => badge(row.state === "ok" ? "present" : "overdue", row.state) },
    { title: "This hour", number: true, cell: (row) => row.now }, { title: "Broken since the start", cell: (row) => row.broken },
  ], { id: (row) => `${row.stream}\n${row.what}` });
  shown.update(rows);
  const listed = streams.flatMap((stream) => stream.examples.map((example, at) => ({ ...example, stream: stream.stream, topic: stream.topic, at })));
  const broken = table("Events that broke a contract, newest first", [
    { title: "When", head: true, cell: (row) => time(row.time) }, { title: "Stream", cell: (row) => row.stream }, { title: "Field", cell: (row) => row.field },
    { title: "Rule", cell: (row) => row.rule }, { title: "Value", wide: true, cell: (row) => row.value }, { title: "Record", cell: (row) => h("code", null, `${row.topic}[${row.partition}] ${row.offset}`) },
  ], { id: (row) => `${row.stream}\n${row.at}` });
  broken.update(listed);
  return panel("Contracts of the inputs", shown.element, listed.length ? h("div", { class: "tall" }, broken.element) : null,
    h("p", { class: "note" }, "A contract is watched and not enforced: events that break it are applied."));
}
