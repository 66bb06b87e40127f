// The desk of the key: choose a question, say what is right about it, see whose marks that changes, sign.

import { connect } from "./api.js";
import { Clock } from "./clock.js";
import { byId, h } from "./dom.js";
import { t } from "./page.js";

const SIGN_MS = 30 * 60_000; // marking thousands anew takes its time
const PREVIEW_MS = 60_000;
const MOST_ROWS = 200;

const page = byId("key");
const api = connect(`${page.dataset.prefix}api/${page.dataset.exam}/key/`, new Clock());
const items = new Map(JSON.parse(byId("items").textContent).map((item) => [item.id, item]));
let shown = null; // {changes, digest} of the preview that stands there

function say(text, lost = false) {
  byId("desk-message").hidden = !text;
  byId("desk-message").textContent = text;
  byId("desk-message").toggleAttribute("data-lost", lost);
}

const field = (text, input) => h("label", { class: "field" }, text, input);
const tick = (name, value, text, checked, kind = "checkbox") =>
  h("label", { class: "tick" }, h("input", { type: kind, name, value, checked }), h("span", {}, text));
const choices = (legend, ...children) => h("fieldset", {}, h("legend", {}, legend), ...children);
const text = (name, value, rows) => {
  const area = h("textarea", { name, rows: String(rows) });
  area.value = value;
  return area;
};

/** What can be said of an item, by how it is marked: its fields, and what they say as the fields of a bank's item. */
const KINDS = {
  one: {
    draw: (item) => [
      choices(t("Right answer"), ...item.options.map(([letter, said]) => tick("key", letter, `${letter}. ${said}`, letter === item.key, "radio"))),
      choices(t("Also taken as right"), ...item.options.map(([letter]) => tick("accepted", letter, letter, item.accepted.includes(letter)))),
    ],
    read: (data) => ({ key: data.get("key"), accepted: data.getAll("accepted").filter((letter) => letter !== data.get("key")) }),
  },
  several: {
    draw: (item) => [choices(t("Right answers"), ...item.options.map(([letter, said]) => tick("key", letter, `${letter}. ${said}`, item.key.includes(letter))))],
    read: (data) => ({ key: data.getAll("key") }),
  },
  number: {
    draw: (item) => [
      field(`${t("Right answer")} (${item.unit})`, h("input", { name: "key", type: "number", step: "any", required: true, value: String(item.key) })),
      field(`${t("Tolerance")} (${item.unit})`, h("input", { name: "tolerance", type: "number", step: "any", min: "0", required: true, value: String(item.tolerance) })),
    ],
    read: (data) => ({ key: Number(data.get("key")), tolerance: Number(data.get("tolerance")) }),
  },
  rubric: {
    draw: (item) => [
      field(t("Rubric: a line a criterion, its points first"), text("rubric", lines(item), 5)),
      field(t("Model answer"), text("model_answer", item.model_answer, 4)),
    ],
    read: (data, item) => ({
      // as it was drawn it is as it was, also where a text has lines of its own
      ...(data.get("rubric") === lines(item) ? {} : { rubric: data.get("rubric").split("\n").filter((line) => line.trim()).map(criterion) }),
      model_answer: data.get("model_answer"),
    }),
  },
  other: { draw: () => [h("p", { class: "quiet" }, t("Of such a question only this can be changed here."))], read: () => ({}) },
};

const kindOf = (item) => {
  if (item.several) return KINDS.one;
  if (item.options.length) return KINDS.several;
  if (item.type === "short") return KINDS.rubric;
  return typeof item.key === "number" ? KINDS.number : KINDS.other;
};

const lines = (item) => item.rubric.map(([points, said]) => `${points} ${said}`).join("\n");

/** What a line says; spaces within its text, full-width ones too, stay as they are. */
function criterion(line) {
  const [, points, said] = /^(\S+)\s?(.*)$/su.exec(line.trim());
  return { points: Number(points), text: said };
}

function draw() {
  const item = items.get(byId("item").value);
  byId("stem").textContent = item.stem;
  const free = tick("void", "yes", t("Void: everybody who sat the paper gets its points ({points})", { points: item.points }), item.void);
  byId("fields").replaceChildren(...kindOf(item).draw(item), free);
  byId("preview").hidden = true;
  shown = null;
}

/** The fields that are other than they were. */
function changed(item, data) {
  const said = { ...kindOf(item).read(data, item), void: data.get("void") === "yes" };
  const before = { ...item, rubric: item.rubric.map(([points, own]) => ({ points, text: own })) };
  return Object.fromEntries(Object.entries(said).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}

const given = (points) => points ?? "?"; // by a person, or by a run that is still to come

const row = (one) =>
  h("tr", {}, ...[one.number, one.name, one.school, one.before, one.after,
    Object.entries(one.items).map(([item, [was, is]]) => `${items.get(item)?.place ?? item}: ${given(was)} → ${given(is)}`).join(", ")].map((cell) => h("td", {}, String(cell))));

/** All of `rescored`, so many at a time. */
function table(rescored) {
  const header = [t("Candidate number"), t("Name"), t("School"), t("Before"), t("After"), t("Questions")];
  const body = h("tbody", {});
  const more = h("button", { type: "button", class: "button second" });
  const grow = () => {
    body.append(...rescored.slice(body.rows.length, body.rows.length + MOST_ROWS).map(row));
    const left = rescored.length - body.rows.length;
    more.textContent = t("Show more: {count} are left", { count: left });
    more.hidden = !left;
  };
  more.addEventListener("click", grow);
  grow();
  return [h("table", {}, h("thead", {}, h("tr", {}, ...header.map((name) => h("th", { scope: "col" }, name)))), body), more];
}

function show(title, rescored, signing) {
  byId("preview").hidden = false;
  byId("signing").hidden = !signing;
  byId("preview-title").textContent = title;
  byId("preview-table").replaceChildren(...(rescored.length ? table(rescored) : []));
  byId("preview-table").hidden = !rescored.length;
  byId("preview-title").focus();
}

/** Do it while `button` says that it is under way; what goes wrong is said. */
async function attempt(button, deed) {
  button.disabled = true;
  try {
    await deed();
  } catch (error) {
    say(error.message, true);
    byId("desk-message").scrollIntoView({ block: "center" });
  } finally {
    button.disabled = false;
  }
}

byId("ruling").addEventListener("submit", (event) => {
  event.preventDefault();
  const item = items.get(byId("item").value);
  const changes = { [item.id]: changed(item, new FormData(byId("ruling"))) };
  attempt(byId("show"), async () => {
    const { rescored, again, digest } = await api.post("preview", { changes }, PREVIEW_MS);
    shown = { changes, digest };
    say("");
    const certain = rescored.filter((one) => Object.values(one.items).some((pair) => !pair.includes(null))).length;
    const open = rescored.length - certain;
    const title = again.length
      ? t("People mark the answers to this question anew; marks by rule change for {count} candidates.", { count: certain })
      : t("{count} candidates get other marks.", { count: certain });
    const more = open ? t("The marks of {count} more may change: people or a run of their code give them.", { count: open }) : "";
    show(`${title} ${more}`.trim(), rescored, true);
  });
});

byId("signing").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(byId("sign"), async () => {
    say(t("All is marked anew; this takes a moment."));
    const { message } = await api.post("sign", { ...shown, reason: byId("reason").value }, SIGN_MS);
    sessionStorage.setItem("xinglin-key-said", message);
    location.reload();
  });
});

for (const button of document.querySelectorAll("[data-version]"))
  button.addEventListener("click", () =>
    attempt(button, async () => {
      const { rescored } = await api.get(`versions/${button.dataset.version}`);
      show(t("{count} candidates got other marks.", { count: rescored.length }), rescored, false);
    }));

byId("item").addEventListener("change", draw);
byId("ruling").addEventListener("input", () => { byId("preview").hidden = true; });
draw();
say(sessionStorage.getItem("xinglin-key-said") ?? "");
sessionStorage.removeItem("xinglin-key-said");
