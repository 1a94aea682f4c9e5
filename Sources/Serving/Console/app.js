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
