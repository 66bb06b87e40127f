// The form: items and what they share. What is typed stays in this tab until it is saved, through reloads and logins.

import { byId, h } from "../room/dom.js";
import { t } from "../room/page.js";
import { worded } from "../room/ask.js";
import { api, data, page, say } from "./common.js";
import { Part } from "./part.js";

const edited = data.items.filter(({ version }) => version).map(({ document }) => document.id);
const subject = edited.length ? edited.join() : data.group?.version ? data.group.document.id : "new";
// not in localStorage: keys of items must not stay on a machine after its tab is closed
const KEY = `xinglin-bank-form/${data.user}/${data.bank}/${subject}`;

const group = data.group ? new Part(data.group, data, keep) : null;
const shared = () => (group ? (group.value("options") ?? {}) : null);
const fresh = group && !data.group.version;
const parts = data.items.map((told) => new Part(told, data, keep, () => (fresh ? sharedOptions() : null)));

/** What new items of a new group share, as options; a shared stem has none. */
function sharedOptions() {
  return data.group.fields.some(({ name }) => name === "options") ? shared() : undefined;
}

function keep() {
  parts.forEach((part) => part.refresh());
  const drafts = { items: parts.map((part) => [part.version, part.draft()]), group: group ? [group.version, group.draft()] : null };
  sessionStorage.setItem(KEY, JSON.stringify(drafts));
  byId("kept").textContent = t("Not saved yet; kept in this tab.");
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!kept) return;
  const pairs = [...parts.map((part, index) => [part, kept.items[index]]), ...(group && kept.group ? [[group, kept.group]] : [])];
  for (const [part, draft] of pairs) {
    if (!draft) continue;
    part.version = draft[0];
    part.fill({ ...part.told.document, ...draft[1] });
  }
  say(t("What you typed before is here again."), true);
  byId("message").append(" ", h("button", { type: "button", class: "quiet", id: "discard", onclick: discard }, t("Discard it")));
}

function discard() {
  sessionStorage.removeItem(KEY);
  location.reload();
}

/** What the form sends. */
function change() {
  const items = parts.map((part) => ({ ...part.read(), ...(fresh ? { group: group.read().id } : {}) }));
  const versions = Object.fromEntries(parts.flatMap((part, index) => (part.version ? [[items[index].id, part.version]] : [])));
  return { items, versions, group: group ? group.read() : null, group_version: group?.version ?? "" };
}

/** Show where the error belongs. */
function refuse(error) {
  const [kind, ...path] = error.path;
  const part = kind === "group" ? group : parts.find((one) => one.read().id === path[0]);
  const rest = kind === "group" ? path : path.slice(1);
  if (part?.refuse(rest, error.message)) say(t("Not saved: see the field that is marked."));
  else say(error.message);
}

/** Somebody was first: what they wrote stands beside what is in the form, and the person decides. */
async function compare(error) {
  say(error.message);
  const text = await (await fetch(location.href)).text();
  const now = JSON.parse(new DOMParser().parseFromString(text, "text/html").getElementById("data").textContent);
  const pairs = [...parts.map((part, index) => [part, now.items[index]]), ...(group && now.group ? [[group, now.group]] : [])];
  const theirs = pairs.flatMap(([part, told]) => part.differences(told.document));
  const keepMine = h("button", { type: "button", class: "button second", id: "keep-mine", onclick: () => {
    pairs.forEach(([part, told]) => (part.version = told.version));
    keep();
    clash.hidden = true;
    byId("save").click();
  } }, t("Save mine over it"));
  const takeTheirs = h("button", { type: "button", class: "button second", id: "take-theirs", onclick: discard }, t("Take theirs"));
  const clash = byId("clash");
  clash.replaceChildren(h("h2", { tabindex: "-1" }, t("What stands in the bank now")),
    h("dl", {}, ...theirs.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])),
    h("p", { class: "actions" }, keepMine, takeTheirs));
  clash.hidden = false;
  clash.querySelector("h2").focus();
}

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const save = byId("save");
  save.disabled = true;
  [...parts, ...(group ? [group] : [])].forEach((part) => part.accept());
  try {
    const sent = change();
    await api.post("items", sent);
    sessionStorage.removeItem(KEY);
    sessionStorage.setItem("xinglin-bank-said", t("Saved as a draft of yours. Another teacher reviews it."));
    location.href = page(`item/${encodeURIComponent(sent.items[0]?.id ?? data.group.members[0])}`);
  } catch (error) {
    if (error.code === "field") refuse(error);
    else if (error.code === "clash") await compare(error);
    else say(worded(error));
    save.disabled = false;
  }
});

if (group) {
  const changing = t("These items change with it and become drafts of yours: {items}", { items: data.group.members.join(", ") });
  byId("group").append(h("h2", {}, t("What is shared")), ...(fresh ? [] : [h("p", { id: "changing" }, changing)]), group.element);
}
byId("parts").append(...parts.map((part, index) =>
  h("section", { class: "card" }, parts.length > 1 ? h("h2", {}, t("Question {number}", { number: index + 1 })) : null, part.element)));
byId("group").hidden = !group;
restore();
