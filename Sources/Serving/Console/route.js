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
