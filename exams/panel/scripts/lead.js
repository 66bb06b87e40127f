// The group lead's page: how far the marking is, who marks how, what waits for an adjudicator, and the rules.

import { connect } from "../room/api.js";
import { worded } from "../room/ask.js";
import { Clock } from "../room/clock.js";
import { byId, h } from "../room/dom.js";
import { t } from "../room/page.js";
import { data, tell } from "./common.js";
import { checkScripts } from "./standards.js";

const EVERY_MS = 5000;
const MARKERS_EVERY_MS = 30_000; // their figures are made from all marks
const CODE_SHOWN = 6;

const api = connect(`${data.prefix}api/${data.exam}/panel/`, new Clock());
const tile = (count, text) => h("li", {}, h("b", {}, String(count)), h("span", {}, text));
let agreement = {}; // of each question
const number = (...content) => h("td", { class: "n" }, ...content);

/** A share as a percentage, signed where it is a difference; nothing where there is none. */
function share(value, signed = false) {
  if (value === null || value === undefined) return "";
  const format = { style: "percent", maximumFractionDigits: 0, ...(signed ? { signDisplay: "exceptZero", maximumFractionDigits: 1 } : {}) };
  return new Intl.NumberFormat(document.documentElement.lang, format).format(value);
}

const plain = (value, digits = 2) => (value === null || value === undefined ? "" : value.toFixed(digits));

// of whom no number says how severe they are
const EXTREMES = { lowest: () => t("only the lowest mark"), highest: () => t("only the highest mark") };

// the columns of a marker: what they are called, and what stands there; one that no marker has is left out
const COLUMNS = [
  [() => t("Marks"), (row) => row.marks ?? 0],
  [() => t("Median seconds"), (row) => plain(row.seconds, 0)],
  [() => t("Mean share"), (row) => share(row.share)],
  [() => t("Agrees with others"), (row) => share(row.agreed)],
  [() => t("Against others"), (row) => share(row.others, true)],
  [() => t("Kappa"), (row) => plain(row.kappa)],
  [() => t("Check scripts"), (row) => row.checks || ""],
  [() => t("Against the standard"), (row) => share(row.standard, true)],
  [() => t("Severity"), ({ severity, extreme }) => (severity ? `${plain(severity.logits)} ± ${plain(severity.error)}` : extreme ? EXTREMES[extreme]() : "")],
  [() => t("Infit"), ({ severity }) => plain(severity?.infit)],
  [() => t("Outfit"), ({ severity }) => plain(severity?.outfit)],
  [() => t("Adjudications"), (row) => row.adjudications || ""],
  [() => t("Handed on"), (row) => row.handed_on || ""],
];

function markerRow(row, columns) {
  const pill = (text) => h("span", { class: "pill note" }, text);
  const notes = row.named ? [] : [pill(t("not named any more"))];
  if (row.unknown.length) notes.push(pill(t("of {school}, which the roster does not have", { school: row.unknown.join(", ") })));
  return h("tr", { "data-marker": row.marker }, h("th", { scope: "row" }, row.marker, ...notes), ...columns.map(([, value]) => number(String(value(row)))));
}

function drawMarkers({ markers: rows, questions, why, stuck }) {
  agreement = questions;
  tell(byId("stuck"), stuck ? t("For {count} answers too few markers are left: the others have handed them on, marked them, or are of the candidate's school. Name another marker.", { count: stuck }) : "");
  byId("why").textContent = why ? t("No severity yet: {why}", { why }) : "";
  const columns = COLUMNS.filter(([, value], place) => place === 0 || rows.some((row) => value(row) !== ""));
  byId("markers-head").replaceChildren(h("tr", {}, h("th", { scope: "col" }, t("Marker")), ...columns.map(([name]) => h("th", { scope: "col", class: "n" }, name()))));
  byId("markers").replaceChildren(...rows.map((row) => markerRow(row, columns)));
  if (last) draw(last);
}

function questionRow({ item, total, unmarked, partly, disputed, done, checks, tolerance }) {
  const bar = h("i");
  bar.style.width = `${(100 * done) / total}%`;
  const open = h("button", { type: "button", class: "quiet", "aria-haspopup": "dialog", onclick: () => checkScripts(api, data.items[item]) }, t("{count} · choose", { count: checks }), h("span", { class: "hidden" }, ` ${item}`));
  return h("tr", { "data-item": item },
    h("th", { scope: "row" }, h("span", { class: "short" }, data.items[item]?.short ?? ""), h("span", { class: "quiet" }, item)),
    number(unmarked), number(partly), number(disputed), number(done),
    h("td", { class: "wide" }, h("span", { class: "meter", "aria-hidden": "true" }, bar), `${Math.floor((100 * done) / total)} %`),
    h("td", { class: "n wide" }, String(tolerance)), h("td", { class: "n wide" }, plain(agreement[item]?.kappa)), h("td", { class: "n wide" }, plain(agreement[item]?.icc)), h("td", {}, data.items[item] ? open : ""));
}

function dispute({ item, code, marks, handed_on: handedOn }) {
  const given = marks.map(({ marker, total }) => h("li", {}, `${marker} `, h("b", {}, String(total))));
  const said = handedOn.map(({ marker, reason, note }) => h("li", {}, `${marker}: ${data.reasons[reason]}`, note ? ` · ${note}` : ""));
  return h("li", { class: "card" }, h("span", { class: "quiet" }, `${item} · ${code.slice(0, CODE_SHOWN)}`), h("ul", {}, ...given, ...said));
}

let drawn = "";
let last = null;

function draw(seen) {
  last = seen;
  const { questions, disputes, disputed } = seen;
  const now = JSON.stringify([questions, disputes, agreement]);
  if (now === drawn) return; // the focus stays where it is
  drawn = now;
  const focused = document.activeElement?.closest("#questions tr")?.dataset.item;
  const sum = (name) => questions.reduce((so_far, row) => so_far + row[name], 0);
  byId("tiles").replaceChildren(tile(sum("total"), t("answers")), tile(sum("unmarked"), t("Unmarked")), tile(sum("partly"), t("One mark")), tile(sum("disputed"), t("Disputed")), tile(sum("done"), t("Done")));
  byId("questions").replaceChildren(...questions.map(questionRow));
  if (focused) document.querySelector(`#questions tr[data-item="${focused}"] button`)?.focus();
  byId("disputes").replaceChildren(...disputes.map(dispute));
  byId("no-disputes").hidden = disputed > 0;
  byId("disputed").hidden = disputed === 0;
  byId("disputed").textContent = disputed;
}

/** Ask again and again; what is wrong is said until it is right. */
async function watch(path, show, pause) {
  for (;;) {
    try {
      show(await api.get(path));
      if (byId("message").dataset.lost === path) tell(byId("message"), "");
    } catch (error) {
      byId("message").dataset.lost = path;
      tell(byId("message"), worded(error));
      if (error.status) return;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

const names = (text) => text.split(/[\s,，、;；]+/).filter(Boolean);

byId("rules").addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = new FormData(event.target);
  byId("save-rules").disabled = true;
  try {
    await api.post("settings", {
      markers: names(values.get("markers")), adjudicators: names(values.get("adjudicators")), marks: Number(values.get("marks")),
      tolerance: Number(values.get("tolerance")) / 100, check_every: Number(values.get("check_every")),
    });
    byId("rules-said").textContent = t("Saved. What is settled by these rules is settled; the rest is in line again.");
    drawMarkers(await api.get("markers"));
  } catch (error) {
    byId("rules-said").textContent = worded(error);
  }
  byId("save-rules").disabled = false;
});

watch("watch", draw, EVERY_MS);
watch("markers", drawMarkers, MARKERS_EVERY_MS);
