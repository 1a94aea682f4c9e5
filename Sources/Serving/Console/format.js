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
