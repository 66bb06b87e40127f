// What the desk's pages have in common.

import { connect } from "../room/api.js";
import { Clock } from "../room/clock.js";
import { byId, h } from "../room/dom.js";
import { t } from "../room/page.js";

/** What the server put into the page for its script. */
export const data = JSON.parse(byId("data").textContent);

export const api = connect(`${data.prefix}api/bank/${data.bank}/`, new Clock());

/** The address of a page of this bank. */
export const page = (path) => `${data.prefix}bank/${data.bank}/${path}`;

/** Tell those who read the page, and those who listen to it. */
export function say(text, good = false) {
  const banner = byId("message");
  banner.hidden = !text;
  banner.className = good ? "banner good" : "banner";
  banner.textContent = text;
}

const MOST_NAMED = 12;

/** The report of an import or export: one line for each thing and reason. */
export function report(lines) {
  const named = (items) => h("small", { class: "quiet" }, " ", t("{count} items", { count: items.length }), ": ",
    items.slice(0, MOST_NAMED).join(", "), items.length > MOST_NAMED ? "…" : "");
  return h("ul", { class: "report" }, ...lines.map(({ what, why, items }) =>
    h("li", {}, h("b", {}, what), " ", why, items.length ? named(items) : null)));
}
