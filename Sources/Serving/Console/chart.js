// Drawings: small lines of the last minutes, and the parts that a value is made of along its window. Each is an image with a name; the
// numbers are in a table beside it.
import { h, s, replace } from "./dom.js";
import { tick } from "./format.js";

/** A line of the last values that is redrawn in place. Gaps are left where there was no value. */
export class Sparkline {
  constructor(name, text, { width = 160, height = 34, floor = 0 } = {}) {
    Object.assign(this, { name, text, width, height, floor });
    this.area = s("path", { class: "area" });
    this.line = s("path", { class: "line" });
    this.end = s("circle", { r: 2.2, class: "end", visibility: "hidden" });
    this.element = s("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", preserveAspectRatio: "none", role: "img", "aria-label": name },
      this.area, this.line, this.end);
  }

  update(values) {
    const known = values.filter((value) => value !== null && value !== undefined);
    if (known.length < 2) return;
    const { width, height, floor } = this;
    const top = Math.max(...known, floor + 1e-9);
    const step = width / Math.max(values.length - 1, 29);
    const start = width - step * (values.length - 1);
    const x = (index) => (start + index * step).toFixed(1);
    const y = (value) => (height - 3 - (height - 7) * (value - floor) / (top - floor)).toFixed(1);
    let line = "", area = "", begun = null;
    values.forEach((value, index) => {
      if (value === null || value === undefined) {
        if (begun !== null) area += `L${x(index - 1)} ${height}L${x(begun)} ${height}Z`;
        begun = null;
        return;
      }
      const point = `${x(index)} ${y(value)}`;
      line += `${begun === null ? "M" : "L"}${point}`;
      area += begun === null ? `M${point}` : `L${point}`;
      begun ??= index;
    });
    if (begun !== null) area += `L${x(values.length - 1)} ${height}L${x(begun)} ${height}Z`;
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", area);
    const last = values.at(-1);
    this.end.setAttribute("visibility", last === null || last === undefined ? "hidden" : "visible");
    if (last !== null && last !== undefined) { this.end.setAttribute("cx", width - 2.2); this.end.setAttribute("cy", y(last)); }
    this.element.setAttribute("aria-label",
      `${this.name}, last five minutes: lowest ${this.text(Math.min(...known))}, highest ${this.text(Math.max(...known))}, now ${this.text(last)}`);
  }
}

const margin = { left: 46, right: 10, top: 14, bottom: 24 };

/** Calls `draw(width)` with the width that there is, and again when it changes. */
export function drawn(draw) {
  const frame = h("div", { class: "chart" });
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (!now || now === width) return;
    width = now;
    replace(frame, draw(width));
  });
  observer.observe(frame);
  return frame;
}

/**
 * Parts along a time axis.
 *
 * `parts`: `{start, end, size, kind, title}`, in milliseconds; `size` is the height, null for a part that has no number. `left`: the
 * window's left edge, null where it has none. `whole`: show all of the window even where only its end holds anything.
 */
export function timeline({ name, parts, left, right, whole, height = 190 }) {
  return drawn((width) => {
    const inside = parts.filter((part) => part.kind !== "out");
    const first = Math.min(...inside.map((part) => part.start), right);
    const span = right - (left ?? first);
    const isCut = left !== null && !whole && (right - first) < span / 4;
    // What is left out is shown as far as it lies near the edge.
    const nearest = Math.max((left ?? first) - span * 0.12, Math.min(left ?? first, ...parts.map((part) => part.start)));
    const begin = isCut ? first - (right - first) * 0.06 : nearest;
    const plotWidth = width - margin.left - margin.right, plotHeight = height - margin.top - margin.bottom;
    const length = Math.max(right - begin, 1);
    const x = (at) => margin.left + plotWidth * Math.min(Math.max((at - begin) / length, 0), 1);
    const sizes = parts.map((part) => part.size).filter((size) => size !== null);
    const top = Math.max(0, ...sizes), bottom = Math.min(0, ...sizes);
    const isFlat = top === bottom;
    const y = (size) => margin.top + plotHeight * (isFlat ? (size === null ? 0.25 : 1) : 1 - (size - bottom) / (top - bottom));
    const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
    if (!isFlat) {
      for (const size of bottom < 0 ? [top, 0, bottom] : [top, (top + bottom) / 2, bottom]) {
        svg.append(s("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(size), y2: y(size) }),
          s("text", { class: "axis", x: margin.left - 6, y: y(size) + 3.5, "text-anchor": "end" }, axisNumber(size)));
      }
    }
    const zero = isFlat ? margin.top + plotHeight : y(0);
    svg.append(s("line", { class: "base", x1: margin.left, x2: width - margin.right, y1: zero, y2: zero }));
    const ticks = Math.max(2, Math.min(6, Math.floor(plotWidth / 110)));
    for (let index = 0; index <= ticks; index++) {
      const at = begin + length * index / ticks;
      svg.append(s("text", {
        class: "axis", x: x(at), y: height - 7, "text-anchor": index === 0 ? "start" : index === ticks ? "end" : "middle",
      }, index === ticks ? "as of" : tick(at, length)));
    }
    for (const part of parts) {
      if (part.end < begin) continue;
      const from = x(part.start), to = Math.max(x(part.end), from + 2);
      const height = part.size === null || isFlat ? plotHeight * 0.75 : Math.max(Math.abs(y(part.size) - zero), part.size === 0 ? 0 : 1.5);
      const up = part.size === null || isFlat || part.size >= 0;
      svg.append(s("rect", {
        class: `part ${part.kind} ${part.size === null || isFlat ? "plain" : ""}`, x: from.toFixed(1), width: Math.max(to - from - 0.6, 1.4).toFixed(1),
        y: (up ? zero - height : zero).toFixed(1), height: height.toFixed(1), rx: 1,
      }, s("title", null, part.title)));
    }
    if (left !== null && !isCut) {
      const at = x(left);
      svg.append(s("line", { class: "edge", x1: at, x2: at, y1: margin.top - 8, y2: zero }),
        s("text", { class: "axis", x: at + 4, y: margin.top - 3 }, "left edge"));
    } else if (isCut) {
      svg.append(s("text", { class: "axis", x: margin.left, y: margin.top - 3 }, "← the window begins further left"));
    }
    return svg;
  });
}

function axisNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

/**
 * A value by the hour against the usual one: `now` and `usual` are `{at, value}`, `band` the deviation around the usual; gaps stay gaps.
 * `marks`: hours with an alert.
 */
export function lines({ name, now, usual, band = [], marks = [], height = 180, isShare = false }) {
  return drawn((width) => {
    const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
    const times = now.map((point) => point.at);
    const begin = Math.min(...times), length = Math.max(Math.max(...times) - begin, 3600e3);
    const around = usual.map((point, index) => band[index]?.value === null || band[index] === undefined || point.value === null ? [] : [Number(point.value) - band[index].value, Number(point.value) + band[index].value]).flat();
    const values = [...now, ...usual].map((point) => point.value).filter((value) => value !== null && value !== undefined).map(Number);
    const all = [...values, ...around];
    const bottom = Math.min(0, ...values), top = Math.max(isShare ? 0.05 : 0, ...all) || 1;
    const plotWidth = width - margin.left - margin.right, plotHeight = height - margin.top - margin.bottom;
    const x = (at) => (margin.left + plotWidth * (at - begin) / length).toFixed(1);
    const y = (value) => (margin.top + plotHeight * (1 - (Math.min(Math.max(value, bottom), top) - bottom) / (top - bottom))).toFixed(1);
    for (const value of [bottom, (bottom + top) / 2, top]) {
      svg.append(s("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
        s("text", { class: "axis", x: margin.left - 6, y: Number(y(value)) + 3.5, "text-anchor": "end" }, isShare ? `${Number((100 * value).toPrecision(2))} %` : axisNumber(value)));
    }
    const ticks = Math.max(2, Math.min(7, Math.floor(plotWidth / 110)));
    for (let index = 0; index <= ticks; index++) {
      const at = begin + length * index / ticks;
      svg.append(s("text", { class: "axis", x: x(at), y: height - 7, "text-anchor": index === 0 ? "start" : index === ticks ? "end" : "middle" }, tick(at, length)));
    }
    for (const run of runs(usual.map((point, index) => ({ ...point, band: band[index]?.value ?? null })).map((point) => point.band === null ? { ...point, value: null } : point))) {
      svg.append(s("path", { class: "band", d: `M${run.map((point) => `${x(point.at)} ${y(Number(point.value) + point.band)}`).join("L")}L${[...run].reverse().map((point) => `${x(point.at)} ${y(Number(point.value) - point.band)}`).join("L")}Z` }));
    }
    for (const at of marks) svg.append(s("path", { class: "mark", d: `M${x(at)} ${margin.top - 2}l-4 -8h8z` }));
    for (const [points, kind] of [[usual, "usual"], [now, "now"]]) {
      for (const run of runs(points)) {
        svg.append(run.length === 1 ? s("circle", { class: `point ${kind}`, cx: x(run[0].at), cy: y(Number(run[0].value)), r: 2 })
          : s("path", { class: `series ${kind}`, d: `M${run.map((point) => `${x(point.at)} ${y(Number(point.value))}`).join("L")}` }));
      }
    }
    return svg;
  });
}

/** Points in a row without a gap of more than an hour or a missing value. */
function runs(points) {
  const all = [];
  let last = null;
  for (const point of points) {
    if (point.value === null || point.value === undefined) { last = null; continue; }
    if (last === null || point.at - last.at > 3600e3 * 1.5) all.push([]);
    all.at(-1).push(point);
    last = point;
  }
  return all;
}

/** Shares in bins, this hour's beside the usual ones. */
export function bars({ name, bins, height = 150 }) {
  return drawn((width) => {
    const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
    const top = Math.max(0.05, ...bins.flatMap((bin) => [Number(bin.share), Number(bin.compared_share)]));
    const plotWidth = width - margin.left - margin.right, plotHeight = height - margin.top - margin.bottom;
    const y = (share) => margin.top + plotHeight * (1 - share / top);
    for (const share of [0, top / 2, top]) {
      svg.append(s("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(share), y2: y(share) }),
        s("text", { class: "axis", x: margin.left - 6, y: y(share) + 3.5, "text-anchor": "end" }, `${Number((100 * share).toPrecision(2))} %`));
    }
    const each = plotWidth / bins.length, bar = Math.max(2, each * 0.36);
    bins.forEach((bin, index) => {
      const from = margin.left + each * index + each * 0.1;
      const range = `${bin.low === null ? "lowest" : axisNumber(Number(bin.low))} to ${bin.high === null ? "highest" : axisNumber(Number(bin.high))}`;
      for (const [share, kind, at] of [[Number(bin.compared_share), "usual", from], [Number(bin.share), "now", from + bar + 1]]) {
        svg.append(s("rect", { class: `bar ${kind}`, x: at.toFixed(1), width: bar.toFixed(1), y: y(share).toFixed(1), height: Math.max(0, height - margin.bottom - y(share)).toFixed(1), rx: 1 },
          s("title", null, `${range}: ${(100 * share).toFixed(1)} %`)));
      }
      if (bin.high !== null && each > 26) svg.append(s("text", { class: "axis", x: margin.left + each * (index + 1), y: height - 7, "text-anchor": "middle" }, axisNumber(Number(bin.high))));
    });
    return svg;
  });
}
