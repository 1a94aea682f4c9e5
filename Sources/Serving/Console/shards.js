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
