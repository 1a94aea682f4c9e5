// Why a value is what it is: the answer of /v1/explain as sentences, a drawing of the window's parts, and a table of the same parts.
import { h, table, badge, facts } from "./dom.js";
import { count, duration, none, parseTime, time, valueText } from "./format.js";
import { timeline } from "./chart.js";
import { positions, valueCell } from "./value.js";

export function explanation(said) {
  return [
    feature(said.feature, said, true),
    said.inputs.length ? h("h3", null, "What it is computed of") : null,
    said.inputs.map((input, index) => h("details", { open: index === 0 },
      h("summary", null, h("b", null, input.name), " ", valueText(input.value), " ", badge(input.status, input.status)), feature(input, said, false))),
    h("h3", null, "The row"),
    said.found ? null : h("p", null, "No shard has a row of this key: no event of it was applied."),
    said.shards.map((shard) => facts([
      ["Shard", `${shard.shard}, ${shard.state}; ${shard.row_bytes === null ? "no row" : `a row of ${count(shard.row_bytes)} bytes`}; ${shard.lag_events === null ? "the end of the log is not known" : `${count(shard.lag_events)} events behind`}`],
      ...shard.dropped.map((drops) => [`Dropped of ${drops.stream}`, `${count(drops.duplicate)} duplicate, ${count(drops.late)} late, ${count(drops.future)} from the future`]),
    ])),
    h("details", null, h("summary", null, "Source positions"), positions(said.shards.flatMap((shard) => shard.positions))),
  ];
}

function feature(part, said, isFirst) {
  const { view, derived } = part;
  return h("div", { class: "explained" },
    isFirst ? h("h2", null, part.name, " ", badge(part.status, part.status)) : null,
    isFirst ? h("p", { class: isScalar(part.value) ? "figure wrap" : null }, isScalar(part.value) ? valueText(part.value) : valueCell(part.value), h("span", { class: "muted small" }, ` ${part.type}`)) : null,
    h("p", null, part.reason),
    facts([
      ["Is", view && [view.in_words, ": ", h("code", null, view.aggregation)]],
      ["Expression", derived && h("code", null, derived.expression)],
      ["View", view && [`${view.name} over ${view.stream}`, view.where ? [", where ", h("code", null, view.where)] : null]],
      ["Window", view && [view.window.name, view.window.left === null ? ": everything up to " : [": ", time(view.window.left), " to "], time(view.window.right), Number(view.window.longer_by_ms) ? `, ${duration(view.window.longer_by_ms)} longer (bound ${view.window.bound})` : ""]],
      ["Default", part.default === null ? null : valueText(part.default)],
      ["Newest event", part.newest_event_time && time(part.newest_event_time)],
    ]),
    view?.rows.map((row) => rowPart(part, view, row, view.rows.length > 1, parseTime(said.as_of))));
}

function rowPart(part, view, row, isOneOfMany, asOf) {
  const left = parseTime(view.window.left);
  const head = isOneOfMany ? h("h3", null, `Shard ${row.shard}: ${valueText(row.value)} alone`) : null;
  const notes = [
    row.is_window_kept ? null : "The row keeps too little for all of this window.",
    row.id_floor ? ["Events before ", time(row.id_floor), " are late: there were too many ids."] : null,
    row.complete_since ? ["Complete since ", time(row.complete_since), "."] : null,
  ].filter(Boolean).map((text) => h("p", { class: "note" }, text));
  if (row.tiles) return h("div", null, head, tiles(part, row, left, asOf, isOneOfMany), notes);
  if (row.entries) return h("div", null, head, entries(row, left, asOf), notes);
  return h("div", null, head, events(row, left, asOf), notes);
}

function tiles(part, row, left, asOf, isOneOfMany) {
  const inside = row.tiles, outside = row.left_out_tiles;
  if (inside.length === 0) return h("p", { class: "empty" }, "No tile of this row lies in the window.");
  const shape = (tile, kind) => {
    const start = parseTime(tile.start), end = parseTime(tile.end) ?? asOf;
    return { start: start ?? Math.min(left ?? end, end), end: Math.max(end, start ?? end), size: sizeOf(tile.partial), kind, title: `${tile.start ?? "begin"}, ${duration(end - start)}: ${valueText(tile.partial)}` };
  };
  const parts = [...outside.map((tile) => shape(tile, "out")), ...inside.map((tile) => shape(tile, "in"))];
  const listed = table("Tiles of the window, newest first", [
    { title: "Tile begins", head: true, cell: (tile) => time(tile.start) },
    { title: "Length", number: true, cell: (tile) => tile.end === null || tile.start === null ? none : duration(parseTime(tile.end) - parseTime(tile.start)) },
    { title: "Alone it gives", number: typeof inside[0].partial === "number", wide: true, cell: (tile) => valueText(tile.partial) },
    { title: "Note", cell: (tile) => tile.isOut ? "left out: before the left edge" : "" },
  ], { id: (tile) => tile.start ?? "all", rowClass: (tile) => tile.isOut ? "out" : "" });
  listed.update([...inside, ...outside.map((tile) => ({ ...tile, isOut: true }))]);
  return [
    drawing(`${part.name}: what each of the window's ${inside.length} ${inside.length === 1 ? "tile" : "tiles"} gives alone`, parts, left, asOf, isOneOfMany),
    h("p", { class: "note" }, `${inside.length} ${inside.length === 1 ? "tile" : "tiles"} in the window`,
      row.older_tiles ? `, ${row.older_tiles} older` : "", row.newer_tiles ? `, ${row.newer_tiles} newer` : "", "; their length grows with their age."),
    listed.element,
  ];
}

function entries(row, left, asOf) {
  if (row.entries.length === 0) return h("p", { class: "empty" }, "No newest value of this row lies in the window.");
  const listed = table("Values, newest first", [
    { title: "Time", head: true, cell: (entry) => time(entry.time) }, { title: "Value", wide: true, cell: (entry) => valueText(entry.value) },
  ], { id: (entry) => entry.at });
  listed.update(row.entries.map((entry, at) => ({ ...entry, at })));
  const parts = row.entries.map((entry) => ({ start: parseTime(entry.time), end: parseTime(entry.time), size: null, kind: "in", title: `${entry.time}: ${valueText(entry.value)}` }));
  return [drawing(`The ${row.entries.length} newest values by their times`, parts, left, asOf, true), listed.element];
}

function events(row, left, asOf) {
  if (row.events.length === 0) return h("p", { class: "empty" }, "No event of this row lies in the window.");
  const names = [...new Set(row.events.flatMap((event) => Object.keys(event.fields)))];
  const listed = table("Events of the window, newest first", [
    { title: "Time", head: true, cell: (event) => time(event.time) }, { title: "It", cell: (event) => badge(event.standing === "counts" ? "present" : "missing", event.standing) },
    ...names.map((name) => ({ title: name, cell: (event) => Object.hasOwn(event.fields, name) ? valueText(event.fields[name]) : none })),
    { title: "Id", cell: (event) => h("code", null, event.id) },
  ], { id: (event) => event.at });
  listed.update(row.events.map((event, at) => ({ ...event, at })));
  const parts = row.events.map((event) => ({ start: parseTime(event.time), end: parseTime(event.time), size: null, kind: event.standing === "counts" ? "in" : "out", title: `${event.time}: ${event.standing}` }));
  return [drawing(`${row.events.length} events by their times`, parts, left, asOf, true), listed.element];
}

/** The drawing, and where only the end of the window holds anything a box that shows all of it. */
function drawing(name, parts, left, asOf, isLow) {
  const height = isLow ? 110 : 190;
  const first = Math.min(...parts.filter((part) => part.kind === "in").map((part) => part.start));
  const isCut = left !== null && (asOf - first) < (asOf - left) / 4;
  const make = (whole) => timeline({ name, parts, left, right: asOf, whole, height });
  let drawn = make(false);
  if (!isCut) return drawn;
  const box = h("input", { type: "checkbox", onchange: () => {
    const next = make(box.checked);
    drawn.replaceWith(next);
    drawn = next;
  } });
  return h("div", null, drawn, h("p", { class: "note" }, h("label", null, box, " All of the window")));
}

function isScalar(value) { return value === null || typeof value !== "object" || value.source !== undefined; }

/** How high a part is drawn: its number, the size of what is no number, nothing where there is no value. */
function sizeOf(value) {
  if (value === null) return 0;
  if (typeof value === "number" || value.source !== undefined) return Number(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object") return Object.keys(value).length;
  return null;
}
