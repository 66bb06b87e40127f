// What is asked or told above the paper, in the browser's own modal dialogs: they keep the focus, and Escape closes them.

import { h } from "./dom.js";
import { t } from "./strings.js";

/** Open a dialog; `closable` false for one that only its buttons may close. Returns the element. */
function open(title, closable, ...content) {
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, h("h2", { id: "dialog-title" }, title), ...content);
  dialog.addEventListener("cancel", (event) => closable || event.preventDefault());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const row = (...buttons) => h("div", { class: "actions" }, ...buttons);
const button = (text, act, kind = "button") => h("button", { type: "button", class: kind, onclick: act }, text);

/** The keys. */
export function help() {
  const keys = [
    ["A–E, 1–8", t("Choose an option")],
    ["← →, Page Up, Page Down", t("Previous or next question")],
    ["↑ ↓", t("Move between options")],
    ["F", t("Flag or unflag")],
    ["M", t("Map of the questions")],
    ["?", t("This help")],
    ["Esc", t("Close")],
  ];
  const dialog = open(t("Keys"), true,
    h("dl", { class: "keys" }, ...keys.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
    h("p", { class: "quiet" }, t("While you write a text or work in an image, letters and arrows belong to it.")),
    row(button(t("Close"), () => dialog.close())));
}

/**
 * Ask whether to hand in. states: {answered, flagged, unsaved} for each question. go(index): to a question.
 * submit(wanted): hands in while wanted() holds, that is while the dialog is open; throws with a sentence where that
 * is not possible.
 */
export function confirmSubmit(states, go, submit) {
  const places = (wanted) => states.flatMap((state, index) => (wanted(state) ? [index] : []));
  const group = (text, indexes) => h("div", { class: "count" }, h("b", {}, String(indexes.length)), h("span", {}, text));
  const jumps = (text, indexes) => indexes.length === 0 ? null : h("p", { class: "jumps" }, text, " ",
    ...indexes.map((index) => button(String(index + 1), () => { dialog.close(); go(index); }, "chip")));
  const [answered, open_, flagged] = [places((s) => s.answered), places((s) => !s.answered), places((s) => s.flagged)];
  const problem = h("p", { class: "hint", role: "alert" });
  const sure = button(t("Hand in now"), async () => {
    sure.disabled = true;
    problem.textContent = t("Saving and handing in…");
    try {
      await submit(() => dialog.open);
    } catch (error) {
      problem.textContent = error.message;
      sure.disabled = false;
    }
  });
  sure.id = "submit-now";
  const dialog = open(t("Hand in the paper?"), true,
    h("div", { class: "counts" }, group(t("answered"), answered), group(t("unanswered"), open_), group(t("flagged"), flagged)),
    jumps(t("Unanswered:"), open_),
    jumps(t("Flagged:"), flagged),
    h("p", {}, t("After that nothing can be changed.")),
    problem,
    row(button(t("Go back to the questions"), () => dialog.close(), "button second"), sure));
  return dialog;
}

/**
 * Ask whether to go on in a case that goes forward only. closing: places (from 0) of the questions that this closes;
 * open_: those of them without an answer.
 */
export function confirmForward(closing, open_, goOn) {
  const numbers = (indexes) => indexes.map((index) => index + 1).join(t(", "));
  const dialog = open(t("Go on to the next question of this case?"), true,
    h("p", {}, t("After that question {numbers} can be read, but not changed any more.", { numbers: numbers(closing) })),
    open_.length ? h("p", { class: "hint" }, t("Not answered yet: {numbers}", { numbers: numbers(open_) })) : null,
    row(button(t("Stay here"), () => dialog.close(), "button second"), button(t("Go on to it"), () => { dialog.close(); goOn(); })));
  dialog.dataset.forward = "";
  return dialog;
}

/** Another page has the seat. takeOver(): continue here. */
export function takenOver(takeOver) {
  const dialog = open(t("This exam is open elsewhere"), false,
    h("p", {}, t("It was opened in another window or on another machine, and goes on there. You can close this page.")),
    row(button(t("Continue here instead"), () => { dialog.close(); dialog.remove(); takeOver(); })));
  return dialog;
}

/** Something that the candidate must know and that has one way on. */
export function tell(title, sentence, action, act) {
  return open(title, false, h("p", { role: "status" }, sentence), action ? row(button(action, act)) : "");
}
