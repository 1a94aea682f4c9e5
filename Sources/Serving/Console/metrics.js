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
