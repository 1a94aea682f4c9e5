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
