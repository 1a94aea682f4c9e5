// Whether features are still what they were: alerts, the newest hour of each feature, and a feature's hours against those that are usual.
import { h, setText, table, facts, badge, panel, problem, empty, replace } from "./dom.js";
import { count, none, parseTime, short, time } from "./format.js";
import { bars, lines } from "./chart.js";
import { getJSON, path } from "./api.js";
import { link } from "./route.js";

const states = {
  alert: ["overdue", "beyond a threshold"], ok: ["present", "as usual"], learning: ["missing", "nothing to compare with yet"],
  warming: ["warming", "its window is not full yet"], few: ["missing", "too few observations this hour"], idle: ["missing", "never observed"],
};
const measures = {
  psi: ["PSI", "How much of the population has moved between the deciles of the usual hours"],
  mean_shift: ["Mean shift", "In deviations of the usual hours (sigmas)"],
  null_rate: ["Nulls more", "Null rate, less the usual one"],
  range: ["Out of range", "Share of values beyond all that was recorded"],
  stuck: ["Stuck", "Share of the most frequent value"],
};
const refreshMilliseconds = 10_000;

export async function open(content, context) {
  const [entity, feature] = context.path;
  if (entity && feature) return page(content, entity, feature, context);
  return list(content);
}

async function asked(address) {
  try { return await getJSON(address); } catch (error) {
    if (error.status === 404 && address === "v1/monitoring") return { enabled: false, features: [], alerts: [] };
    throw error;
  }
}

/** Calls `show` with the answer, now and every ten seconds. */
async function following(address, failed, show) {
  let timer = null, isOver = false;
  const again = async () => {
    if (document.visibilityState === "visible") {
      try { const answer = await asked(address); if (!isOver) show(answer); } catch (error) { if (!isOver) failed(error); }
    }
    if (!isOver) timer = setTimeout(again, refreshMilliseconds);
  };
  show(await asked(address));
  timer = setTimeout(again, refreshMilliseconds);
  return { close() { isOver = true; clearTimeout(timer); } };
}

async function list(content) {
  const body = h("div", { class: "view" });
  const lead = h("p", { class: "lead" });
  const alerts = table("Alerts", [
    { title: "Feature", head: true, cell: (row) => h("a", { href: link(["drift", row.entity, row.feature]) }, row.feature), same: (row) => row.feature },
    { title: "Entity", cell: (row) => row.entity },
    { title: "Measure", cell: (row) => measures[row.measure]?.[0] ?? row.measure },
    { title: "Value", number: true, cell: (row) => measured(row) },
    { title: "Threshold", number: true, cell: (row) => measured({ measure: row.measure, value: row.threshold }, false) },
    { title: "State", cell: (row) => badge(row.state === "firing" ? "overdue" : "present", row.state), same: (row) => row.state },
    { title: "Since", cell: (row) => time(row.since), same: (row) => row.since },
    { title: "Hour", cell: (row) => time(row.hour), same: (row) => row.hour },
  ], { id: (row) => `${row.entity}\n${row.feature}\n${row.measure}\n${row.since}`, empty: "No alert: whatever could be judged is as usual." });
  const features = table("Features, newest hour", [
    { title: "Feature", head: true, cell: (row) => h("a", { href: link(["drift", row.entity, row.feature]) }, row.feature), same: (row) => row.feature },
    { title: "Entity", cell: (row) => row.entity },
    { title: "State", cell: (row) => badge(states[row.state]?.[0] ?? "missing", row.state, states[row.state]?.[1]), same: (row) => row.state },
    ...Object.entries(measures).map(([name, [title, hint]]) => ({
      title, hint, number: true,
      cell: (row) => {
        const found = row.measures?.find((measure) => measure.measure === name);
        return found ? h("span", { class: found.is_alert ? "beyond" : null, title: `threshold ${measured({ measure: name, value: found.threshold }, false)}` }, measured(found)) : none;
      },
      same: (row) => JSON.stringify(row.measures?.find((measure) => measure.measure === name) ?? null),
    })),
    { title: "Mean", number: true, cell: (row) => short(row.summary?.mean) },
    { title: "Usual", number: true, hint: "The mean of the hours that it is compared with", cell: (row) => short(row.comparison?.summary?.mean) },
    { title: "Observed", number: true, hint: "In its newest hour", cell: (row) => row.summary ? count(row.summary.count) : none },
  ], { id: (row) => `${row.entity}\n${row.feature}`, rowClass: (row) => row.state === "alert" ? "bad" : "" });
  content.append(h("h1", null, "Drift"), body);
  return following("v1/monitoring", (error) => replace(body, problem(error)), (answer) => {
    if (!answer.enabled) {
      replace(body, empty("This server does not watch the values of its features. ", h("code", null, "monitoring: {enabled: true}"), " in the definitions does: each hour's values are then held against those that are usual for that hour."));
      return;
    }
    if (!alerts.element.isConnected) replace(body, lead, panel("Alerts", alerts.element), panel("Features", features.element, h("p", { class: "note" }, "A measure is an alert beyond its threshold, which its title says. A feature's name shows its hours against the usual ones.")));
    alerts.update(answer.alerts);
    const order = ["alert", "warming", "ok", "learning", "few", "idle"];
    features.update([...answer.features].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state)));
    const firing = answer.alerts.filter((alert) => alert.state === "firing").length;
    setText(lead, `${firing === 0 ? "No alert fires" : firing === 1 ? "1 alert fires" : `${firing} alerts fire`}. ${count(answer.observed?.observations)} observations, ${Math.round(100 * Number(answer.observed?.share ?? 1))} % of those that could be made.`);
  });
}

async function page(content, entity, feature, { query, go }) {
  const spans = { 48: "2 days", 168: "1 week", 672: "4 weeks" };
  const hours = spans[query.hours] ? query.hours : "168";
  const span = h("select", { id: "span", onchange: () => go(["drift", entity, feature], { hours: span.value }) }, Object.entries(spans).map(([value, title]) => h("option", { value }, title)));
  span.value = hours;
  const body = h("div", { class: "view" });
  content.append(h("p", { class: "crumbs" }, h("a", { href: link(["drift"]) }, "Drift"), ` / ${entity} / `), h("h1", null, feature),
    h("form", { class: "filters", onsubmit: (event) => event.preventDefault() }, h("p", { class: "field" }, h("label", { for: "span" }, "Hours of the last"), span)), body);
  let shown = "";
  return following(path`v1/monitoring/${feature}` + path`?entity=${entity}&hours=${hours}`, (error) => replace(body, problem(error)), (answer) => {
    const text = JSON.stringify(answer);
    if (text === shown) return;
    shown = text;
    replace(body, evidence(answer));
  });
}

function evidence(answer) {
  const { summary, comparison, series } = answer;
  const [kind, meaning] = states[answer.state] ?? ["missing", ""];
  if (!summary && series.length === 0) return empty("Nothing of this feature has been observed yet. Its entities are read when events touch them.");
  const at = (entry) => parseTime(entry.hour);
  const line = (pick) => series.map((entry) => ({ at: at(entry), value: pick(entry) }));
  const alerts = series.filter((entry) => entry.measures.some((measure) => measure.is_alert)).map(at);
  const hasMean = series.some((entry) => entry.summary.mean !== null && entry.summary.mean !== undefined);
  const numbers = table("Hours, newest first", [
    { title: "Hour", head: true, cell: (row) => time(row.hour) },
    { title: "Observed", number: true, cell: (row) => count(row.summary.count) },
    { title: "Mean", number: true, cell: (row) => short(row.summary.mean) }, { title: "Usual", number: true, cell: (row) => short(row.comparison?.mean) },
    { title: "p50", number: true, cell: (row) => short(row.summary.quantiles?.p50) }, { title: "Usual", number: true, cell: (row) => short(row.comparison?.p50) },
    { title: "Nulls", number: true, cell: (row) => percent(row.summary.null_rate) }, { title: "Usual", number: true, cell: (row) => percent(row.comparison?.null_rate) },
    { title: "Beyond a threshold", cell: (row) => row.measures.filter((measure) => measure.is_alert).map((measure) => `${measures[measure.measure]?.[0] ?? measure.measure} ${measured(measure)}`).join(", ") || none },
  ], { id: (row) => row.hour, rowClass: (row) => row.measures.some((measure) => measure.is_alert) ? "bad" : "" });
  numbers.update([...series].reverse());
  return [
    h("div", { class: "columns" },
      panel(["Newest hour ", badge(kind, answer.state)], facts([
        ["State", meaning], ["Hour", answer.hour && [time(answer.hour), answer.is_open ? " (at hand)" : ""]],
        ["Observed", summary && `${count(summary.count)}, of ${count(summary.entities)} entities`],
        ["Mean", summary && summary.mean !== null ? `${short(summary.mean)} ± ${short(summary.deviation)}` : null],
        ["Range", summary && summary.min !== null ? `${short(summary.min)} to ${short(summary.max)}` : null],
        ["Nulls", summary && percent(summary.null_rate)],
        ["Compared with", comparison && `${count(comparison.hours)} ${comparison.hours === 1 ? "hour" : "hours"}, ${String(comparison.kind).replaceAll("_", " ")}`],
        ...answer.measures.map((measure) => [measures[measure.measure]?.[0] ?? measure.measure, [h("span", { class: measure.is_alert ? "beyond" : null }, measured(measure)), h("span", { class: "muted" }, ` of ${measured({ measure: measure.measure, value: measure.threshold }, false)}`)]]),
      ])),
      answer.histogram.length ? panel("Values of the newest hour", bars({ name: `Shares of the values of ${answer.feature} in ten bins, beside the usual ones`, bins: answer.histogram }), h("p", { class: "note" }, key("now block", "this hour"), " ", key("usual block", "usual"), " Bins are the deciles of the usual hours."), bins(answer.histogram)) : null),
    hasMean ? panel("Mean by the hour", lines({
      name: `Mean of ${answer.feature} by the hour, with the usual mean and its deviation`, now: line((entry) => entry.summary.mean), usual: line((entry) => entry.comparison?.mean ?? null),
      band: line((entry) => entry.comparison && entry.comparison.mean !== null ? Number(entry.comparison.deviation) : null), marks: alerts,
    }), h("p", { class: "note" }, key("now", "observed"), " ", key("usual", "usual, with one deviation around it"), alerts.length ? [" ", key("mark", "an hour with an alert")] : null)) : null,
    panel("Null rate by the hour", lines({ name: `Null rate of ${answer.feature} by the hour`, now: line((entry) => entry.summary.null_rate), usual: line((entry) => entry.comparison?.null_rate ?? null), marks: alerts, height: 120, isShare: true })),
    panel("Hours", numbers.element),
  ];
}

function bins(histogram) {
  const shown = table("Shares by bin", [
    { title: "From", head: true, number: true, cell: (row) => row.low === null ? "lowest" : short(row.low) }, { title: "To", number: true, cell: (row) => row.high === null ? "highest" : short(row.high) },
    { title: "This hour", number: true, cell: (row) => percent(row.share) }, { title: "Usual", number: true, cell: (row) => percent(row.compared_share) },
  ], { id: (row) => row.at });
  shown.update(histogram.map((bin, at) => ({ ...bin, at })));
  return h("details", null, h("summary", null, "As a table"), shown.element);
}

function key(kind, text) { return h("span", { class: `key ${kind}` }, text); }
function percent(value) { return value === null || value === undefined ? none : `${Number((100 * Number(value)).toPrecision(3))} %`; }

/** A measure or, without its sign, a threshold. */
function measured({ measure, value }, isSigned = true) {
  if (value === null) return none;
  const sign = isSigned && ["mean_shift", "null_rate"].includes(measure) ? (value > 0 ? "+" : value < 0 ? "−" : "") : "";
  const size = Math.abs(Number(value));
  return sign + (measure === "mean_shift" ? `${short(size)} σ` : measure === "psi" ? short(size) : percent(size));
}
