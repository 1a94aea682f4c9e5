// One entity's values, and why each of them is what it is.
import { h, replace, setText, table, badge, facts, problem, empty } from "./dom.js";
import { duration, none, parseTime, timeAgo, timeAs, valueText } from "./format.js";
import { getJSON, postJSON, path } from "./api.js";
import { link } from "./route.js";
import { explanation } from "./explain.js";
import { positions, valueCell } from "./value.js";

const meanings = {
  present: "computed of this entity's events", missing: "no event in the window, or an unknown entity", stale: "older than its ttl, or its shard is too far behind",
  defaulted: "no value: the declared default", warming: "added when events had already been read; its window reaches back to before that",
  fallback: "another entity's value, of a level that the service falls back to", overdue: "not read before the service's deadline",
};

export async function open(content, { services: ask, catalogue, query, go }) {
  const [services, { features, inputs }] = await Promise.all([ask(), catalogue()]);
  let current = { ...query };
  let answer = null;
  let asked = 0;

  const byName = "(features by name)";
  const service = h("select", { id: "service", onchange: () => showFields() },
    services.map(({ name, version, entity }) => h("option", { value: name }, `${name} v${version}, of ${entity}`)), h("option", { value: byName }, "features by name"));
  const names = h("input", { id: "names", list: "known", autocomplete: "off", spellcheck: "false", placeholder: features.slice(0, 2).map((feature) => feature.name).join(", ") });
  const key = h("input", { id: "key", "data-search": true, required: true, autocomplete: "off", spellcheck: "false" });
  const asOf = h("input", { id: "as-of", autocomplete: "off", spellcheck: "false", placeholder: "now", size: 22, "aria-describedby": "as-of-how" });
  const known = h("datalist", { id: "known" }, features.map((feature) => h("option", { value: feature.name })));
  const nameField = h("p", { class: "field grow" }, h("label", { for: "names" }, "Features, with commas between"), names, known);
  const inputFields = h("div", { class: "filters" });
  const said = h("p", { class: "hidden", role: "status" });
  const results = h("div", { class: "answer" }), why = h("section", { class: "panel why", "aria-label": "Why" });
  content.append(h("h1", null, "Lookup"),
    h("form", { class: "filters", onsubmit: submit },
      h("p", { class: "field" }, h("label", { for: "service" }, "Service"), service), nameField,
      h("p", { class: "field grow" }, h("label", { for: "key" }, "Key of the entity"), key),
      h("p", { class: "field" }, h("label", { for: "as-of" }, "As of"), asOf),
      h("p", { class: "field" }, h("button", { type: "submit" }, "Look up")),
      h("p", { class: "note whole", id: "as-of-how" }, "As of: empty is now; a time such as 2026-01-31T12:00:00Z (with the zone: Z or +01:00), or microseconds since the epoch.")),
    inputFields, said, h("div", { class: "split" }, results, why));
  fill();

  function fill() {
    service.value = current.features ? byName : services.some(({ name }) => name === current.service) ? current.service : services[0]?.name ?? byName;
    names.value = current.features ?? "";
    key.value = current.key ?? "";
    asOf.value = current.as_of ?? "";
    showFields();
  }

  function showFields() {
    nameField.hidden = service.value !== byName;
    names.required = service.value === byName;
    const wanted = services.find(({ name }) => name === service.value)?.inputs ?? (service.value === byName ? inputs : []);
    replace(inputFields, wanted.map((input) => h("p", { class: "field" }, h("label", { for: `input-${input.name}` }, `${input.name} (${input.type})`),
      h("input", { id: `input-${input.name}`, "data-input": input.name, "data-type": input.type, autocomplete: "off", value: current[`input.${input.name}`] ?? "", placeholder: input.default === null ? "not given" : valueText(input.default) }))));
    inputFields.hidden = wanted.length === 0;
  }

  function submit(event) {
    event.preventDefault();
    const wanted = { key: key.value, as_of: asOf.value.trim() };
    if (service.value === byName) wanted.features = names.value.trim(); else wanted.service = service.value;
    for (const field of inputFields.querySelectorAll("[data-input]")) if (field.value !== "") wanted[`input.${field.dataset.input}`] = field.value;
    if (current.explain && answer?.features.includes(current.explain)) wanted.explain = current.explain;
    const before = location.hash;
    go(["lookup"], wanted);
    if (link(["lookup"], wanted) === before) { current = wanted; look(); }
  }

  async function look() {
    if (!current.key) { replace(results, empty("Choose a service, type the key under which events are produced, and press Enter. Values come with their status, their newest event, and why they are what they are.")); replace(why); why.hidden = true; return; }
    const mine = ++asked;
    try {
      const found = await request();
      if (mine !== asked) return;
      answer = found;
      show();
    } catch (error) {
      if (mine !== asked) return;
      answer = null;
      replace(results, problem(error));
      why.hidden = true;
      return;
    }
    await explain();
  }

  function request() {
    const given = Object.entries(current).filter(([name]) => name.startsWith("input."));
    if (!current.features && given.length === 0) {
      return getJSON(path`v1/services/${current.service}/entities/${current.key}` + (current.as_of ? path`?as_of=${current.as_of}` : ""));
    }
    const body = { keys: [current.key] };
    if (current.features) body.features = current.features.split(",").map((name) => name.trim()).filter(Boolean); else body.service = current.service;
    if (current.as_of) body.as_of = /^\d+$/.test(current.as_of) ? Number(current.as_of) : current.as_of;
    // Numbers go as they were typed: a decimal is exact.
    const values = given.map(([name, text]) => {
      const type = inputs.find((input) => `input.${input.name}` === name)?.type ?? "string";
      const isPlain = type === "bool" ? /^(true|false)$/.test(text) : type !== "string" && /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text);
      return `${JSON.stringify(name.slice(6))}: ${isPlain ? text : JSON.stringify(text)}`;
    });
    const text = JSON.stringify(body);
    return postJSON("v1/lookup", values.length ? `${text.slice(0, -1)}, "inputs": {${values.join(", ")}}}` : text);
  }

  function show() {
    const [result] = answer.results;
    const typeOf = (name) => features.find((feature) => feature.name === name && feature.entity === answer.entity)?.type ?? inputs.find((input) => input.name === name)?.type ?? "";
    const at = parseTime(answer.as_of);
    const hasLevels = result.levels !== undefined;
    const rows = answer.features.map((name, index) => ({ name, type: typeOf(name), value: result.values[index], status: result.statuses[index], level: result.levels?.[index], newest: result.newest_event_times[index] }));
    const values = table(`Values of ${answer.entity} ${result.key}`, [
      { title: "Feature", head: true, cell: (row) => h("a", { href: link(["lookup"], { ...current, explain: row.name }), "aria-current": row.name === current.explain ? "true" : null, title: "Why is it that?" }, row.name) },
      { title: "Value", wide: true, cell: (row) => valueCell(row.value, row.type) },
      { title: "Status", cell: (row) => badge(row.status, row.status, meanings[row.status]) },
      hasLevels ? { title: "Level", cell: (row) => row.level ?? none } : null,
      { title: "Newest event", cell: (row) => row.newest === null ? none : newest(row.newest, at) },
    ].filter(Boolean), { id: (row) => row.name, rowClass: (row) => row.name === current.explain ? "chosen" : "" });
    values.update(rows);
    setText(said, `${rows.length} values of ${answer.entity} ${result.key}`);
    replace(results,
      h("div", { class: "panel" },
        h("h2", null, h("bdi", null, result.key), " ", result.found ? badge("present", `known ${answer.entity}`) : badge("missing", `no event of this ${answer.entity} yet`)),
        facts([
          ["Asked of", answer.service === null ? "features by name" : `${answer.service}, version ${answer.version}`],
          ["As of", timeAgo(answer.as_of)],
          ["State is", answer.freshness_ms === null ? "of an unknown age: a shard has not applied its first record" : Number(answer.freshness_ms) === 0 ? "up to date" : `${duration(answer.freshness_ms)} old`],
          ["Kept value", result.age_ms ? `${duration(result.age_ms)} old` : null],
        ]),
        values.element,
        h("p", { class: "note" }, "A feature's name shows why it has its value."),
        h("details", null, h("summary", null, "Source positions"), positions(answer.positions))));
  }

  async function explain() {
    why.hidden = false;
    if (!current.explain || !answer) {
      replace(why, empty("Choose a feature: here is then why it has its value, with the tiles or events of its window."));
      return;
    }
    const mine = asked, name = current.explain;
    const parameters = new URLSearchParams({ as_of: answer.as_of, ...(answer.service === null ? {} : { service: answer.service }) });
    try {
      const said = await getJSON(path`v1/explain/${answer.entity}/${name}/${current.key}` + `?${parameters}`);
      if (mine === asked && name === current.explain) replace(why, explanation(said));
    } catch (error) {
      if (mine === asked) replace(why, h("h2", null, name), problem(error));
    }
  }

  await look();
  return {
    change(rest, wanted) {
      const { explain: chosen, ...asks } = wanted, { explain: _, ...before } = current;
      const isSame = answer !== null && JSON.stringify(Object.entries(asks).sort()) === JSON.stringify(Object.entries(before).sort());
      current = { ...wanted };
      if (isSame) {
        const focused = document.activeElement?.closest?.("tr") ? chosen : null;
        show();
        if (focused) [...results.querySelectorAll("tbody th a")].find((anchor) => anchor.textContent === focused)?.focus();
        explain();
      } else { fill(); look(); }
      return true;
    },
    shown() { if (!current.key) key.focus({ preventScroll: true }); },
  };
}

function newest(text, asOf) {
  return timeAs(text, `${duration(asOf - parseTime(text))} before`);
}
