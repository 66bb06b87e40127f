// Bringing items in: the file is sent, the report is read, and only then anything is written.

import { Unreachable } from "../room/api.js";
import { byId, h } from "../room/dom.js";
import { t } from "../room/page.js";
import { worded } from "../room/ask.js";
import { api, data, page, report, say } from "./common.js";

const MOST_BYTES = 50_000_000;
const LONGEST_MS = 120_000;
const ENDINGS = { xlsx: "xlsx", gift: "gift", txt: "gift", xml: "moodle", zip: "qti30" };
const form = byId("import");
const xsrf = document.querySelector('meta[name="xsrf"]').content;

byId("file").addEventListener("change", ({ target }) => {
  const ending = target.files[0]?.name.split(".").at(-1).toLowerCase();
  if (ENDINGS[ending]) byId("format").value = ENDINGS[ending];
});

/** Send the file; its name and what to fill in go with the address. */
async function send(file, values) {
  const query = new URLSearchParams({ ...values, name: file.name });
  const headers = { "Content-Type": "application/octet-stream", "X-XSRFToken": xsrf };
  const sent = { method: "POST", body: file, headers, signal: AbortSignal.timeout(LONGEST_MS) };
  const response = await fetch(`${data.prefix}api/bank/${data.bank}/import?${query}`, sent).catch((error) => {
    throw new Unreachable(error.message);
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function show(found) {
  const go = h("button", { type: "button", class: "button", id: "confirm", onclick: () => confirm(found, go) }, t("Import {count} items", { count: found.items.length }));
  byId("found").replaceChildren(h("div", {},
    h("h2", { tabindex: "-1", id: "found-title" }, found.items.length ? t("{count} items can be imported", { count: found.items.length }) : t("No item can be imported")),
    h("p", {}, t("Nothing is written yet. They become drafts of yours; another teacher reviews them.")),
    found.clashes.length ? h("div", { class: "clashes" }, h("h3", {}, t("Left out, since the bank has their ids already:")), h("p", {}, found.clashes.join(", "))) : null,
    found.report.length ? h("h3", {}, t("What is not carried as it stands")) : h("p", {}, t("Everything is carried as it stands.")),
    report(found.report),
    h("details", {}, h("summary", {}, t("The items")), h("ul", { class: "report" }, ...found.items.map(({ id, type, stem }) => h("li", {}, h("b", {}, id), ` ${type} · ${stem}`)))),
    found.items.length ? h("p", { class: "actions" }, go) : null));
  byId("found").hidden = false;
  byId("found-title").focus();
}

async function confirm(found, button) {
  button.disabled = true;
  try {
    const { items } = await api.post("import/confirm", { token: found.token }, LONGEST_MS);
    byId("found").hidden = true;
    form.reset();
    say(t("{count} items are imported as your drafts.", { count: items.length }), true);
    byId("message").append(" ", h("a", { href: page("?state=draft") }, t("To the drafts")));
  } catch (error) {
    say(worded(error));
    button.disabled = false;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = Object.fromEntries(new FormData(form));
  const file = values.file;
  delete values.file;
  if (!file?.size) return say(t("Choose a file first."));
  if (file.size > MOST_BYTES) return say(t("The file is larger than {most} MB: split it and import the parts.", { most: MOST_BYTES / 1_000_000 }));
  byId("send").disabled = true;
  byId("found").hidden = true;
  say(t("The file is being read…"), true);
  try {
    show(await send(file, values));
    say("");
  } catch (error) {
    say(worded(error));
  }
  byId("send").disabled = false;
});
