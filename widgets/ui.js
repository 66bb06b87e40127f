// What all widgets share in the page: elements, texts in the reader's language, icons.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (functions become listeners) and children. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** "zh" or "en", from the cookie that every service of the host sets. */
export function language() {
  return /(?:^|;\s*)xinglin_language=en(?:;|$)/.test(document.cookie) ? "en" : "zh";
}

/** A function English text -> text in the reader's language; {names} are filled from its second argument. */
export function translator(labels) {
  const texts = labels?.[language()] ?? {};
  return (text, values = {}) => (texts[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Marks a text for the catalogue where it is translated later. */
export const mark = (text) => text;

const ICONS = {
  scroll: "M4 5h12M4 10h12M4 15h12M20 6v12m-2-2 2 2 2-2m-4-8 2-2 2 2",
  window: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  zoom: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5 20 20M8 10.5h5M10.5 8v5",
  pan: "M12 3v18M3 12h18M9.5 5.5 12 3l2.5 2.5M9.5 18.5 12 21l2.5-2.5M5.5 9.5 3 12l2.5 2.5M18.5 9.5 21 12l-2.5 2.5",
  probe: "M12 3v6M12 15v6M3 12h6M15 12h6M12 11.9v.2",
  length: "M4 20 20 4M2.5 16.5l5 5M16.5 2.5l5 5",
  angle: "M20 19H4L15 5M11 19a8 8 0 0 0-2.7-5.5",
  ellipse: "M12 6c5 0 9 2.7 9 6s-4 6-9 6-9-2.7-9-6 4-6 9-6z",
  interval: "M6 4v16M18 4v16M6 12h12M9 9l-3 3 3 3M15 9l3 3-3 3",
  amplitude: "M4 6h16M4 18h16M12 6v12M9 9l3-3 3 3M9 15l3 3 3-3",
  point: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 11.9v.2",
  reset: "M5 12a7 7 0 1 0 2.5-5.4M5 4v4h4",
  invert: "M4 4h16v16H4zM4 20 20 4v16z",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  help: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.4v.2M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z",
};

/** A 24-pixel line icon, decorative: the button beside it carries the name. */
export function icon(name) {
  const path = svg("path", { d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" });
  return svg("svg", { viewBox: "0 0 24 24", width: 22, height: 22, "aria-hidden": "true" }, path);
}

/** A toolbar button: icon, name below, the shortcut key in its tooltip. */
export function button(name, text, key, press) {
  return element("button", { type: "button", class: "xv-button", "data-tool": name, title: key ? `${text} (${key})` : text, "aria-keyshortcuts": key, click: press }, icon(name), element("span", {}, text));
}

/** A modal sheet of keyboard shortcuts: rows of [keys, what they do]. */
export function helpSheet(title, rows, close) {
  const table = element("table", {}, ...rows.map(([keys, meaning]) =>
    element("tr", {}, element("th", { scope: "row" }, ...keys.split(" ").flatMap((key, i) => (i ? [" ", element("kbd", {}, key)] : [element("kbd", {}, key)]))), element("td", {}, meaning))));
  const sheet = element("dialog", { class: "xv-help", "aria-label": title },
    element("h2", {}, title), table,
    element("form", { method: "dialog" }, element("button", { class: "xv-close", autofocus: true }, close)));
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  return sheet;
}

/** Show a help sheet from its top: the browser would scroll to the button that takes the focus. */
export function openSheet(sheet) {
  sheet.showModal();
  sheet.scrollTop = 0;
}

/** A style sheet for a widget's element. */
export function style(...sheets) {
  return element("style", {}, sheets.join("\n"));
}

/** Whether two JSON values are the same. */
export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
