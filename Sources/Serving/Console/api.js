// Requests to this server, and nowhere else. Errors come as problems with a remedy; a token is asked for when the server wants one
// and kept for this tab only.
import { h } from "./dom.js";

const tokenKey = "millrace.token";
let token = null;
let asking = null;
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

async function send(path, options) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    return await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(15000) });
  } catch (error) {
    throw new Problem({
      title: "No answer from the server", detail: `${path}: ${error.name === "TimeoutError" ? "nothing came within 15 s" : "the connection failed"}.`,
      remedy: "See whether `millrace serve` runs and can be reached from here; the page tries again by itself.",
    });
  }
}

/** The response to a request. Throws a `Problem` when it is none of `accepted` (besides 200). */
async function request(path, options = {}) {
  for (;;) {
    const used = token;
    const response = await send(path, options);
    if (response.ok) return response;
    const text = await response.text();
    let said = {};
    try { said = JSON.parse(text); } catch { said = { detail: text.slice(0, 500) }; }
    if (response.status === 401) {
      // Another request may have brought a token meanwhile.
      if (token !== used) continue;
      if (await askForToken(said, used !== null)) continue;
    }
    throw new Problem({ title: said.title ?? `The server answered ${response.status}`, detail: said.detail, remedy: said.remedy, status: response.status });
  }
}

export async function getJSON(path) { return parseExact(await (await request(path)).text()); }
export async function getText(path) { return (await request(path)).text(); }

/** `body` is JSON text. */
export async function postJSON(path, body) {
  return parseExact(await (await request(path, { method: "POST", body, headers: { "Content-Type": "application/json" } })).text());
}

/** Null where the server has no such path; other problems are thrown. */
export async function getIfThere(path) {
  try { return await getJSON(path); } catch (error) {
    if (error.status === 404 || error.status === 403) return null;
    throw error;
  }
}

export const path = (strings, ...parts) => strings.reduce((all, text, index) => all + text + (index < parts.length ? encodeURIComponent(parts[index]) : ""), "");

/** One dialog, however many requests wait for it. Resolves to whether there is another token now. */
function askForToken(said, wasRefused) {
  asking ??= new Promise((resolve) => {
    const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "token-why" });
    let isGiven = false;
    const dialog = h("dialog", { "aria-labelledby": "token-title" },
      h("form", { method: "dialog", onsubmit: (event) => {
        event.preventDefault();
        token = input.value.trim();
        try { sessionStorage.setItem(tokenKey, token); } catch { /* In memory, then. */ }
        isGiven = true;
        dialog.close();
      } },
      h("h2", { id: "token-title" }, wasRefused ? "That token was refused" : "This server asks who you are"),
      h("p", { id: "token-why" }, said.detail ?? "It wants a bearer token.", " The token is kept in this tab and sent to this server only."),
      h("p", { class: "field" }, h("label", { for: "token" }, "Bearer token"), input),
      h("p", { class: "buttons" }, h("button", { type: "submit" }, "Use it"), h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      asking = null;
      resolve(isGiven);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
