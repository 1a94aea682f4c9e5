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
