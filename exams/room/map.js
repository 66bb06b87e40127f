// The map: every question with a number, and in sight which are answered, flagged, not saved.

import { h } from "./dom.js";
import { t } from "./strings.js";

/** What a screen reader says of a question. */
function spoken(number, { answered, flagged, unsaved, closed }) {
  const said = [t("Question {number}", { number }), answered ? t("answered") : t("unanswered")];
  if (flagged) said.push(t("flagged"));
  if (unsaved) said.push(t("not saved"));
  if (closed) said.push(t("closed, cannot be changed"));
  return said.join(", ");
}

export class QuestionMap {
  /** go(index): called when a question is chosen. */
  constructor(element, total, go) {
    this.buttons = Array.from({ length: total }, (_, index) => h("button", { type: "button", onclick: () => go(index) }, String(index + 1)));
    const key = (kind, text) => h("li", {}, h("span", { class: `sample ${kind}`, "aria-hidden": "true" }), text);
    this.closed = key("closed", t("closed"));
    this.summary = h("p", { class: "quiet" });
    element.replaceChildren(
      h("h2", {}, t("Questions")),
      this.summary,
      h("div", { class: "grid" }, ...this.buttons),
      h("ul", { class: "legend" }, key("answered", t("answered")), key("", t("unanswered")), key("flagged", t("flagged")), key("unsaved", t("not saved")), this.closed));
  }

  /** states: {answered, flagged, unsaved, closed} for each question. */
  draw(states, current) {
    this.buttons.forEach((button, index) => {
      const state = states[index];
      button.className = ["answered", "flagged", "unsaved", "closed"].filter((name) => state[name]).join(" ");
      button.setAttribute("aria-label", spoken(index + 1, state));
      if (index === current) {
        if (!button.hasAttribute("aria-current")) button.scrollIntoView({ block: "nearest" }); // a long paper's map scrolls
        button.setAttribute("aria-current", "true");
      }
      else button.removeAttribute("aria-current");
    });
    this.closed.hidden = !states.some((state) => state.closed);
    const answered = states.filter((state) => state.answered).length;
    this.summary.textContent = t("{answered} of {total} answered", { answered, total: states.length });
  }

  focus(current) {
    this.buttons[current].focus();
  }
}
