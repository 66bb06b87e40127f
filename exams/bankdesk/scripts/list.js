// The list: what is typed and chosen is searched by the server, and stands in the address.

import { byId, h } from "../room/dom.js";
import { t } from "../room/page.js";
import { ask, worded } from "../room/ask.js";
import { api, data, page, report, say } from "./common.js";

const PAUSE_MS = 150; // while someone types
const MEASURED = 2; // decimals
const names = ["text", "topic", "type", "level", "state"];
const field = (name) => byId(`by-${name}`);
let asked = 0;
let at = 0;

/** The query as it stands in the form. */
function query() {
  const chosen = names.map((name) => [name, field(name).value.trim()]).filter(([, value]) => value);
  return new URLSearchParams(at ? [...chosen, ["page", at]] : chosen);
}

const shown = (name, value) => data.choices[name][value] ?? value;

/** The values of a filter with how many items each would show. */
function choose(name, counts) {
  const select = field(name);
  const value = select.value;
  const known = Object.keys(data.choices[name]);
  const values = [...known.filter((one) => counts[one] || one === value), ...Object.keys(counts).filter((one) => !known.includes(one)).sort()];
  if (value && !values.includes(value)) values.push(value);
  select.replaceChildren(h("option", { value: "" }, t("All")),
    ...values.map((one) => h("option", { value: one }, `${shown(name, one)} (${counts[one] ?? 0})`)));
  select.value = value;
}

function row(item) {
  const told = item.candidates === null
    ? [t("expected {difficulty}", { difficulty: item.expected })]
    : [t("difficulty {difficulty}", { difficulty: item.difficulty.toFixed(MEASURED) }), t("discrimination {discrimination}", { discrimination: item.discrimination.toFixed(MEASURED) })];
  return h("li", {}, h("a", { href: page(`item/${item.id}`), "data-item": item.id },
    h("span", { class: "facts" }, h("span", { class: "id" }, item.id), h("span", {}, shown("type", item.type)), h("span", {}, item.topic), h("span", {}, shown("level", item.level))),
    h("span", { class: "stem" }, item.stem),
    h("span", { class: "facts told" }, ...told.map((text) => h("span", {}, text)), h("span", {}, t("in {count} forms", { count: item.forms }))),
    h("span", { class: `pill ${item.state}` }, shown("state", item.state))));
}

async function search() {
  const mine = ++asked;
  const sent = query();
  try {
    const answer = await api.get(`items?${sent}`);
    if (mine !== asked) return;
    history.replaceState(null, "", `?${sent}`);
    sessionStorage.setItem(`xinglin-bank-list/${data.bank}`, `?${sent}`);
    say("");
    byId("total").textContent = t("{count} items", { count: answer.total });
    byId("items").replaceChildren(...answer.items.map(row));
    byId("none").hidden = answer.total > 0;
    names.slice(1).forEach((name) => choose(name, answer.counts[name]));
    byId("pages").hidden = answer.pages < 2;
    byId("page").textContent = t("Page {page} of {pages}", { page: at + 1, pages: answer.pages });
    byId("earlier").disabled = at === 0;
    byId("later").disabled = at + 1 >= answer.pages;
  } catch (error) {
    if (mine === asked) say(worded(error));
  }
}

function turn(by) {
  at += by;
  search().then(() => byId("total").scrollIntoView());
}

const wanted = new URLSearchParams(location.search);
at = Number(wanted.get("page") ?? 0);
for (const name of names) {
  const value = wanted.get(name) ?? "";
  if (name !== "text" && value) field(name).append(h("option", { value }, value));
  field(name).value = value;
}
let pause = 0;
field("text").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => ((at = 0), search()), PAUSE_MS);
});
for (const name of names.slice(1)) field(name).addEventListener("change", () => ((at = 0), search()));
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("earlier").addEventListener("click", () => turn(-1));
byId("later").addEventListener("click", () => turn(1));
byId("bank-choice")?.addEventListener("change", ({ target }) => (location.href = target.value));

byId("export").addEventListener("click", () => {
  const formats = [...byId("formats").content.querySelectorAll("option")].map((option) => option.cloneNode(true));
  const fields = [
    h("p", {}, t("The items found are exported with their keys: keep the file where no candidate gets it.")),
    h("p", { class: "quiet" }, t("Groups are exported whole.")),
    h("label", {}, t("Format"), h("select", { name: "format" }, ...formats)),
  ];
  ask(t("Export"), fields, async (values) => {
    const chosen = Object.fromEntries(names.map((name) => [name, field(name).value.trim()]));
    const made = await api.post("export", { format: values.get("format"), query: chosen }, 120_000);
    byId("exported").replaceChildren(
      h("h2", {}, t("{count} items in the file, {left} left out", { count: made.written, left: made.left_out })),
      report(made.report),
      h("p", { class: "actions" }, h("a", { class: "button", id: "download", href: made.href, download: made.name }, t("Download {name}", { name: made.name }))));
    byId("exported").hidden = false;
    byId("download").focus();
  }, t("Export"));
});

search();
