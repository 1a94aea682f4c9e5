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
