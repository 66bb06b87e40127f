// The marking desk: one answer, its rubric, and the next at once.

import { ask, worded } from "../room/ask.js";
import { byId, h } from "../room/dom.js";
import { announce, loginNeeded, t } from "../room/page.js";
import { show } from "../room/tools.js";
import { api, data, tell } from "./common.js";
import { Criteria } from "./criteria.js";
import { help, listen } from "./keys.js";
import { Queue } from "./queue.js";
import { client, drawState, sending } from "./sending.js";
import { Sheet, drafts } from "./sheet.js";

const { rubric } = data.item;
const kept = drafts(`${data.exam}/${data.user}`);
const question = data.item.id;
let sheet = null; // what is on the screen
let waiting = null; // the answer that an earlier one was taken up from
let earlier = []; // what was marked last, the newest first
let place = -1; // which of those is on the screen
let outbox = null;

const criteria = new Criteria(byId("criteria"), rubric, data.step, (at, value) => edit(() => sheet.points.choose(at, value)));
const queue = new Queue({
  claim: (wanted, holding) => api.post(`${question}/claim`, { wanted, holding, disputes: data.disputes }),
  held: () => [sheet, waiting].filter((one) => one && !one.again).map((one) => one.answer.code).concat([...(outbox?.unsaved() ?? [])]),
  most: data.mostAhead,
  onChange: () => (sheet ? drawLeft() : advance()),
  onStop: stopped,
});

const again = (text) => h("a", { class: "button second", href: location.href }, text);

function stopped(error) {
  tell(byId("banner"), `${worded(error)} `, again(loginNeeded(error) ? t("Log in again") : t("Load again")));
}

/** A mark that was not taken; where that is for a newer rubric, this page has the old one. */
function refused(deed, { error, message }) {
  const outdated = error === "renewed" && deed.question === question;
  const understood = () => h("button", { type: "button", class: "quiet", onclick: () => tell(byId("banner"), "") }, t("Understood"));
  tell(byId("banner"), `${message} `, outdated ? again(t("Load again")) : understood());
}

/** An answer on the screen, or that there is none. */
function put(next) {
  sheet?.watch(false);
  sheet = next;
  sheet?.watch(true);
  const there = sheet !== null;
  byId("text").textContent = there ? sheet.answer.text : queue.empty ? t("Nothing is left for you here. What comes later appears by itself.") : t("Answers are being fetched.");
  byId("text").classList.toggle("quiet", !there);
  byId("answer-title").textContent = there && sheet.again ? t("An answer that you have marked") : t("Answer");
  document.body.classList.toggle("again", there && sheet.again);
  byId("next").firstChild.textContent = there && sheet.again ? t("Save") : t("Next answer");
  byId("comment").value = there ? sheet.comment : "";
  byId("others").replaceChildren(...(there ? told(sheet.answer) : []));
  for (const id of ["next", "hand-on", "comment"]) byId(id).disabled = !there || (id === "hand-on" && sheet.again);
  byId("back").disabled = place + 1 >= earlier.length;
  criteria.disable(!there);
  drawPoints(false);
  drawLeft();
  if (there) byId("answer").focus({ preventScroll: true });
  byId("main").scrollTop = 0;
  document.querySelector(".paper").scrollTop = 0;
}

/** What an adjudicator is told: the marks that differ, by nobody's name, and why the answer was handed on. */
function told({ given = [], said = [] }) {
  const marks = given.map(({ points, total, comment }, number) =>
    h("li", {}, h("b", {}, t("Mark {number}: {total}", { number: number + 1, total })), ` (${points.join(" + ")})`, comment ? ` ${comment}` : ""));
  const reasons = said.map(({ reason, note }) => h("li", {}, t("Handed on: {reason}", { reason: data.reasons[reason] }), note ? ` ${note}` : ""));
  return marks.length + reasons.length ? [h("ul", { class: "given-before", id: "given-before" }, ...marks, ...reasons)] : [];
}

function drawPoints(focus) {
  const total = sheet?.points.total() ?? null;
  byId("total").textContent = total === null ? "–" : String(total);
  byId("next").classList.toggle("ready", sheet !== null && sheet.points.missing() < 0);
  if (sheet) criteria.draw(sheet.points, focus);
}

function drawLeft() {
  const left = queue.left;
  byId("left").textContent = left === null ? "" : data.disputes ? t("{count} to decide", { count: left }) : t("{count} to mark", { count: left });
}

/** Change the points at hand; `act` gives false where they cannot be so. */
function edit(act, focus = false) {
  if (!sheet) return;
  const { at } = sheet.points;
  if (act() === false) announce(t("Criterion {number} earns {points} points at most.", { number: at + 1, points: rubric[at].points }));
  sheet.keep();
  drawPoints(focus);
}

/** The next answer, or back to the one that waits. */
function advance() {
  place = -1;
  if (waiting) {
    put(waiting);
    waiting = null;
    return;
  }
  const next = queue.take();
  put(next ? new Sheet(next, rubric, data.step, { drafts: kept }) : null);
}

function send(deed) {
  outbox.put({ ...deed, question, client: client() }).catch(() =>
    tell(byId("banner"), t("This browser cannot keep marks. Stay online, and do not close this page.")));
}

function next() {
  if (!sheet) return;
  const missing = sheet.points.missing();
  if (missing >= 0) {
    sheet.points.to(missing);
    announce(t("Criterion {number} has no points yet.", { number: missing + 1 }));
    drawPoints(true);
    return;
  }
  const deed = sheet.deed();
  const { answer } = sheet;
  const marked = { code: answer.code, edition: answer.edition, text: answer.text, points: deed.points, comment: deed.comment };
  const known = earlier.findIndex(({ code }) => code === marked.code);
  if (known >= 0) earlier[known] = marked;
  else earlier = [marked, ...earlier].slice(0, data.lastOwn);
  kept.drop(marked);
  send(deed);
  if (!sheet.again && queue.left) queue.left -= 1;
  advance();
}

/** Back to what was marked before; the answer at hand waits. */
function back() {
  if (place + 1 >= earlier.length) return;
  place += 1;
  if (sheet && !sheet.again) waiting = sheet;
  put(new Sheet(earlier[place], rubric, data.step, { again: true, drafts: kept }));
}

function leave() {
  if (document.activeElement === byId("comment")) byId("answer").focus({ preventScroll: true });
  else if (sheet?.again) advance();
}

function handOn() {
  if (!sheet || sheet.again) return;
  const choices = Object.entries(data.reasons).map(([name, text], index) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "reason", value: name, required: true, checked: index === 0 }), text));
  const note = h("label", {}, t("Note for whoever comes after you"), h("input", { name: "note", maxlength: 500, autocomplete: "off" }));
  ask(t("Hand this answer on?"), [h("fieldset", {}, h("legend", {}, t("Reason")), ...choices), note], async (values) => {
    const { answer } = sheet;
    kept.drop(answer);
    send({ item: answer.code, edition: answer.edition, deed: "hand_on", reason: values.get("reason"), note: values.get("note") });
    advance();
  }, t("Hand on"));
}

function showHelp() {
  const close = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("Close"));
  const dialog = h("dialog", { "aria-labelledby": "help-title" }, h("h2", { id: "help-title" }, t("Keys")), help(), h("div", { class: "actions" }, close));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const act = {
  digit: (value) => edit(() => sheet.points.digit(value), true),
  half: () => edit(() => sheet.points.half(), true),
  erase: () => edit(() => sheet.points.erase(), true),
  move: (by) => edit(() => sheet.points.move(by), true),
  change: (by) => edit(() => sheet.points.change(by), true),
  comment: () => byId("comment").focus(),
  model: () => (byId("model").open = !byId("model").open),
  next, back, handOn, leave, help: showHelp,
};
listen(act);
byId("next").addEventListener("click", next);
byId("back").addEventListener("click", back);
byId("hand-on").addEventListener("click", handOn);
byId("help").addEventListener("click", showHelp);
byId("comment").addEventListener("input", ({ target }) => {
  if (!sheet) return;
  sheet.comment = target.value;
  sheet.keep();
});
document.addEventListener("visibilitychange", () => sheet?.watch(!document.hidden));
if (matchMedia("(max-width: 900px)").matches) byId("question").open = false;

const picture = byId("asset");
if (picture)
  show({ ...data.item, type: "short" }, null, { api, base: data.base, change: () => {}, element: picture })
    .catch((error) => picture.replaceChildren(t("The image could not be shown: {reason}", { reason: error.message })));

outbox = await sending({
  api, exam: data.exam, user: data.user, onChange: drawState, onStop: stopped,
  saved: (deed) => announce(deed.deed === "mark" ? t("Saved: {points} points", { points: deed.points.reduce((sum, one) => sum + one, 0) }) : t("Handed on.")),
  refused,
});
queue.fill();
earlier = (await api.get(`${question}/own`)).answers;
byId("back").disabled = place + 1 >= earlier.length;
