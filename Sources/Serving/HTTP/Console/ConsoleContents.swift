/// The files of `Sources/Serving/Console`, word for word. Written by `deploy/embed`; `make lint` compares.
let consoleContents: [(name: String, text: String)] = [
    ("api.js", #"""
// Requests to this server, and nowhere else. Errors come as problems with a remedy; a token is asked for when the server wants one
// and kept for this tab only.
import { h, setText } from "./dom.js";

const tokenKey = "millrace.token";
let token = null;
let asking = null;
/** Somebody closed the dialog: it does not come again by itself. */
let isDeclined = false;
try { token = sessionStorage.getItem(tokenKey); } catch { /* Then it is kept in memory only. */ }

export class Problem extends Error {
  constructor({ title, detail, remedy, status }) {
    super(title);
    Object.assign(this, { title, detail, remedy, status });
  }
}

/** A JSON number whose digits a double would change: shown as the server wrote it. */
export class Exact {
  constructor(source) { this.source = source; }
  valueOf() { return Number(this.source); }
  toString() { return this.source; }
  toJSON() { return this.valueOf(); }
}

export function parseExact(text) {
  return JSON.parse(text, (_, value, context) => {
    const source = context?.source;
    return typeof value === "number" && source !== undefined && String(value) !== source ? new Exact(source) : value;
  });
}

async function send(path, options, as = token) {
  const headers = { ...options.headers };
  if (as) headers.Authorization = `Bearer ${as}`;
  try {
    return await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(15000) });
  } catch (error) {
    throw new Problem({
      title: "No answer from the server", detail: `${path}: ${error.name === "TimeoutError" ? "nothing came within 15 s" : "the connection failed"}.`,
      remedy: "See whether `millrace serve` runs and can be reached from here; the page tries again by itself.",
    });
  }
}

/** What a response that is none of success says. */
async function problemOf(response) {
  const text = await response.text();
  let said = {};
  try { said = JSON.parse(text); } catch { said = { detail: text.slice(0, 500) }; }
  return new Problem({ title: said.title ?? `The server answered ${response.status}`, detail: said.detail, remedy: said.remedy, status: response.status });
}

/** The response to a request that succeeds; else a `Problem` is thrown. */
async function request(path, options = {}) {
  for (;;) {
    const used = token;
    const response = await send(path, options);
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (response.status === 401) {
      // Another request may have brought a token meanwhile.
      if (token !== used) continue;
      if (!isDeclined && await askForToken(problem)) continue;
    }
    throw problem;
  }
}

export async function getJSON(path) { return parseExact(await (await request(path)).text()); }
export async function getText(path) { return (await request(path)).text(); }

/** `body` is JSON text. */
export async function postJSON(path, body) {
  return parseExact(await (await request(path, { method: "POST", body, headers: { "Content-Type": "application/json" } })).text());
}

/** Null where the server has no such path, or does not show it to this caller; other problems are thrown. */
export async function getIfThere(path) {
  try { return await getJSON(path); } catch (error) {
    if (error.status === 404 || error.status === 403) return null;
    throw error;
  }
}

export const path = (strings, ...parts) => strings.reduce((all, text, index) => all + text + (index < parts.length ? encodeURIComponent(parts[index]) : ""), "");

/** Asks, also somebody who has declined before. Resolves to whether there is another token now. */
export function giveToken() {
  isDeclined = false;
  return askForToken({ detail: "The server answers whoever it knows." });
}

/** One dialog, however many requests wait for it. A token is tried with one request, as servers count failed attempts. */
function askForToken(said) {
  asking ??= new Promise((resolve) => {
    const title = h("h2", { id: "token-title" }, "This server asks who you are");
    const why = h("p", { id: "token-why", role: "status" }, said.detail ?? "It wants a bearer token.");
    const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "token-why token-how" });
    let isGiven = false;
    const dialog = h("dialog", { "aria-labelledby": "token-title" },
      h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); tryOut(input.value.trim()); } },
        title, why,
        h("p", { class: "field" }, h("label", { for: "token" }, "Bearer token"), input),
        h("p", { class: "note", id: "token-how" }, "It is kept in this tab and sent to this server only."),
        h("p", { class: "buttons" }, h("button", { type: "submit" }, "Use it"), h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"))));

    async function tryOut(candidate) {
      let refusal = null;
      try {
        const response = await send("openapi.yaml", {}, candidate);
        if (response.status === 401 || response.status === 429) refusal = await problemOf(response);
      } catch (error) { refusal = error; }
      if (refusal) {
        setText(title, refusal.status === 401 ? "That token was refused" : refusal.title);
        setText(why, [refusal.detail, refusal.remedy].filter(Boolean).join(" "));
        input.select();
        return;
      }
      token = candidate;
      try { sessionStorage.setItem(tokenKey, token); } catch { /* In memory, then. */ }
      isGiven = true;
      dialog.close();
    }

    dialog.addEventListener("close", () => {
      dialog.remove();
      asking = null;
      isDeclined = !isGiven;
      resolve(isGiven);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}

"""#),
    ("app.js", #"""
// The frame of the console: which view the address names, the server's state in the head, keys and the theme.
import { h, setText, replace, problem } from "./dom.js";
import { zone, clock } from "./format.js";
import { getJSON, giveToken } from "./api.js";
import { Monitor } from "./monitor.js";
import { address, link } from "./route.js";
import * as overview from "./overview.js";
import * as features from "./features.js";
import * as lookup from "./lookup.js";
import * as drift from "./drift.js";
import * as shards from "./shards.js";
import * as drops from "./drops.js";

const views = { overview, features, lookup, drift, shards, drops };
const keys = { o: "overview", f: "features", l: "lookup", d: "drift", s: "shards", x: "drops" };
const main = document.getElementById("main");
const monitor = new Monitor();

/** What every view is given. The catalogue is asked for once: definitions do not change while a server runs. */
const context = {
  monitor,
  catalogue: remembered(() => getJSON("v1/features")),
  services: remembered(async () => (await getJSON("v1/services")).services.map((entry) => ({ ...entry, name: entry.service }))),
  go(path, query, { isSameView = false } = {}) {
    const address = link(path, query);
    if (isSameView) history.replaceState(null, "", address); else location.hash = address.slice(1);
  },
};

function remembered(ask) {
  let answer = null;
  return () => (answer ??= ask().catch((error) => { answer = null; throw error; }));
}

let open = null;

async function show() {
  const { path, query } = address();
  const name = Object.hasOwn(views, path[0]) ? path[0] : "overview";
  for (const item of document.querySelectorAll("[data-view]")) {
    if (item.dataset.view === name) {
      item.setAttribute("aria-current", "page");
      item.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    } else item.removeAttribute("aria-current");
  }
  if (open?.name === name && open.view.change?.(path.slice(1), query)) return;
  const isFirst = open === null;
  open?.view.close?.();
  open = { name, view: {} };
  const mine = open;
  const content = h("div", { class: `view ${name}` });
  try {
    mine.view = (await views[name].open(content, { ...context, path: path.slice(1), query })) ?? {};
  } catch (error) {
    if (!(error.remedy || error.detail)) console.error(error);
    replace(content, h("h1", null, document.querySelector(`[data-view="${name}"]`).textContent), problem(error));
  }
  if (open !== mine) { mine.view.close?.(); return; }
  replace(main, content);
  mine.view.shown?.();
  const heading = content.querySelector("h1");
  document.title = `${heading?.textContent ?? name} · Millrace`;
  if (!isFirst) { heading?.setAttribute("tabindex", "-1"); heading?.focus({ preventScroll: true }); scrollTo(0, 0); }
}

addEventListener("hashchange", () => {
  // The skip link's own address is no view.
  if (location.hash === "#main") { history.replaceState(null, "", link([open?.name ?? "overview"])); main.focus(); return; }
  show();
});

// The state of the server, in the head.

const signIn = document.getElementById("sign-in");
signIn.addEventListener("click", async () => {
  if (!await giveToken()) return;
  monitor.schedule(0);
  nameServer();
  open?.view.close?.();
  open = null;
  show();
});

monitor.listen(() => {
  const health = document.getElementById("health"), text = document.getElementById("health-text");
  const { latest, error, shards: known } = monitor;
  let state = "good", said = "ready";
  if (error) [state, said] = ["bad", error.status ? error.title : `no answer since ${clock(monitor.history.at(-1)?.at ?? Date.now())}`];
  else if (!known.assigned) [state, said] = ["warn", "no shards are assigned yet"];
  else {
    const stopped = known.shards.filter((shard) => shard.state === "stopped"), cut = known.shards.filter((shard) => shard.state === "disconnected");
    if (stopped.length) [state, said] = ["bad", `${stopped.length === 1 ? `shard ${stopped[0].shard} is` : `${stopped.length} shards are`} stopped`];
    else if (cut.length) [state, said] = ["warn", "no broker answers"];
    else if (latest?.sum("millrace_ready") === 0) [state, said] = ["warn", "not ready: catching up"];
  }
  signIn.hidden = error?.status !== 401;
  health.dataset.state = state;
  setText(text, said);
});

function nameServer() { context.catalogue().then(({ name }) => setText(document.getElementById("name"), name), () => {}); }
nameServer();
setText(document.getElementById("foot"), `Times are of ${zone}; their titles are in UTC.`);

// The theme.

const theme = document.getElementById("theme");
const nameTheme = () => setText(theme, `Theme: ${window.millraceTheme.current}`);
theme.addEventListener("click", () => { window.millraceTheme.next(); nameTheme(); });
nameTheme();

// Keys: `g` and a letter, as single letters are typed by mistake. They can be turned off.

const shortcutsKey = "millrace.shortcuts";
let areShortcutsOn = true;
try { areShortcutsOn = localStorage.getItem(shortcutsKey) !== "off"; } catch { /* On, then. */ }
let isAfterG = 0;

addEventListener("keydown", (event) => {
  if (!areShortcutsOn || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  if (performance.now() - isAfterG < 1500 && keys[event.key]) {
    isAfterG = 0;
    event.preventDefault();
    location.hash = `#/${keys[event.key]}`;
  } else if (event.key === "g") {
    isAfterG = performance.now();
  } else if (event.key === "/") {
    const field = main.querySelector("[data-search]");
    if (field) { event.preventDefault(); field.focus(); field.select?.(); }
  } else if (event.key === "?") {
    event.preventDefault();
    showHelp();
  }
});

function showHelp() {
  const row = (press, what) => h("div", null, h("dt", null, press.map((key) => h("kbd", null, key))), h("dd", null, what));
  const dialog = h("dialog", { "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, "Shortcuts"),
    h("dl", { class: "keys" },
      Object.entries(keys).map(([key, view]) => row(["g", key], document.querySelector(`[data-view="${view}"]`).textContent)),
      row(["/"], "Search or key field"), row(["?"], "This list"), row(["Esc"], "Closes it")),
    h("p", null, h("label", null, h("input", { type: "checkbox", checked: areShortcutsOn, onchange: (event) => {
      areShortcutsOn = event.target.checked;
      try { localStorage.setItem(shortcutsKey, areShortcutsOn ? "on" : "off"); } catch { /* As long as the page. */ }
    } }), " Shortcuts of single keys are on")),
    h("form", { method: "dialog", class: "buttons" }, h("button", null, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
document.getElementById("help").addEventListener("click", showHelp);

monitor.start();
await show();

"""#),
    ("chart.js", #"""
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

"""#),
    ("console.css", #"""
/* Dense but calm: one accent, hairlines instead of boxes in boxes, digits of equal width. Every colour pair holds AA. */

:root {
  color-scheme: light;
  --ground: #f4f6f7; --surface: #ffffff; --raised: #f8fafa; --line: #dbe1e4; --strong-line: #b4bfc5;
  --text: #17212a; --muted: #55636e; --accent: #0b6575; --accent-soft: #d9edf0; --on-accent: #ffffff;
  --good: #176b3c; --good-soft: #def1e5; --warn: #825000; --warn-soft: #faecd0; --bad: #a8231c; --bad-soft: #fbe3e0; --quiet-soft: #e9edef;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme="light"]) {
    color-scheme: dark;
    --ground: #0f1418; --surface: #161d22; --raised: #1b242a; --line: #2a353d; --strong-line: #485863;
    --text: #e4eaee; --muted: #9dabb6; --accent: #62c6d6; --accent-soft: #16363d; --on-accent: #06242a;
    --good: #6dd09a; --good-soft: #14352a; --warn: #ecbc66; --warn-soft: #3a2d12; --bad: #ff958b; --bad-soft: #45201d; --quiet-soft: #26313a;
  }
}
:root[data-theme="dark"] {
  color-scheme: dark;
  --ground: #0f1418; --surface: #161d22; --raised: #1b242a; --line: #2a353d; --strong-line: #485863;
  --text: #e4eaee; --muted: #9dabb6; --accent: #62c6d6; --accent-soft: #16363d; --on-accent: #06242a;
  --good: #6dd09a; --good-soft: #14352a; --warn: #ecbc66; --warn-soft: #3a2d12; --bad: #ff958b; --bad-soft: #45201d; --quiet-soft: #26313a;
}

*, *::before, *::after { box-sizing: border-box; }
html { overflow-y: scroll; }
body {
  margin: 0; min-height: 100vh; background: var(--ground); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums;
  display: grid; grid-template: "top top" 48px "side main" 1fr "side foot" auto / 168px minmax(0, 1fr);
}
h1, h2, h3, p, dl, dd, ul, pre { margin: 0; }
h1 { font-size: 20px; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h1:focus { outline: none; }
h2 { font-size: 13px; font-weight: 650; overflow-wrap: anywhere; }
h3 { font-size: 13px; font-weight: 650; margin-top: 8px; }
a { color: var(--accent); text-underline-offset: 2px; text-decoration-thickness: 1px; text-decoration-color: color-mix(in srgb, var(--accent) 45%, transparent); }
a:hover { text-decoration-color: currentColor; }
code, pre, kbd { font-family: var(--mono); font-size: 12.5px; }
code { overflow-wrap: anywhere; }
pre { padding: 8px 10px; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; }
kbd { border: 1px solid var(--strong-line); border-radius: 4px; padding: 0 5px; margin-right: 4px; background: var(--raised); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus, main:focus-visible { outline: none; }
[hidden] { display: none !important; }

.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 8px; top: -60px; z-index: 9; padding: 8px 12px; background: var(--accent); color: var(--on-accent); border-radius: 6px; }
.skip:focus { top: 8px; }

.top { grid-area: top; display: flex; align-items: center; gap: 16px; padding: 0 16px; background: var(--surface); border-bottom: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: 8px; font-weight: 700; white-space: nowrap; }
.brand svg { stroke: var(--accent); stroke-width: 1.7; fill: none; stroke-linecap: round; }
.brand span { font-weight: 400; color: var(--muted); }
.health { display: flex; align-items: center; gap: 7px; min-width: 0; color: var(--muted); }
.health span:last-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.dot { flex: none; width: 9px; height: 9px; border-radius: 50%; background: var(--strong-line); }
.health[data-state="good"] .dot { background: var(--good); }
.health[data-state="warn"] .dot { background: var(--warn); border-radius: 2px; }
.health[data-state="bad"] .dot { background: var(--bad); clip-path: polygon(50% 0, 100% 100%, 0 100%); border-radius: 0; }
.health[data-state="bad"] { color: var(--bad); font-weight: 600; }
.health[data-state="warn"] { color: var(--warn); }
.tools { margin-left: auto; display: flex; gap: 4px; }

.side { grid-area: side; background: var(--surface); border-right: 1px solid var(--line); }
.side ul { list-style: none; padding: 12px 8px; display: grid; gap: 2px; position: sticky; top: 0; }
.side a { display: block; padding: 6px 10px; border-radius: 6px; color: var(--text); text-decoration: none; }
.side a:hover { background: var(--raised); }
.side a[aria-current] { background: var(--accent-soft); color: var(--accent); font-weight: 650; }

main { grid-area: main; padding: 18px 20px 8px; min-width: 0; }
.foot { grid-area: foot; padding: 8px 20px 16px; color: var(--muted); font-size: 12px; }
.view { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; align-content: start; max-width: 1500px; }
.lead { color: var(--muted); }
.note { color: var(--muted); font-size: 12.5px; max-width: 75ch; }
.muted { color: var(--muted); }
.small { font-size: 12.5px; }
.crumbs { color: var(--muted); margin-bottom: -12px; }

.panel { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px; align-content: start; min-width: 0; }
.columns { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); align-items: start; }
.stack { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); }
.split { display: grid; gap: 14px; grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); align-items: start; }
.split .why { position: sticky; top: 12px; max-height: calc(100vh - 24px); overflow: auto; }

.cards { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px 6px; min-width: 0; display: grid; grid-template-rows: auto auto 1fr auto; }
.card .small { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.card h2 { color: var(--muted); font-weight: 500; }
.figure { font-size: 22px; line-height: 1.3; font-weight: 650; letter-spacing: -0.015em; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.figure.wrap { white-space: normal; overflow-wrap: anywhere; font-size: 19px; }
.spark { width: 100%; height: 34px; display: block; margin-top: 6px; }
td .spark { width: 110px; height: 24px; margin: -2px 0; }
.spark .line { fill: none; stroke: var(--accent); stroke-width: 1.4; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.spark .area { fill: var(--accent-soft); }
.spark .end { fill: var(--accent); }

.scroll { overflow-x: auto; }
.panel .scroll { margin: 0 -14px; padding: 0 14px; }
.scroll:focus-visible { outline-offset: -2px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
caption { text-align: left; color: var(--muted); }
th, td { text-align: left; vertical-align: baseline; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-weight: 500; font-size: 12.5px; border-bottom-color: var(--strong-line); }
tbody th { font-weight: 500; }
tbody tr:last-child > * { border-bottom: 0; }
tbody tr:hover > * { background: var(--raised); }
.number { text-align: right; }
.overview table { table-layout: fixed; }
.overview th, .overview td { overflow: hidden; text-overflow: ellipsis; }
.overview .wide { width: 49%; white-space: nowrap; }
.overview thead th:first-child { width: 30%; }
.wide { white-space: normal; overflow-wrap: anywhere; min-width: 130px; }
.none { color: var(--muted); white-space: normal; }
tr.chosen > * { background: var(--accent-soft); }
tr.chosen > *:first-child { box-shadow: -8px 0 0 var(--accent-soft); }
tr.out > * { color: var(--muted); }
tr.bad > *:first-child { box-shadow: inset 3px 0 0 var(--bad); padding-left: 9px; }

.facts { display: grid; gap: 5px; }
.facts > div { display: grid; grid-template-columns: minmax(88px, 132px) minmax(0, 1fr); gap: 10px; }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.keys > div { display: grid; grid-template-columns: 90px 1fr; padding: 3px 0; }

.badge { display: inline-block; border-radius: 999px; padding: 0 8px; font-size: 12px; line-height: 19px; font-weight: 550; background: var(--quiet-soft); color: var(--text); white-space: nowrap; }
.badge.present { background: var(--good-soft); color: var(--good); }
.badge.stale, .badge.warming { background: var(--warn-soft); color: var(--warn); }
.badge.overdue { background: var(--bad-soft); color: var(--bad); }
.badge.fallback, .badge.tag { background: var(--accent-soft); color: var(--accent); }
.value { font-weight: 600; }
.pairs { display: flex; flex-wrap: wrap; gap: 2px 12px; }
.pair { color: var(--muted); }
.pair b { color: var(--text); font-weight: 600; }

.filters { display: flex; flex-wrap: wrap; gap: 10px 12px; align-items: end; }
.field { display: grid; gap: 3px; min-width: 0; }
.field.grow { flex: 1 1 200px; }
.whole { flex-basis: 100%; margin-top: -4px; }
.field label { color: var(--muted); font-size: 12.5px; }
input:not([type="checkbox"]), select { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--strong-line); border-radius: 6px; padding: 5px 8px; min-height: 33px; width: 100%; min-width: 110px; }
input::placeholder { color: var(--muted); opacity: 1; }
input[type="checkbox"] { accent-color: var(--accent); vertical-align: -1px; }
button { font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 6px; padding: 5px 14px; min-height: 33px; cursor: pointer; }
button.quiet { color: var(--text); background: transparent; border-color: transparent; font-weight: 400; padding: 5px 10px; }
button.quiet:hover { background: var(--raised); border-color: var(--line); }
.buttons { display: flex; gap: 8px; }
details > summary { cursor: pointer; padding: 2px 0; overflow-wrap: anywhere; }
details[open] > summary { margin-bottom: 6px; }

.empty { color: var(--muted); max-width: 70ch; padding: 6px 0; }
.notices { display: grid; gap: 8px; }
.notices:empty { display: none; }
.notice { background: var(--warn-soft); color: var(--warn); border-radius: 8px; padding: 9px 14px; overflow-wrap: anywhere; }
.problem { background: var(--bad-soft); border-radius: 8px; padding: 10px 14px; display: grid; gap: 4px; overflow-wrap: anywhere; }
.problem-title { color: var(--bad); font-weight: 650; }

.explained { display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px; }
.explained .scroll, .tall .scroll { max-height: 320px; overflow: auto; }
.chart { width: 100%; min-height: 110px; }
.chart svg { display: block; max-width: 100%; }
.chart .grid { stroke: var(--line); }
.chart .base { stroke: var(--strong-line); }
.chart .axis { fill: var(--muted); font-size: 11px; }
.chart .part.in { fill: var(--accent); }
.chart .part.plain { opacity: 0.85; }
.chart .part.out { fill: none; stroke: var(--muted); stroke-dasharray: 2 2; }
.chart .part:hover { fill: var(--text); }
.chart .edge { stroke: var(--warn); stroke-width: 1.5; stroke-dasharray: 4 3; }
.meter { vertical-align: 1px; }
.meter .track { fill: var(--quiet-soft); }
.meter .fill { fill: var(--accent); }

dialog { color: inherit; background: var(--surface); border: 1px solid var(--strong-line); border-radius: 10px; padding: 18px 20px; width: min(440px, calc(100vw - 32px)); }
dialog::backdrop { background: rgb(0 0 0 / 0.45); }
dialog, dialog form { gap: 12px; }
dialog[open], dialog form:not(.buttons) { display: grid; }
dialog h2 { font-size: 16px; }

@media (max-width: 1099px) { .split { grid-template-columns: minmax(0, 1fr); } .split .why { position: static; max-height: none; } }
@media (max-width: 719px) {
  body { grid-template: "top" auto "side" auto "main" 1fr "foot" auto / minmax(0, 1fr); }
  .top { flex-wrap: wrap; gap: 0 12px; padding: 8px 12px; }
  .tools #help { display: none; }
  .overview table { table-layout: auto; }
  .side { border-right: 0; border-bottom: 1px solid var(--line); }
  .side ul { display: flex; gap: 0; padding: 6px; overflow-x: auto; font-size: 13px; }
  .side a { white-space: nowrap; padding: 8px 7px; }
  .wide { min-width: 220px; }
  main { padding: 14px 12px 6px; }
  .foot { padding: 6px 12px 14px; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .figure { font-size: 19px; }
}
@media (prefers-reduced-motion: no-preference) {
  .side a, button.quiet { transition: background-color 120ms; }
}
@media (forced-colors: active) { .badge, .dot { border: 1px solid; } .chart .part.in, .meter .fill { fill: Highlight; } }

.beyond { color: var(--bad); font-weight: 650; }
.chart .series { fill: none; stroke-width: 1.7; stroke-linejoin: round; }
.chart .series.now { stroke: var(--accent); }
.chart .series.usual { stroke: var(--muted); stroke-width: 1.2; stroke-dasharray: 4 3; }
.chart .point.now { fill: var(--accent); }
.chart .point.usual { fill: var(--muted); }
.chart .band { fill: var(--quiet-soft); }
.chart .mark { fill: var(--bad); }
.chart .bar.now { fill: var(--accent); }
.chart .bar.usual { fill: var(--strong-line); }
.key { white-space: nowrap; margin-right: 8px; }
.key::before { content: ""; display: inline-block; width: 14px; height: 0; margin-right: 5px; vertical-align: 3px; border-top: 2px solid var(--accent); }
.key.usual::before { border-top: 2px dashed var(--muted); }
.key.mark::before { border: 5px solid transparent; border-top: 8px solid var(--bad); width: 0; vertical-align: -3px; }
.key.block::before { width: 9px; height: 9px; border: 0; vertical-align: -1px; background: var(--accent); }
.key.usual.block::before { border: 0; background: var(--strong-line); }

"""#),
    ("dom.js", #"""
// Elements are made here and nowhere else. What is put into them becomes text, never markup: names, keys and values come from
// strangers. The page's Content-Security-Policy forbids the other way (`require-trusted-types-for`).

const svgNamespace = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, children);
  return element;
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An HTML element: `h("td", {class: "number"}, 12)`. A property `onclick` with a function listens to `click`. */
export function h(tag, properties, ...children) { return fill(document.createElement(tag), properties, children); }

/** The same of SVG. */
export function s(tag, properties, ...children) { return fill(document.createElementNS(svgNamespace, tag), properties, children); }

/** What `element` holds is these children from now on. */
export function replace(element, ...children) {
  element.replaceChildren();
  put(element, children);
  return element;
}

/** Writes a text only where it differs, so that selections and screen readers are left alone. */
export function setText(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

/**
 * A table that is brought up to date in place: rows keep their identity by `id`, cells are written only when they change.
 *
 * A column has `title`, `cell(row)` (a text, a number or an element), and may have `number` (right-aligned), `head` (names the row),
 * `same(row)` (a text; an element is made anew only when it changes) and `wide`.
 */
export function table(caption, columns, { id, rowClass, empty = "Nothing yet." }) {
  const body = h("tbody");
  const held = new Map();
  const blank = h("tr", null, h("td", { colspan: columns.length, class: "none" }, empty));
  const element = scrolling(caption, h("table", null,
    h("caption", { class: "hidden" }, caption),
    h("thead", null, h("tr", null, columns.map((column) =>
      h("th", { scope: "col", class: classes(column), title: column.hint }, column.title)))),
    body));

  function make(row) {
    const cells = columns.map((column) => h(column.head ? "th" : "td", {
      scope: column.head ? "row" : null, class: classes(column),
    }));
    const made = { tr: h("tr", null, cells), cells, shown: columns.map(() => undefined) };
    held.set(id(row), made);
    return made;
  }

  function update(rows) {
    const present = new Set();
    let last = null;
    if (rows.length === 0) { if (!blank.isConnected) replace(body, blank); held.clear(); return; }
    blank.remove();
    for (const row of rows) {
      present.add(id(row));
      const { tr, cells, shown } = held.get(id(row)) ?? make(row);
      columns.forEach((column, index) => {
        const same = column.same?.(row);
        if (same !== undefined && shown[index] === same) return;
        const content = column.cell(row);
        const mark = same ?? (content instanceof Node || Array.isArray(content) ? undefined : String(content ?? ""));
        if (mark !== undefined && mark === shown[index]) return;
        shown[index] = mark;
        replace(cells[index], content);
      });
      const wanted = rowClass?.(row) ?? "";
      if (tr.className !== wanted) tr.className = wanted;
      const after = last ? last.nextSibling : body.firstChild;
      if (after !== tr) body.insertBefore(tr, after);
      last = tr;
    }
    for (const [key, { tr }] of held) if (!present.has(key)) { tr.remove(); held.delete(key); }
  }
  return { element, update };
}

function classes(column) { return [column.number ? "number" : "", column.wide ? "wide" : ""].join(" ").trim() || null; }

/** A frame that scrolls what is too wide or too long for it. Only then it is a stop of the Tab key, so that the arrow keys can move it. */
function scrolling(name, inner) {
  const frame = h("div", { class: "scroll" }, inner);
  const look = () => {
    if (frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight) {
      frame.tabIndex = 0;
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", name);
    } else for (const attribute of ["tabindex", "role", "aria-label"]) frame.removeAttribute(attribute);
  };
  const observer = new ResizeObserver(look);
  observer.observe(frame);
  observer.observe(inner);
  return frame;
}

/** A list of facts: pairs of a name and what it is; pairs without a value are left out. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}

/** What went wrong and what to do about it. */
export function problem(error) {
  return h("div", { class: "problem", role: "alert" },
    h("p", { class: "problem-title" }, error.title ?? "This did not work", error.status ? ` (${error.status})` : ""),
    error.detail ? h("p", null, error.detail) : null,
    error.remedy ? h("p", null, h("strong", null, "What to do: "), error.remedy) : null);
}

export function empty(...text) { return h("p", { class: "empty" }, text); }

export function badge(kind, text, title) { return h("span", { class: `badge ${kind}`, title }, text); }

export function panel(title, ...children) { return h("section", { class: "panel" }, h("h2", null, title), children); }

"""#),
    ("drift.js", #"""
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

"""#),
    ("drops.js", #"""
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

"""#),
    ("explain.js", #"""
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

"""#),
    ("features.js", #"""
// The catalogue: every feature that can be asked for, and a page for each that says what it is and who reads it.
import { h, setText, table, facts, badge, panel, empty } from "./dom.js";
import { bytes, duration, none, valueText } from "./format.js";
import { link } from "./route.js";

const kinds = { view: "aggregated", derived: "derived", pushed: "pushed" };

export async function open(content, context) {
  const catalogue = await context.catalogue();
  if (context.path.length > 0 && context.path[0] !== "") return page(content, catalogue, context.path);
  return list(content, catalogue, context);
}

function list(content, { features }, { query, go }) {
  const state = { q: "", entity: "", kind: "", stream: "", service: "", ...query };
  const search = h("input", { type: "search", id: "q", "data-search": true, value: state.q, placeholder: "name, description, aggregation", oninput: changed });
  const choices = {
    entity: choice("Entity", [...new Set(features.map((feature) => feature.entity))]),
    kind: choice("Kind", [...new Set(features.map((feature) => feature.kind))], kinds),
    stream: choice("Stream", [...new Set(features.map((feature) => feature.view?.stream).filter(Boolean))]),
    service: choice("Service", [...new Set(features.flatMap((feature) => feature.used_by.services.map((service) => service.name)))]),
  };
  const said = h("p", { class: "lead", "aria-live": "polite" });
  const found = table("Features", [
    { title: "Feature", head: true, cell: (row) => h("a", { href: link(["features", row.entity, row.name]) }, row.name), same: () => "" },
    { title: "Entity", cell: (row) => row.entity },
    { title: "Type", cell: (row) => row.type },
    { title: "What it is", wide: true, cell: (row) => [h("code", null, definition(row)), row.description ? h("span", { class: "muted" }, ` ${row.description}`) : null], same: () => "" },
    { title: "Window", cell: (row) => row.view?.window.name ?? none },
    { title: "Bound", hint: "How much longer than its name says the window may be", cell: (row) => row.view ? row.view.window.bound.replace(" longer", "") : none },
    { title: "Default", cell: (row) => row.default === null ? none : valueText(row.default) },
    { title: "Read by", cell: (row) => row.used_by.services.map((service) => service.name).join(", ") || none },
  ], { id: (row) => `${row.entity}\n${row.name}`, empty: "No feature is like that. Use fewer words, or take a filter back." });
  content.append(h("h1", null, "Features"),
    h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      h("p", { class: "field grow" }, h("label", { for: "q" }, "Search"), search), Object.values(choices).map((entry) => entry.element)),
    said, features.length ? found.element : empty("The definitions declare no features yet. docs/DEFINITIONS.md has the words; ", h("code", null, "millrace check"), " tells what is wrong with a file."));
  apply();

  function choice(title, words, names = {}) {
    const id = `filter-${title.toLowerCase()}`, name = title.toLowerCase();
    const select = h("select", { id, onchange: changed }, h("option", { value: "" }, "all"), words.map((word) => h("option", { value: word }, names[word] ?? word)));
    select.value = words.includes(state[name]) ? state[name] : "";
    return { select, element: h("p", { class: "field" }, h("label", { for: id }, title), select) };
  }

  function changed() {
    state.q = search.value;
    for (const [name, { select }] of Object.entries(choices)) state[name] = select.value;
    go(["features"], state, { isSameView: true });
    apply();
  }

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = Object.fromEntries(Object.entries(choices).map(([name, { select }]) => [name, select.value]));
    const rows = features.filter((feature) => {
      const text = [feature.name, feature.entity, feature.type, feature.description, definition(feature), feature.view?.name, feature.view?.stream, feature.view?.where, ...tagWords(feature)].join(" ").toLowerCase();
      return words.every((word) => text.includes(word)) && (!chosen.entity || feature.entity === chosen.entity) && (!chosen.kind || feature.kind === chosen.kind)
        && (!chosen.stream || feature.view?.stream === chosen.stream) && (!chosen.service || feature.used_by.services.some((service) => service.name === chosen.service));
    });
    found.update(rows);
    setText(said, rows.length === features.length ? `${features.length} features` : `${rows.length} of ${features.length} features`);
  }
}

/** Owner and tags, where the definitions have them. */
function tagWords(feature) { return [feature.owner, feature.purpose, ...(feature.tags ?? [])].filter(Boolean); }

export function definition(feature) { return feature.derived ? feature.derived.expression : feature.view?.aggregation ?? ""; }

function page(content, { features, streams }, path) {
  const [entity, name] = path.length > 1 ? path : [null, path[0]];
  const feature = features.find((known) => known.name === name && (entity === null || known.entity === entity));
  const back = h("p", { class: "crumbs" }, h("a", { href: link(["features"]) }, "Features"), " / ");
  if (!feature) {
    content.append(h("h1", null, name), back, empty(`The definitions have no feature "${name}"${entity ? ` of ${entity}` : ""}. The list has all of them.`));
    return;
  }
  const { view, derived } = feature;
  const of = (other) => features.find((known) => known.name === other && known.entity === feature.entity);
  const named = (names) => names.map((other, index) => [index ? ", " : "", of(other) ? h("a", { href: link(["features", feature.entity, other]) }, other) : h("code", null, other)]);
  const stream = view && streams.find((known) => known.name === view.stream);
  content.append(back, h("h1", null, feature.name),
    h("p", { class: "lead" }, feature.description || (view ? capital(view.in_words) : "An expression over other features."), " ",
      tagWords(feature).map((word) => badge("tag", word))),
    h("div", { class: "columns" }, h("div", { class: "stack" },
      panel("Definition", facts([
        ["Entity", feature.entity], ["Type", feature.type], ["Kind", kinds[feature.kind] ?? feature.kind],
        ["Aggregation", view && h("code", null, view.aggregation)], ["In words", view?.in_words],
        ["Expression", derived && h("code", null, derived.expression)], ["Of", derived && named(derived.inputs)],
        ["Default", feature.default === null ? "none: without a value it is null, and its status missing" : valueText(feature.default)],
        ["Stale after", view?.ttl_ms ? duration(view.ttl_ms) : null],
        ["Owner", feature.owner], ["Purpose", feature.purpose],
      ])),
      view && panel("Kept in the row", facts([
        ["View", view.name], ["Stream", view.stream], ["Topic", stream && h("code", null, stream.topic)], ["Where", view.where && h("code", null, view.where)],
        ["Keeps", view.keeps === "events" ? `the newest ${view.max_events} events themselves` : "tiles"],
        ["A tile of the view", view.bytes?.tile ? `${bytes(view.bytes.tile)}, all its features together` : null],
        ["Newest values", view.bytes?.sequences > 4 ? `${bytes(view.bytes.sequences)} a row` : null],
        ["An event", view.bytes?.event ? bytes(view.bytes.event) : null],
        ["Late events", stream && (stream.id === null ? "taken as far back as a tile is kept; duplicates are not found" : `taken up to ${duration(stream.allowed_lateness_ms)}; duplicates found by ${stream.id}`)],
      ]))),
    h("div", { class: "stack" },
      view && panel("Window", facts([
        ["Window", view.window.name],
        ["Length", view.window.length_ms === null ? null : duration(view.window.length_ms)],
        ["Left edge", view.window.kind === "lifetime" ? "none: every event since the store began" : view.window.hop_ms === null ? "exact" : `on a multiple of ${duration(view.window.hop_ms)} (its hop)`],
        ["Error bound", view.window.bound], ["Right edge", "the time asked for, to the microsecond"],
        ["History", view.history_ms ? `answers of up to ${duration(view.history_ms)} before the newest event are exact` : null],
      ])),
      panel("Read by",
        feature.used_by.services.length + feature.used_by.features.length === 0 ? empty("No service and no derived feature reads it. It can be asked for by name.") : facts([
          ...feature.used_by.services.map((service) => [`${service.name}, version ${service.version}`, service.as === "fallback" ? "as a fallback of another entity's feature" : h("a", { href: link(["lookup"], { service: service.name }) }, "look up")]),
          ["Derived features", feature.used_by.features.length ? named(feature.used_by.features) : null],
        ])),
      panel("Ask for it",
        h("p", null, h("a", { href: link(["lookup"], { features: feature.name }) }, "Look it up here"), ", see ", h("a", { href: link(["drift", feature.entity, feature.name]) }, "whether it drifts"), ", or:"),
        h("pre", { tabindex: "0" }, `curl -s ${new URL("v1/lookup", document.baseURI)} \\\n  -d '{"features": [${JSON.stringify(feature.name)}], "keys": ["..."]}'`)))));
}

function capital(text) { return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : ""; }

"""#),
    ("format.js", #"""
// Numbers, durations, sizes and times as people read them: with units, in few digits, the exact value in the title.
import { h } from "./dom.js";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const local = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const localDay = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const localClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const none = "–";
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function isNumber(value) { return value !== null && value !== undefined && Number.isFinite(Number(value)); }

/** Three significant digits, without zeros that say nothing. */
export function short(value) {
  if (!isNumber(value)) return none;
  const number = Number(value);
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 1000) return whole.format(number);
  return String(Number(number.toPrecision(3)));
}

/** A count: every digit up to a million, then k, M, G. */
export function count(value) {
  if (!isNumber(value)) return none;
  const number = Number(value);
  if (Math.abs(number) < 1e6) return whole.format(number);
  for (const [unit, size] of [["G", 1e9], ["M", 1e6]]) if (Math.abs(number) >= size) return `${(number / size).toFixed(2)} ${unit}`;
  return none;
}

export function counted(value) {
  return isNumber(value) ? h("span", { title: whole.format(Number(value)) }, count(value)) : none;
}

export function rate(value) { return isNumber(value) ? `${short(value >= 100 ? Math.round(value) : value)}/s` : none; }

export function share(part, all) {
  if (!isNumber(part) || !all) return none;
  if (part === 0) return "0 %";
  const percent = 100 * part / all;
  return percent < 0.01 ? "< 0.01 %" : `${percent < 10 ? Number(percent.toPrecision(2)) : percent.toFixed(1)} %`;
}

export function bytes(value) {
  if (!isNumber(value)) return none;
  let number = Number(value);
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (number < 1024 || unit === "TiB") return `${unit === "B" ? Math.round(number) : number < 10 ? number.toFixed(1) : whole.format(number)} ${unit}`;
    number /= 1024;
  }
  return none;
}

/** Of milliseconds: 12 µs, 3.4 ms, 1.2 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(milliseconds) {
  if (!isNumber(milliseconds)) return none;
  const ms = Number(milliseconds);
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${short(ms * 1000)} µs`;
  if (ms < 1000) return `${short(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${Number(seconds.toPrecision(3))} s`;
  const two = (large, largeUnit, small, smallUnit) => `${large} ${largeUnit}${small ? ` ${small} ${smallUnit}` : ""}`;
  const all = Math.round(seconds);
  if (all < 3600) return two(Math.floor(all / 60), "min", all % 60, "s");
  if (all < 86400) return two(Math.floor(all / 3600), "h", Math.round(all % 3600 / 60) % 60, "min");
  return two(Math.floor(all / 86400), "d", Math.floor(all % 86400 / 3600), "h");
}

export function parseTime(text) {
  const at = text ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : at;
}

/** In the browser's zone; UTC with every digit in the title. */
export function time(text) {
  const at = parseTime(text);
  if (at === null) return none;
  const isThisYear = new Date(at).getFullYear() === new Date().getFullYear();
  return timeAs(text, (isThisYear ? local : localDay).format(at));
}

/** A time that is shown as something else. */
export function timeAs(text, shown) { return h("time", { datetime: text, title: `UTC ${text.replace("T", " ").replace("Z", "")}` }, shown); }

/** The same with how long ago that is. */
export function timeAgo(text, now = Date.now()) {
  const at = parseTime(text);
  if (at === null) return none;
  return [time(text), h("span", { class: "muted" }, ` (${ago(at, now)})`)];
}

export function ago(at, now = Date.now()) {
  const passed = now - at;
  if (Math.abs(passed) < 1000) return "now";
  return passed < 0 ? `in ${duration(-passed)}` : `${duration(passed)} ago`;
}

export function clock(at) { return localClock.format(at); }

/** A tick of a time axis, as exact as the span of the axis asks for. */
export function tick(at, span) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getDate()} ${date.toLocaleString("en-GB", { month: "short" })}`;
  if (span > 3 * 86400e3) return day;
  if (span > 12 * 3600e3) return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
  if (span > 300e3) return `${two(date.getHours())}:${two(date.getMinutes())}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A value of a feature as text: decimals with every digit that the server wrote. */
export function valueText(value) {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (typeof value === "object" && !(value instanceof Number)) {
    if (value.source !== undefined) return value.source;
    return `{${Object.entries(value).map(([key, entry]) => `${key}: ${valueText(entry)}`).join(", ")}}`;
  }
  return typeof value === "string" ? value : String(value);
}

"""#),
    ("icon.svg", #"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3.5" fill="#0b6575"/><path d="M2.5 5c1.8-1.6 3.7 1.6 5.5 0s3.7-1.6 5.5 0M2.5 8.5c1.8-1.6 3.7 1.6 5.5 0s3.7-1.6 5.5 0M2.5 12c1.8-1.6 3.7 1.6 5.5 0s3.7-1.6 5.5 0" fill="none" stroke="#fff" stroke-width="1.4" stroke-linecap="round"/></svg>

"""#),
    ("index.html", #"""
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Millrace</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="description" content="What this Millrace server does at this moment.">
  <link rel="icon" href="console/@version@/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="console/@version@/console.css">
  <script src="console/@version@/theme.js"></script>
@modules@
  <script type="module" src="console/@version@/app.js"></script>
</head>
<body>
  <a class="skip" href="#main">Skip to the content</a>
  <header class="top">
    <p class="brand"><svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true"><path d="M1 4.5c2.5-2 4.5 2 7 0s4.5-2 7 0M1 8.5c2.5-2 4.5 2 7 0s4.5-2 7 0M1 12.5c2.5-2 4.5 2 7 0s4.5-2 7 0"/></svg>Millrace <span id="name"></span></p>
    <p class="health" id="health" role="status"><span class="dot" aria-hidden="true"></span><span id="health-text">connecting</span></p>
    <div class="tools">
      <button type="button" id="sign-in" hidden>Give a token</button>
      <button type="button" id="theme" class="quiet">Theme: system</button>
      <button type="button" id="help" class="quiet" aria-haspopup="dialog">Shortcuts</button>
    </div>
  </header>
  <nav class="side" aria-label="Views">
    <ul>
      <li><a href="#/overview" data-view="overview">Overview</a></li>
      <li><a href="#/features" data-view="features">Features</a></li>
      <li><a href="#/lookup" data-view="lookup">Lookup</a></li>
      <li><a href="#/drift" data-view="drift">Drift</a></li>
      <li><a href="#/shards" data-view="shards">Shards</a></li>
      <li><a href="#/drops" data-view="drops">Drops</a></li>
    </ul>
  </nav>
  <main id="main" tabindex="-1">
    <noscript><p class="empty">The console is a page of JavaScript modules that this server serves itself. Without JavaScript, <code>/metrics</code>, <code>/v1/shards</code> and <code>millrace describe</code> have the same facts.</p></noscript>
  </main>
  <footer class="foot"><p id="foot"></p></footer>
</body>
</html>

"""#),
    ("lookup.js", #"""
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

"""#),
    ("metrics.js", #"""
// What /metrics says, and what follows from two readings of it: rates, and percentiles of the requests between them.

const label = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes = { "\\\\": "\\", "\\n": "\n", '\\"': '"' };

/** One reading: every sample by the name of its series. */
export class Reading {
  constructor(text, at) {
    this.at = at;
    this.series = new Map();
    for (const line of text.split("\n")) {
      if (line === "" || line[0] === "#") continue;
      const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (!match) continue;
      const labels = {};
      if (match[2]) for (const [, name, value] of match[2].matchAll(label)) labels[name] = value.replace(/\\[\\n"]/g, (escape) => escapes[escape]);
      const value = match[3] === "+Inf" ? Infinity : match[3] === "-Inf" ? -Infinity : Number(match[3]);
      if (!this.series.has(match[1])) this.series.set(match[1], []);
      this.series.get(match[1]).push({ labels, value });
    }
  }

  samples(name) { return this.series.get(name) ?? []; }

  /** The sum of a series' samples that have these labels; null where the server has no such series. */
  sum(name, wanted = {}) {
    const samples = this.series.get(name);
    if (!samples) return null;
    let sum = 0;
    for (const { labels, value } of samples) if (Object.entries(wanted).every(([key, text]) => labels[key] === text)) sum += value;
    return sum;
  }

  /** Sums by one label. */
  by(name, key, wanted = {}) {
    const sums = new Map();
    for (const { labels, value } of this.samples(name)) {
      if (Object.entries(wanted).every(([other, text]) => labels[other] === text)) sums.set(labels[key], (sums.get(labels[key]) ?? 0) + value);
    }
    return sums;
  }

  max(name) {
    const values = this.samples(name).map((sample) => sample.value);
    return values.length ? Math.max(...values) : null;
  }
}

/** How much a counter grew between two readings; null when it began anew meanwhile. */
export function growth(before, after, name, wanted) {
  const [from, to] = [before?.sum(name, wanted), after?.sum(name, wanted)];
  if (from === null || from === undefined || to === null || to < from) return null;
  return to - from;
}

export function perSecond(before, after, name, wanted) {
  const grown = growth(before, after, name, wanted);
  return grown === null || after.at <= before.at ? null : grown * 1000 / (after.at - before.at);
}

/** What happened between two readings, per what else happened; null when neither did. */
export function ratio(before, after, part, whole) {
  const [up, down] = [growth(before, after, part), growth(before, after, whole)];
  return up === null || !down ? null : up / down;
}

/** Percentiles of a histogram's observations between two readings (before null: all of them), interpolated within a bucket. */
export function quantiles(before, after, name, shares) {
  const earlier = new Map((before?.samples(`${name}_bucket`) ?? []).map(({ labels, value }) => [labels.le, value]));
  const buckets = after.samples(`${name}_bucket`)
    .map(({ labels, value }) => ({ bound: labels.le === "+Inf" ? Infinity : Number(labels.le), count: value - (earlier.get(labels.le) ?? 0) }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return { total: 0, values: shares.map(() => null) };
  const values = shares.map((part) => {
    const rank = part * total;
    let low = 0, below = 0;
    for (const { bound, count } of buckets) {
      if (count >= rank) return bound === Infinity ? low : low + (bound - low) * (count === below ? 1 : (rank - below) / (count - below));
      [low, below] = [bound, count];
    }
    return low;
  });
  return { total, values };
}

"""#),
    ("monitor.js", #"""
// Asks the server how it is, every two seconds while somebody looks, and remembers the last five minutes.
import { getJSON, getText } from "./api.js";
import { Reading, perSecond, quantiles } from "./metrics.js";

const intervalMilliseconds = 2000;
const kept = 150;
/** Percentiles are of the last minute: of fewer requests they say little. */
const windowMilliseconds = 60_000;

export class Monitor {
  constructor() {
    this.readings = [];
    this.history = [];
    this.shards = null;
    this.error = null;
    this.listeners = new Set();
    this.isAsking = false;
    this.timer = null;
    /** Settled once the first answer, or error, is there: views wait for it, so that nothing moves when it comes. */
    this.begun = new Promise((resolve) => { this.noteBegun = resolve; });
    document.addEventListener("visibilitychange", () => { if (this.error?.status !== 401) this.schedule(0); });
  }

  get latest() { return this.readings.at(-1) ?? null; }
  /** The reading that rates are held against: the one before. */
  get previous() { return this.readings.at(-2) ?? null; }
  /** The oldest reading of the last minute that is not the latest. */
  get minuteAgo() {
    const since = (this.latest?.at ?? 0) - windowMilliseconds;
    return this.readings.slice(0, -1).find((reading) => reading.at >= since) ?? null;
  }

  listen(listener) {
    this.listeners.add(listener);
    if (this.latest || this.error) listener(this);
    return () => this.listeners.delete(listener);
  }

  start() { this.schedule(0); }

  schedule(after) {
    clearTimeout(this.timer);
    if (document.visibilityState === "hidden") return;
    this.timer = setTimeout(() => this.ask(), after);
  }

  async ask() {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const [text, shards] = await Promise.all([getText("metrics"), getJSON("v1/shards")]);
      this.error = null;
      this.note(new Reading(text, performance.now()), shards);
    } catch (error) {
      this.error = error;
    }
    this.isAsking = false;
    this.noteBegun();
    for (const listener of this.listeners) listener(this);
    // Nobody is known to this server: it would count the attempts.
    if (this.error?.status === 401) return;
    // The second reading comes early: it takes two to say how fast anything goes.
    this.schedule(this.readings.length < 3 ? intervalMilliseconds / 2 : intervalMilliseconds);
  }

  note(reading, shards) {
    const before = this.latest;
    if (before && reading.sum("millrace_http_responses_total") < before.sum("millrace_http_responses_total")) {
      // The server began anew: nothing from before can be compared.
      this.readings = [];
    }
    this.readings.push(reading);
    while (this.readings.length > 2 && this.readings[1].at < reading.at - windowMilliseconds) this.readings.shift();
    this.shards = shards;
    const previous = this.previous;
    const lookup = quantiles(this.minuteAgo, reading, "millrace_lookup_seconds", [0.99]);
    const freshness = shards.shards.map((shard) => shard.freshness_ms).filter((value) => value !== null).map(Number);
    const lags = shards.shards.map((shard) => shard.lag_events);
    this.history.push({
      at: Date.now(),
      applied: perSecond(previous, reading, "millrace_events_applied_total"),
      streams: new Map([...reading.by("millrace_events_applied_total", "stream").keys()]
        .map((stream) => [stream, perSecond(previous, reading, "millrace_events_applied_total", { stream })])),
      lookups: perSecond(previous, reading, "millrace_lookups_total"),
      p99: lookup.values[0] === null ? null : lookup.values[0] * 1000,
      lag: lags.length && lags.every((lag) => lag !== null) ? lags.reduce((sum, lag) => sum + Number(lag), 0) : null,
      freshness: freshness.length ? Math.max(...freshness) : null,
      dropped: perSecond(previous, reading, "millrace_events_dropped_total"),
    });
    if (this.history.length > kept) this.history.shift();
  }
}

"""#),
    ("overview.js", #"""
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

"""#),
    ("route.js", #"""
// Addresses of the console: `#/view/part?name=value`. Every state worth showing to somebody else has one.

export function link(path, query = {}) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return `#/${path.map(encodeURIComponent).join("/")}${parameters.size ? `?${parameters}` : ""}`;
}

/** What the address bar says: `{path: ["features", "customer", "clicks_24h"], query: {}}`. */
export function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { path: path.split("/").map(decoded), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

"""#),
    ("shards.js", #"""
// Where each shard stands: state, positions against the ends of the topics, and what it takes on the disk.
import { h, s, table, badge, panel, problem } from "./dom.js";
import { bytes, count, counted, duration, none, short } from "./format.js";

const states = { open: "present", disconnected: "stale", stopped: "overdue" };

export async function open(content, { monitor }) {
  await monitor.begun;
  let before = new Map();
  const body = h("div");
  const shards = table("Shards", [
    { title: "Shard", head: true, number: true, cell: (row) => row.shard },
    { title: "State", cell: (row) => badge(states[row.state] ?? "missing", row.catching_up ? `${row.state}, a rebuilt one catches up` : row.state), same: (row) => `${row.state} ${row.catching_up}` },
    { title: "Lag, events", number: true, cell: (row) => count(row.lag_events) },
    { title: "Oldest state", number: true, hint: "0 when caught up, else the age of the newest applied record", cell: (row) => duration(row.freshness_ms) },
    { title: "Entities", number: true, cell: (row) => counted(row.rows), same: (row) => `${row.rows}` },
    { title: "Bytes an entity", number: true, cell: (row) => row.rows ? bytes(Math.round(row.used_bytes / row.rows)) : none },
    { title: "Data of map", number: true, hint: "The map grows by itself", cell: (row) => [`${bytes(row.used_bytes)} of ${bytes(row.map_bytes)} `, meter(row.used_bytes, row.map_bytes)], same: (row) => `${row.used_bytes}/${row.map_bytes}` },
    { title: "Commit", number: true, hint: "Mean time to commit a batch, since the last reading", cell: (row) => duration(row.commit) },
    { title: "Events a batch", number: true, cell: (row) => short(row.batch) },
    { title: "Largest batch", number: true, hint: "Since the shard opened", cell: (row) => row.commits ? count(row.commits.largest_batch) : none },
  ], { id: (row) => row.shard, rowClass: (row) => row.state === "stopped" ? "bad" : "" });
  const positions = table("Positions", [
    { title: "Topic", head: true, cell: (row) => row.topic },
    { title: "Partition", number: true, cell: (row) => row.partition },
    { title: "Next offset", number: true, cell: (row) => row.offset.toLocaleString("en") },
    { title: "End of the log", number: true, hint: "When last heard of", cell: (row) => row.end === null ? none : row.end.toLocaleString("en") },
    { title: "Behind", number: true, cell: (row) => row.end === null ? none : count(Math.max(0, row.end - row.offset)) },
  ], { id: (row) => `${row.topic}\n${row.partition}` });
  const reasons = h("div", { class: "notices" });
  const totals = h("p", { class: "lead" });
  const tables = h("div", { class: "view" },
    totals, reasons, panel("Shards", shards.element),
    panel("Positions", positions.element,
      h("p", { class: "note" }, "Everything before the next offset is in the values that are served; state and positions commit together.")));
  content.append(h("h1", null, "Shards and storage"), body);

  const stop = monitor.listen(() => {
    if (!monitor.shards) { body.replaceChildren(problem(monitor.error)); return; }
    const { assigned, shards: list } = monitor.shards;
    if (list.length === 0) {
      body.replaceChildren(h("p", { class: "empty" }, assigned
        ? "No shard: the consumer group has given every partition to other processes. When one of them ends, its partitions come here."
        : "No shard yet: the consumer group has not answered, or no broker is reachable. The server's log says which; kafka.brokers in the definitions says where it looks."));
      return;
    }
    if (!tables.isConnected) body.replaceChildren(tables);
    const rows = list.map((shard) => {
      const commits = shard.commits, earlier = before.get(shard.shard) ?? null;
      const batches = commits && earlier && commits.batches > earlier.batches ? commits.batches - earlier.batches : 0;
      const [from, by] = batches ? [earlier, batches] : [{ committing_ms: 0, events: 0 }, commits?.batches ?? 0];
      return { ...shard, commit: by ? (commits.committing_ms - from.committing_ms) / by : null, batch: by ? (commits.events - from.events) / by : null };
    });
    before = new Map(list.map((shard) => [shard.shard, shard.commits]));
    shards.update(rows);
    positions.update(list.flatMap((shard) => shard.positions).sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition));
    const sum = (pick) => list.reduce((total, shard) => total + pick(shard), 0);
    totals.textContent = `${list.length} ${list.length === 1 ? "shard" : "shards"}, ${count(sum((shard) => shard.rows))} entities, ${bytes(sum((shard) => shard.used_bytes))} of data in maps of ${bytes(sum((shard) => shard.map_bytes))}.`;
    const said = list.filter((shard) => shard.reason).map((shard) => `Shard ${shard.shard}: ${shard.reason}`);
    if (reasons.dataset.said !== said.join("\n")) {
      reasons.dataset.said = said.join("\n");
      reasons.replaceChildren(...said.map((text) => h("p", { class: "notice" }, text)));
    }
  });
  return { close: stop };
}

function meter(part, all) {
  const width = all ? Math.min(48, 48 * part / all) : 0;
  return s("svg", { class: "meter", width: 48, height: 6, viewBox: "0 0 48 6", "aria-hidden": "true" },
    s("rect", { class: "track", width: 48, height: 6, rx: 3 }), s("rect", { class: "fill", width: width.toFixed(1), height: 6, rx: 3 }));
}

"""#),
    ("theme.js", #"""
// Runs before the first paint, so that a page that is to be dark is never seen white. `system` leaves the choice to the browser.
(() => {
  const key = "millrace.theme";
  let held = "system";
  try { held = localStorage.getItem(key) ?? "system"; } catch { /* No storage: the choice lasts as long as the page. */ }
  const show = (theme) => {
    held = theme;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  show(held);
  window.millraceTheme = {
    get current() { return held; },
    next() {
      show({ system: "light", light: "dark" }[held] ?? "system");
      try { localStorage.setItem(key, held); } catch { /* As above. */ }
      return held;
    },
  };
})();

"""#),
    ("value.js", #"""
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

"""#),
]
