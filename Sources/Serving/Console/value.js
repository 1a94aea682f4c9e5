// Values as they are shown, and the positions that they include.
import { h, table } from "./dom.js";
import { count, valueText } from "./format.js";

/** A value with its shape: rankings and maps as short tables of their own, lists with their order. */
export function valueCell(value, type) {
  if (value === null) return h("span", { class: "muted" }, "null");
  if (Array.isArray(value) && value.length && value[0] !== null && typeof value[0] === "object" && "share" in value[0]) {
    return pairs(value.map((entry) => [valueText(entry.value), `${valueText(entry.count)}, ${(100 * Number(entry.share)).toFixed(1)} %`]));
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return h("span", { class: "muted" }, "empty list");
    const shown = value.slice(0, 12).map(valueText).join(", ");
    return h("span", { class: "value" }, value.length > 12 ? `${shown}, … (${value.length})` : shown);
  }
  if (typeof value === "object" && value.source === undefined) {
    const entries = Object.entries(value);
    return entries.length ? pairs(entries.sort((a, b) => Number(b[1]) - Number(a[1])).map(([name, entry]) => [name, valueText(entry)])) : h("span", { class: "muted" }, "empty map");
  }
  // Six digits of a double say what there is to say; the title has all of them.
  if (type === "double") return h("span", { class: "value", title: valueText(value) }, String(Number(Number(value).toPrecision(6))));
  return h("span", { class: "value" }, valueText(value));
}

function pairs(entries) {
  const line = ([name, text]) => h("span", { class: "pair" }, h("bdi", null, name), " ", h("b", null, text));
  return h("span", { class: "pairs" }, entries.slice(0, 12).map(line), entries.length > 12 ? h("span", { class: "muted" }, `and ${entries.length - 12} more`) : null);
}

export function positions(list) {
  const shown = table("Source positions", [
    { title: "Topic", head: true, cell: (row) => row.topic }, { title: "Partition", number: true, cell: (row) => row.partition },
    { title: "Next offset", number: true, cell: (row) => count(row.offset) }, { title: "End of the log", number: true, cell: (row) => count(row.end) },
  ], { id: (row) => `${row.topic}\n${row.partition}` });
  shown.update(list);
  return shown.element;
}
