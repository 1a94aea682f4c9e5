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
